/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prepare.h"

#include "agent/spool.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define SELF     "/proc/self/exe"
#define BIN      "bin"
#define NAME     "shared-prep"
#define NAME_NEW ".shared-prep.new"

/* Made while only root may write to the tmpfs. */
static int open_bin(int shared, int *ret, struct err *e)
{
	auto_close int fd = -1;

	if (mkdirat(shared, BIN, 0755) < 0 && errno != EEXIST)
		return err_errno(e, "cannot make '" BIN "'");
	fd = openat(shared, BIN, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0755) < 0 || (geteuid() == 0 && fchown(fd, 0, 0) < 0))
		return err_errno(e, "cannot own '" BIN "'");
	*ret = take_fd(&fd);
	return 0;
}

static bool is_same(int bin, const struct stat *self)
{
	struct stat st;

	return fstatat(bin, NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size == self->st_size && st.st_mtim.tv_sec == self->st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == self->st_mtim.tv_nsec && (st.st_mode & 07777) == 0755;
}

static int copy_all(int from, int to, off_t size)
{
	while (size > 0) {
		ssize_t n = sendfile(to, from, NULL, (size_t)size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO;
		size -= n > 0 ? n : 0;
	}
	return 0;
}

static int copy_self(int bin, int self, const struct stat *st, struct err *e)
{
	const struct timespec times[2] = {st->st_mtim, st->st_mtim};
	auto_close int fd = -1;
	int rc;

	if (unlinkat(bin, NAME_NEW, 0) < 0 && errno != ENOENT)
		return err_errno(e, "cannot write '" BIN "/" NAME "'");
	fd = openat(bin, NAME_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	rc = fd < 0 ? -errno : copy_all(self, fd, st->st_size);
	if (rc == 0 && (fchmod(fd, 0755) < 0 || futimens(fd, times) < 0))
		rc = -errno;
	if (rc == 0 && renameat(bin, NAME_NEW, bin, NAME) < 0)
		rc = -errno;
	if (rc < 0) {
		unlinkat(bin, NAME_NEW, 0);
		errno = -rc;
		return err_errno(e, "cannot write '" BIN "/" NAME "'");
	}
	return 0;
}

/* This program, for containers that have nothing but the mount. */
static int put_self(struct prepare *p, struct err *e)
{
	auto_close int self = open(SELF, O_RDONLY | O_CLOEXEC);
	auto_close int bin = -1;
	struct stat st;
	int rc;

	if (self < 0 || fstat(self, &st) < 0) {
		log_warning("prepare: no '%s/" BIN "/" NAME "': this program cannot be read (is "
			    "/proc mounted?)",
			p->settings.path);
		return 0;
	}
	rc = open_bin(p->shared, &bin, e);
	if (rc < 0 || is_same(bin, &st))
		return rc;
	return copy_self(bin, self, &st, e);
}

int prepare_jobs(struct prepare *p, struct err *e)
{
	int rc = put_self(p, e);

	if (rc == 0)
		rc = spool_make(p->shared, SPOOL_FOLDER, e);
	return rc < 0 ? err_ctx(e, "prepare: '%s'", p->settings.path) : 0;
}
