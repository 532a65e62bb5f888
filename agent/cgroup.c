/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cgroup.h"

#include "common/fs.h"
#include "common/num.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define CGROUP_FILE     "/proc/self/cgroup"
#define CGROUP_FILE_MAX (64 * KIB)

/* Page counters of version 1 begin at 2^63 - 1 rounded down to a page (up to 64 KiB). */
#define UNLIMITED ((uint64_t)INT64_MAX - 64 * KIB)

#define TEXT 64

/* One kind of limit: where each version has it, and how a group's directory is read; *limit is
 * lowered, never raised. */
struct resource {
	const char *controller; /* of version 1 */
	const char *mount;      /* of it */
	int (*read1)(int rootfd, const char *dir, uint64_t *limit, struct err *e);
	int (*read2)(int rootfd, const char *dir, uint64_t *limit, struct err *e);
};

/* 1; 0: absent, as in the root of the hierarchy: no limit. */
static int read_text(int rootfd, const char *dir, const char *file, char path[static PATH_MAX],
	char text[static TEXT], struct err *e)
{
	int rc;

	if (snprintf(path, PATH_MAX, "%s/%s", dir, file) >= PATH_MAX)
		return err_set(e, ERR_SYSTEM, ENAMETOOLONG,
			"'" CGROUP_FILE "': '%.64s…' is too long", dir);
	rc = fs_read_line(rootfd, path, text, TEXT, e);
	if (rc == -ENOENT || rc == -ENOTDIR)
		return 0;
	return rc < 0 ? rc : 1;
}

static int read_memory(
	int rootfd, const char *dir, const char *file, uint64_t *limit, struct err *e)
{
	char path[PATH_MAX], text[TEXT];
	uint64_t n;
	int rc = read_text(rootfd, dir, file, path, text, e);

	if (rc <= 0 || strcmp(text, "max") == 0)
		return rc < 0 ? rc : 0;
	if (num_u64(text, 0, UINT64_MAX, &n, e) < 0)
		return err_set(
			e, ERR_SYSTEM, EBADMSG, "'%s': '%s' is not a limit of memory", path, text);
	if (n < UNLIMITED && n < *limit)
		*limit = n;
	return 0;
}

static int read_memory1(int rootfd, const char *dir, uint64_t *limit, struct err *e)
{
	return read_memory(rootfd, dir, "memory.limit_in_bytes", limit, e);
}

static int read_memory2(int rootfd, const char *dir, uint64_t *limit, struct err *e)
{
	return read_memory(rootfd, dir, "memory.max", limit, e);
}

/* The time of CPUs in each period, as a number of CPUs rounded up. */
static int take_quota(
	const char *quota, const char *period, const char *path, uint64_t *limit, struct err *e)
{
	uint64_t q, p;

	if (num_u64(quota, 0, INT64_MAX, &q, e) < 0 || num_u64(period, 1, INT64_MAX, &p, e) < 0)
		return err_set(e, ERR_SYSTEM, EBADMSG, "'%s': '%s' of '%s' is not a quota of CPUs",
			path, quota, period);
	q = q / p + (q % p > 0);
	if (q < *limit)
		*limit = q;
	return 0;
}

static int read_cpu1(int rootfd, const char *dir, uint64_t *limit, struct err *e)
{
	char path[PATH_MAX], quota[TEXT], period[TEXT];
	int rc = read_text(rootfd, dir, "cpu.cfs_quota_us", path, quota, e);

	if (rc <= 0 || strcmp(quota, "-1") == 0)
		return rc < 0 ? rc : 0;
	rc = read_text(rootfd, dir, "cpu.cfs_period_us", path, period, e);
	return rc <= 0 ? rc : take_quota(quota, period, path, limit, e);
}

/* "max 100000" or "150000 100000". */
static int read_cpu2(int rootfd, const char *dir, uint64_t *limit, struct err *e)
{
	char path[PATH_MAX], text[TEXT], *period = text, *quota;
	int rc = read_text(rootfd, dir, "cpu.max", path, text, e);

	if (rc <= 0)
		return rc;
	quota = strsep(&period, " ");
	if (strcmp(quota, "max") == 0)
		return 0;
	return take_quota(quota, period ? period : "", path, limit, e);
}

static const struct resource memory = {
	"memory", "/sys/fs/cgroup/memory", read_memory1, read_memory2};
static const struct resource cpu = {"cpu", "/sys/fs/cgroup/cpu", read_cpu1, read_cpu2};

#define MOUNT2 "/sys/fs/cgroup"

/* From the group up to the root. A path that leaves our cgroup namespace ("/../x") cannot be
 * followed: the namespace's own root is looked at alone. */
static int read_limits(int rootfd, const struct resource *r, bool version2, char *group,
	uint64_t *limit, struct err *e)
{
	char dir[PATH_MAX];
	int rc = 0;

	if (strstr(group, "/.."))
		*group = '\0';
	for (char *end = strchr(group, '\0'); rc == 0;) {
		while (end > group && end[-1] == '/')
			*--end = '\0';
		if (snprintf(dir, sizeof(dir), "%s%s", version2 ? MOUNT2 : r->mount, group) >=
			(int)sizeof(dir))
			return err_set(e, ERR_SYSTEM, ENAMETOOLONG,
				"'" CGROUP_FILE "': '%.64s…' is too long", group);
		rc = (version2 ? r->read2 : r->read1)(rootfd, dir, limit, e);
		if (end == group)
			break;
		while (end > group && end[-1] != '/')
			*--end = '\0';
	}
	return rc;
}

/* "0::/system.slice/x.service" of version 2, "4:cpu,memory:/x" of version 1. */
static int read_line(
	int rootfd, const struct resource *r, char *line, uint64_t *limit, struct err *e)
{
	char *group = line, *word;
	const char *id = strsep(&group, ":");
	char *controllers = strsep(&group, ":");

	if (!group || *group != '/' || !*id)
		return err_set(e, ERR_SYSTEM, EBADMSG,
			"'" CGROUP_FILE "' has a line that is not understood");
	if (!*controllers)
		return read_limits(rootfd, r, true, group, limit, e);
	while ((word = strsep(&controllers, ","))) {
		if (strcmp(word, r->controller) == 0)
			return read_limits(rootfd, r, false, group, limit, e);
	}
	return 0;
}

static int read_all(int rootfd, const struct resource *r, uint64_t *ret, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	uint64_t limit = UINT64_MAX;
	char *line, *rest;
	int rc = fs_read(rootfd, CGROUP_FILE, &text, e);

	rest = text.data;
	while (rc == 0 && (line = strsep(&rest, "\n"))) {
		if (*line)
			rc = read_line(rootfd, r, line, &limit, e);
	}
	if (rc < 0 && rc != -ENOENT)
		return rc;
	*ret = limit;
	return 0;
}

int cgroup_memory_limit(int rootfd, uint64_t *ret, struct err *e)
{
	return read_all(rootfd, &memory, ret, e);
}

int cgroup_cpu_limit(int rootfd, uint64_t *ret, struct err *e)
{
	return read_all(rootfd, &cpu, ret, e);
}
