/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cgroup.h"

#include "common/fs.h"
#include "common/num.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define CGROUP_FILE     "/proc/self/cgroup"
#define CGROUP_FILE_MAX (64 * KIB)

/* Page counters of version 1 begin at 2^63 - 1 rounded down to a page (up to 64 KiB). */
#define UNLIMITED ((uint64_t)INT64_MAX - 64 * KIB)

/* Where the hierarchy is mounted and how it calls the limit. */
struct hierarchy {
	const char *mount;
	const char *file;
};

static const struct hierarchy version1 = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes"};
static const struct hierarchy version2 = {"/sys/fs/cgroup", "memory.max"};

/* Absent (as in the root of the hierarchy) is no limit. */
static int read_limit(int rootfd, const char *path, uint64_t *limit, struct err *e)
{
	char text[64];
	uint64_t n;
	int rc = fs_read_line(rootfd, path, text, sizeof(text), e);

	if (rc == -ENOENT || rc == -ENOTDIR)
		return 0;
	if (rc < 0 || strcmp(text, "max") == 0)
		return rc;
	if (num_u64(text, 0, UINT64_MAX, &n, e) < 0)
		return err_set(
			e, ERR_SYSTEM, EBADMSG, "'%s': '%s' is not a limit of memory", path, text);
	if (n < UNLIMITED && n < *limit)
		*limit = n;
	return 0;
}

/* From the group up to the root. A path that leaves our cgroup namespace ("/../x") cannot be
 * followed: the namespace's own root is looked at alone. */
static int read_limits(
	int rootfd, const struct hierarchy *h, char *group, uint64_t *limit, struct err *e)
{
	char path[PATH_MAX];
	int rc = 0;

	if (strstr(group, "/.."))
		*group = '\0';
	for (char *end = strchr(group, '\0'); rc == 0;) {
		while (end > group && end[-1] == '/')
			*--end = '\0';
		if (snprintf(path, sizeof(path), "%s%s/%s", h->mount, group, h->file) >=
			(int)sizeof(path))
			return err_set(e, ERR_SYSTEM, ENAMETOOLONG,
				"'" CGROUP_FILE "': '%.64s…' is too long", group);
		rc = read_limit(rootfd, path, limit, e);
		if (end == group)
			break;
		while (end > group && end[-1] != '/')
			*--end = '\0';
	}
	return rc;
}

/* "0::/system.slice/x.service" of version 2, "4:cpu,memory:/x" of version 1. */
static int read_line(int rootfd, char *line, uint64_t *limit, struct err *e)
{
	char *group = line, *word;
	const char *id = strsep(&group, ":");
	char *controllers = strsep(&group, ":");

	if (!group || *group != '/' || !*id)
		return err_set(e, ERR_SYSTEM, EBADMSG,
			"'" CGROUP_FILE "' has a line that is not understood");
	if (!*controllers)
		return read_limits(rootfd, &version2, group, limit, e);
	while ((word = strsep(&controllers, ","))) {
		if (strcmp(word, "memory") == 0)
			return read_limits(rootfd, &version1, group, limit, e);
	}
	return 0;
}

int cgroup_memory_limit(int rootfd, uint64_t *ret, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	uint64_t limit = UINT64_MAX;
	char *line, *rest;
	int rc = fs_read(rootfd, CGROUP_FILE, &text, e);

	rest = text.data;
	while (rc == 0 && (line = strsep(&rest, "\n"))) {
		if (*line)
			rc = read_line(rootfd, line, &limit, e);
	}
	if (rc < 0 && rc != -ENOENT)
		return rc;
	*ret = limit;
	return 0;
}
