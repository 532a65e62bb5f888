/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/bake.h"

#include "common/cancel.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>

static int refuse(const char *what, const char *path, const char *why, struct err *e)
{
	return err_set(e, ERR_CONFIG, EINVAL, "%s'%s': %s", what, path, why);
}

static int cannot(const char *what, const char *path, struct err *e)
{
	err_errno(e, "%s'%s'", what, path);
	e->kind = ERR_CONFIG;
	return -e->num;
}

static int set_name(const char *path, const char *what, struct bake_file *f, struct err *e)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	if (!*name || strlen(name) >= sizeof(f->name))
		return refuse(what, path, "its name is too long, or empty", e);
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->path = strdup(path);
	return f->path ? 0 : err_oom(e);
}

/* Without waiting for who writes into a FIFO. */
static int open_plain(const char *path, struct stat *st)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 || fstat(fd, st) < 0 ? -errno : take_fd(&fd);
}

int bake_file_read(const char *path, const char *what, struct bake_file *ret, struct err *e)
{
	struct stat st;
	auto_close int fd = open_plain(path, &st);
	int rc;

	if (fd < 0) {
		errno = -fd;
		return cannot(what, path, e);
	}
	if (!S_ISREG(st.st_mode))
		return refuse(what, path, "is not a file", e);
	if ((rc = set_name(path, what, ret, e)) < 0)
		return rc;
	ret->mode = st.st_mode;
	ret->bytes = (uint64_t)st.st_size;
	return digest_fd(fd, path, ret->digest, e);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int add_link(const FTSENT *f, const char *what, struct digest *d, struct err *e)
{
	char to[PATH_MAX];
	ssize_t n = readlink(f->fts_accpath, to, sizeof(to));

	if (n < 0)
		return cannot(what, f->fts_path, e);
	digest_add(d, to, (size_t)n);
	return 0;
}

static int add_content(const FTSENT *f, const char *what, struct digest *d, struct err *e)
{
	char text[DIGEST_TEXT];
	struct stat st;
	auto_close int fd = open_plain(f->fts_accpath, &st);
	int rc;

	if (fd < 0) {
		errno = -fd;
		return cannot(what, f->fts_path, e);
	}
	rc = digest_fd(fd, f->fts_path, text, e);
	if (rc == 0)
		digest_add(d, text, strlen(text));
	return rc;
}

/* Mode, path beneath the top and content; no times, as copies of a tree have others. */
static int add_entry(
	const FTSENT *f, const char *what, struct bake_file *ret, struct digest *d, struct err *e)
{
	const mode_t mode = f->fts_statp->st_mode;
	char head[32];

	snprintf(head, sizeof(head), "%o", (unsigned)mode);
	digest_add(d, head, strlen(head) + 1);
	digest_add(d, f->fts_path + strlen(ret->path), strlen(f->fts_path + strlen(ret->path)) + 1);
	if (S_ISREG(mode))
		ret->bytes += (uint64_t)f->fts_statp->st_size;
	return S_ISREG(mode)   ? add_content(f, what, d, e)
	       : S_ISLNK(mode) ? add_link(f, what, d, e)
			       : 0;
}

/* Devices, sockets and FIFOs: of a whole system. */
static int add_special(
	const FTSENT *f, const char *what, struct bake_file *ret, struct digest *d, struct err *e)
{
	const dev_t device = f->fts_statp->st_rdev;

	digest_add(d, &device, sizeof(device));
	return add_entry(f, what, ret, d, e);
}

static int walk(FTS *fts, const char *what, struct bake_file *ret, struct digest *d, struct err *e)
{
	const FTSENT *f;
	int rc = 0;

	while (rc == 0 && (errno = 0, f = fts_read(fts))) {
		if (cancel_requested())
			return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
		switch (f->fts_info) {
		case FTS_D:
		case FTS_F:
		case FTS_SL:
		case FTS_SLNONE:
			rc = add_entry(f, what, ret, d, e);
			break;
		case FTS_DP:
			break;
		case FTS_DNR:
		case FTS_ERR:
		case FTS_NS:
			errno = f->fts_errno;
			return cannot(what, f->fts_path, e);
		case FTS_DEFAULT:
			if (ret->special) {
				rc = add_special(f, what, ret, d, e);
				break;
			}
			/* fall through */
		default:
			return refuse(what, f->fts_path,
				"is no file, directory or link: an image gets no others", e);
		}
	}
	return rc == 0 && errno ? cannot(what, ret->path, e) : rc;
}

int bake_tree_read(const char *path, const char *what, struct bake_file *ret, struct err *e)
{
	char *const top[] = {(char[PATH_MAX]){""}, NULL};
	struct digest d;
	struct stat st;
	FTS *fts;
	int rc = set_name(path, what, ret, e);

	if (rc < 0)
		return rc;
	if (stat(path, &st) < 0)
		return cannot(what, path, e);
	ret->mode = st.st_mode;
	ret->bytes = 0;
	snprintf(top[0], PATH_MAX, "%s", path);
	fts = fts_open(top, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, by_name);
	if (!fts)
		return cannot(what, path, e);
	digest_start(&d);
	rc = walk(fts, what, ret, &d, e);
	fts_close(fts);
	digest_end(&d, ret->digest);
	return rc;
}
