/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/seal.h"

#include "agent/mnt.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* A directory as the seal sees it. */
struct sealed {
	int fd;
	mode_t mode;    /* permissions only */
	unsigned flags; /* FS_IOC_GETFLAGS, 0 where there are none */
	bool has_flags; /* the file system knows them */
	char holds[64]; /* the name of something in it, "" when it is empty */
};

static int find_entry(struct sealed *d, const char *path, struct err *e)
{
	int fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0);
	auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		auto_close_fn(&fd);
		return err_errno(e, "cannot read '%s'", path);
	}
	while ((errno = 0, entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(d->holds, sizeof(d->holds), "%.60s", entry->d_name);
		return 0;
	}
	return errno ? err_errno(e, "cannot read '%s'", path) : 0;
}

/* -ENOENT when it is not there, -ENOTDIR for a symlink or a file. */
static int look(int parent, const char *name, const char *path, struct sealed *ret, struct err *e)
{
	struct sealed d = {.fd = -1};
	struct stat st;
	int rc = 0;

	d.fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d.fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return err_set(e, ERR_SYSTEM, ENOTDIR,
			"'%s' is a symlink or a file: remove it, or set another Path=", path);
	if (d.fd < 0)
		return err_errno(e, "cannot open '%s'", path);
	if (fstat(d.fd, &st) < 0)
		rc = err_errno(e, "cannot look at '%s'", path);
	else
		rc = find_entry(&d, path, e);
	if (rc < 0) {
		close(d.fd);
		return rc;
	}
	d.mode = st.st_mode & 07777;
	d.has_flags = ioctl(d.fd, FS_IOC_GETFLAGS, &d.flags) == 0;
	*ret = d;
	return 0;
}

static int set_flags(const struct sealed *d, unsigned flags)
{
	return ioctl(d->fd, FS_IOC_SETFLAGS, &flags) < 0 ? -errno : 0;
}

/* The mode cannot be changed while the flag is set. Where the flag cannot be set (a file system
 * without it, a container without CAP_LINUX_IMMUTABLE) the mode alone stays. */
static int seal(const struct sealed *d, const char *path, bool *ret_immutable, struct err *e)
{
	bool immutable = d->flags & FS_IMMUTABLE_FL;

	if (immutable && d->mode != 0) {
		immutable = false;
		if (set_flags(d, d->flags & ~(unsigned)FS_IMMUTABLE_FL) < 0)
			return err_errno(e, "cannot unseal '%s' to seal it again", path);
	}
	if (d->mode != 0 && fchmod(d->fd, 0) < 0)
		return err_errno(e, "cannot seal '%s'", path);
	*ret_immutable =
		immutable || (d->has_flags && set_flags(d, d->flags | FS_IMMUTABLE_FL) == 0);
	return 0;
}

/* The directory that holds path, made if need be, and seen bare where path is mounted upon. */
static int open_parent(const char *path, int *ret_fd, char name[static NAME_MAX + 1], struct err *e)
{
	const char *slash = strrchr(path, '/');
	auto_free char *above = strndup(path, slash ? (size_t)(slash - path) : 0);
	auto_close int parent = -1;
	struct mnt_live live;
	int rc;

	if (!above)
		return err_oom(e);
	rc = fs_mkdir_p(AT_FDCWD, above, 0755, e);
	if (rc == 0)
		rc = fs_open_parent(AT_FDCWD, path, &parent, name, e);
	if (rc == 0)
		rc = mnt_live(path, &live, e);
	if (rc < 0)
		return rc;
	if (live.mounted)
		return mnt_clone(parent, ret_fd, e);
	*ret_fd = take_fd(&parent);
	return 0;
}

int seal_apply(const char *path, bool *ret_immutable, struct err *e)
{
	char name[NAME_MAX + 1];
	auto_close int parent = -1;
	struct sealed d;
	int rc = open_parent(path, &parent, name, e);

	if (rc == 0 && mkdirat(parent, name, 0) < 0 && errno != EEXIST)
		rc = err_errno(e, "cannot make '%s'", path);
	if (rc == 0)
		rc = look(parent, name, path, &d, e);
	if (rc < 0)
		return rc;
	if (*d.holds)
		rc = err_set(e, ERR_SYSTEM, ENOTEMPTY,
			"'%s' holds '%s', which a mount would hide: move it away, or set another "
			"Path=",
			path, d.holds);
	else
		rc = seal(&d, path, ret_immutable, e);
	close(d.fd);
	return rc;
}

/* Ours is empty with no permissions; and what is immutable and empty can be nobody else's either.
 */
static bool is_ours(const struct sealed *d)
{
	return !*d->holds && (d->mode == 0 || d->flags & FS_IMMUTABLE_FL);
}

static int unseal(int parent, const char *name, const char *path, struct err *e)
{
	struct sealed d;
	int rc = look(parent, name, path, &d, e);

	if (rc == -ENOENT || rc == -ENOTDIR)
		return 0;
	if (rc < 0)
		return rc;
	if (!is_ours(&d))
		rc = 0;
	else if (d.flags & FS_IMMUTABLE_FL &&
		 set_flags(&d, d.flags & ~(unsigned)FS_IMMUTABLE_FL) < 0)
		rc = err_errno(e, "cannot unseal '%s'", path);
	else if (unlinkat(parent, name, AT_REMOVEDIR) < 0)
		rc = err_errno(e, "cannot remove '%s'", path);
	close(d.fd);
	return rc;
}

int seal_remove(const char *path, struct err *e)
{
	char name[NAME_MAX + 1];
	auto_close int parent = -1;
	struct mnt_live live;
	int rc = fs_open_parent(AT_FDCWD, path, &parent, name, e);

	if (rc == -ENOENT || rc == -ENOTDIR)
		return 0;
	if (rc == 0)
		rc = mnt_live(path, &live, e);
	if (rc < 0)
		return rc;
	if (live.mounted)
		return err_set(e, ERR_SYSTEM, EBUSY, "unseal '%s': it is mounted upon", path);
	return unseal(parent, name, path, e);
}
