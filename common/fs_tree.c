/* SPDX-License-Identifier: Apache-2.0 */
#include "common/fs.h"

#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* Descriptors and stack are limited, the depth of a tree is not: see move_up(). */
#define DEPTH_MAX 32

struct removal {
	const char *path; /* for messages */
	int topfd;
	bool moved; /* something was moved into the top directory */
};

/* The mount's number is only filled since Linux 5.8; before that a bind mount is not noticed. */
static bool same_mount(int a, int b)
{
	struct statx x = {0}, y = {0};

	if (statx(a, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MNT_ID, &x) < 0 ||
		statx(b, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MNT_ID, &y) < 0)
		return false;
	return x.stx_dev_major == y.stx_dev_major && x.stx_dev_minor == y.stx_dev_minor &&
	       x.stx_mnt_id == y.stx_mnt_id;
}

/* A directory that can be emptied, or -errno. */
static int open_dir(int dirfd, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	auto_close int fd = openat(dirfd, name, flags);
	struct stat st;

	if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, S_IRWXU, AT_SYMLINK_NOFOLLOW) == 0)
		fd = openat(dirfd, name, flags);
	if (fd < 0)
		return -errno;
	if (!same_mount(dirfd, fd))
		return -EXDEV;
	if (fstat(fd, &st) < 0)
		return -errno;
	/* Root takes it first, so that its owner cannot fill it faster than it is emptied. Not ours
	 * to change: then removing says so. */
	if (st.st_uid != geteuid() && geteuid() == 0 && fchown(fd, 0, 0) < 0)
		errno = 0;
	if ((st.st_mode & 07777) != S_IRWXU && fchmod(fd, S_IRWXU) < 0)
		errno = 0;
	return take_fd(&fd);
}

/* 1: it is a directory; 0: gone; else -errno. */
static int unlink_file(int dirfd, const char *name)
{
	int num;
	struct stat st;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	num = errno;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		return 1;
	return -num;
}

static int move_up(struct removal *r, int dirfd, const char *name)
{
	char temporary[32];

	snprintf(temporary, sizeof(temporary), ".deep.%016" PRIx64, clock_jitter(UINT64_MAX));
	if (renameat(dirfd, name, r->topfd, temporary) < 0)
		return -errno;
	r->moved = true;
	return 0;
}

static int empty_dir(struct removal *r, int fd, unsigned depth, struct err *e);

static int remove_entry(
	struct removal *r, int dirfd, const char *name, unsigned depth, struct err *e)
{
	int rc = unlink_file(dirfd, name);
	int fd = -1;

	if (rc == 1 && depth >= DEPTH_MAX)
		rc = move_up(r, dirfd, name);
	if (rc == 1) {
		fd = open_dir(dirfd, name);
		rc = fd < 0 ? fd : empty_dir(r, fd, depth + 1, e);
		if (rc < 0 && fd >= 0)
			return rc;
		if (rc == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			rc = -errno;
	}
	if (rc < 0) {
		errno = -rc;
		return err_errno(e, "cannot remove '%s' in '%s'", name, r->path);
	}
	return 0;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Owns fd. */
static int empty_dir(struct removal *r, int fd, unsigned depth, struct err *e)
{
	auto_dir DIR *dir = fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		close(fd);
		return err_oom(e);
	}
	errno = 0;
	while ((entry = readdir(dir))) {
		int rc = is_dots(entry->d_name)
				 ? 0
				 : remove_entry(r, dirfd(dir), entry->d_name, depth, e);

		if (rc < 0)
			return rc;
		errno = 0;
	}
	return errno ? err_errno(e, "cannot read a directory in '%s'", r->path) : 0;
}

static int remove_dir(int dirfd, const char *name, const char *path, struct err *e)
{
	auto_close int topfd = open_dir(dirfd, name);
	struct removal r = {.path = path, .topfd = topfd, .moved = true};

	if (topfd < 0) {
		errno = -topfd;
		return err_errno(e, "cannot remove '%s'", path);
	}
	while (r.moved) {
		int fd = openat(topfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int rc;

		if (fd < 0)
			return err_errno(e, "cannot remove '%s'", path);
		r.moved = false;
		rc = empty_dir(&r, fd, 0, e);
		if (rc < 0)
			return rc;
	}
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_errno(e, "cannot remove '%s'", path);
	return 0;
}

int fs_remove_tree(int rootfd, const char *path, struct err *e)
{
	char name[NAME_MAX + 1];
	auto_close int dirfd = -1;
	int rc = fs_open_parent(rootfd, path, &dirfd, name, e);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = unlink_file(dirfd, name);
	if (rc == 1)
		return remove_dir(dirfd, name, path, e);
	if (rc < 0) {
		errno = -rc;
		return err_errno(e, "cannot remove '%s'", path);
	}
	return 0;
}
