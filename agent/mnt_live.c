/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted at a path: /proc/self/mountinfo (proc(5)) and statfs(2). */
#include "agent/mnt_private.h"
#include "common/fs.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#define MOUNTINFO     "/proc/self/mountinfo"
#define MOUNTINFO_MAX (16 * MIB)
#define FDINFO_MAX    (64 * KIB)

/* The mount that a descriptor is in, by the number that mountinfo begins its line with. */
static int mount_id(int fd, uint64_t *ret, struct err *e)
{
	static const char key[] = "\nmnt_id:";
	auto_buf struct buf text = BUF_INIT(FDINFO_MAX);
	char path[64], *value, *end;
	int rc;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	rc = fs_read(AT_FDCWD, path, &text, e);
	if (rc < 0)
		return rc;
	value = strstr(buf_str(&text), key);
	if (value) {
		value += sizeof(key) - 1;
		value += strspn(value, " \t");
		end = strchrnul(value, '\n');
		*end = '\0';
	}
	if (!value || num_u64(value, 0, INT64_MAX, ret, e) < 0)
		return err_set(e, ERR_SYSTEM, EBADMSG, "'%s' has no mnt_id", path);
	return 0;
}

static bool has_first(const char *options, const char *word)
{
	size_t len = strlen(word);

	return strncmp(options, word, len) == 0 && (options[len] == ',' || !options[len]);
}

/* "rw,nosuid,nodev,relatime" and "rw,size=1024k": the second without its rw. */
static void join_options(struct mnt_found *f, const char *mount, const char *super)
{
	f->read_only = has_first(super, "ro");
	f->mount_read_only = has_first(mount, "ro");
	if (has_first(super, "rw"))
		super += super[2] ? 3 : 2;
	snprintf(f->live.options, sizeof(f->live.options), "%s%s%s", mount, *super ? "," : "",
		super);
}

/* id parent major:minor root mount-point options [optional …] - type source super-options */
enum { FIELD_ID, FIELD_ROOT = 3, FIELD_OPTIONS = 5, FIELDS };

int mnt_parse_line(char *line, uint64_t id, struct mnt_found *ret)
{
	char *field[FIELDS], *type;
	struct err ignored = ERR_INIT;
	uint64_t own;

	for (unsigned i = 0; i < FIELDS; i++) {
		field[i] = strsep(&line, " ");
		if (!line)
			return -EINVAL;
	}
	if (num_u64(field[FIELD_ID], 0, INT64_MAX, &own, &ignored) < 0)
		return -EINVAL;
	if (own != id)
		return 0;
	while (line && strcmp(strsep(&line, " "), "-") != 0)
		;
	type = strsep(&line, " ");
	if (!type || !strsep(&line, " ") || !line)
		return -EINVAL;
	if (strcmp(type, "tmpfs") != 0 || strcmp(field[FIELD_ROOT], "/") != 0)
		return -EEXIST;
	join_options(ret, field[FIELD_OPTIONS], line);
	return 1;
}

static int find_line(const char *path, uint64_t id, struct mnt_found *f, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(MOUNTINFO_MAX);
	char *line, *rest;
	int rc = fs_read(AT_FDCWD, MOUNTINFO, &text, e);

	if (rc < 0)
		return rc;
	rest = text.data;
	while (rc == 0 && (line = strsep(&rest, "\n")) && *line)
		rc = mnt_parse_line(line, id, f);
	if (rc == -EEXIST)
		return err_set(e, ERR_SYSTEM, EEXIST,
			"'%s' is a mount of something else: unmount it, or set another Path=",
			path);
	if (rc <= 0)
		return err_set(
			e, ERR_SYSTEM, EBADMSG, "'" MOUNTINFO "' does not tell of '%s'", path);
	return 0;
}

static int fill_numbers(const char *path, struct mnt_found *f, struct err *e)
{
	struct statfs st;
	uint64_t block;

	if (fstatfs(f->fd, &st) < 0)
		return err_errno(e, "cannot look at '%s'", path);
	block = (uint64_t)st.f_bsize;
	f->live.mounted = true;
	f->live.size = st.f_blocks * block;
	f->live.used = (st.f_blocks - st.f_bfree) * block;
	f->live.nr_inodes = st.f_files;
	f->live.used_inodes = st.f_files - st.f_ffree;
	return 0;
}

/* Descriptors of the path and of the directory that holds it; -1 where there is none or a symlink.
 */
static int open_both(const char *path, int *ret_parent, int *ret_fd, struct err *e)
{
	char name[NAME_MAX + 1];
	struct stat st;
	int rc = fs_open_parent(AT_FDCWD, path, ret_parent, name, e);
	int fd;

	if (rc == -ENOENT || rc == -ENOTDIR)
		return 0;
	if (rc < 0)
		return rc;
	fd = openat(*ret_parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(e, "cannot open '%s'", path);
	if (fstat(fd, &st) == 0 && S_ISLNK(st.st_mode))
		close(fd);
	else
		*ret_fd = fd;
	return 0;
}

/* A directory that is mounted on itself, as units with ReadWritePaths= have it: nothing else is
 * there. */
static bool is_same_device(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev;
}

/* It is the root of a mount where its parent is in another one. */
int mnt_find(const char *path, struct mnt_found *ret, struct err *e)
{
	auto_close int parent = -1;
	auto_close int fd = -1;
	struct mnt_found f = {.fd = -1};
	uint64_t outer, inner;
	int rc = open_both(path, &parent, &fd, e);

	*ret = f;
	if (rc < 0 || fd < 0)
		return rc;
	rc = mount_id(parent, &outer, e);
	if (rc == 0)
		rc = mount_id(fd, &inner, e);
	if (rc < 0 || outer == inner)
		return rc;
	rc = find_line(path, inner, &f, e);
	if (rc == -EEXIST && is_same_device(parent, fd))
		return 0;
	if (rc < 0)
		return rc;
	f.fd = fd;
	rc = fill_numbers(path, &f, e);
	if (rc < 0)
		return rc;
	*ret = f;
	take_fd(&fd);
	return 0;
}

int mnt_live(const char *path, struct mnt_live *ret, struct err *e)
{
	struct mnt_found f;
	int rc = mnt_find(path, &f, e);

	auto_close_fn(&f.fd);
	if (rc == 0)
		*ret = f.live;
	return rc;
}
