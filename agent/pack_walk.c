/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_walk.h"

#include "agent/pack_header.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <sys/xattr.h>

#define CHUNK     (256 * KIB)
#define DEPTH_MAX 200 /* one descriptor each */
#define NAMES_MAX (64 * KIB)

struct linked {
	dev_t dev;
	ino_t ino;
	char *path; /* of the first name */
};

static int by_inode(const void *a, const void *b)
{
	const struct linked *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino == y->ino ? 0 : x->ino < y->ino ? -1 : 1;
}

static void free_linked(void *p)
{
	struct linked *l = p;

	free(l->path);
	free(l);
}

static int cannot(const struct pack_walk *w, const char *verb, struct err *e)
{
	return err_errno(e, "cannot %s '%s'", verb, w->path);
}

/* *ret: the first name of this file, NULL if this is it. */
static int find_linked(struct pack_walk *w, const struct stat *st, const char **ret, struct err *e)
{
	struct linked *l = calloc(1, sizeof(*l));
	struct linked **found;

	*ret = NULL;
	if (!l)
		return err_oom(e);
	l->dev = st->st_dev;
	l->ino = st->st_ino;
	l->path = strdup(w->path);
	found = l->path ? tsearch(l, &w->linked, by_inode) : NULL;
	if (found && *found == l)
		return 0;
	free_linked(l);
	if (!found)
		return err_oom(e);
	*ret = (*found)->path;
	return 0;
}

static int add_xattr(struct pack_walk *w, int fd, const char *name, struct buf *out, struct err *e)
{
	auto_free char *value = malloc(XATTR_SIZE_MAX);
	ssize_t len = value ? fgetxattr(fd, name, value, XATTR_SIZE_MAX) : 0;

	if (!value)
		return err_oom(e);
	return len < 0 ? cannot(w, "read an extended attribute of", e)
		       : pack_header_xattr(out, name, value, (size_t)len, e);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, as file systems list them in any order. */
static int read_xattrs(struct pack_walk *w, int fd, struct buf *out, struct err *e)
{
	auto_free char *list = malloc(NAMES_MAX);
	const char *name[256];
	size_t n = 0;
	ssize_t len = list ? flistxattr(fd, list, NAMES_MAX) : 0;

	if (!list)
		return err_oom(e);
	if (len < 0)
		return errno == EOPNOTSUPP ? 0 : cannot(w, "list extended attributes of", e);
	for (const char *p = list; p < list + len && n < ARRAY_LEN(name); p += strlen(p) + 1)
		if (strncmp(p, "user.", 5) == 0)
			name[n++] = p;
	qsort(name, n, sizeof(*name), by_name);
	for (size_t i = 0; i < n; i++)
		if (add_xattr(w, fd, name[i], out, e) < 0)
			return -e->num;
	return 0;
}

static int begin(struct pack_walk *w, struct pack_entry *n, const struct stat *st, const char *dir,
	struct err *e)
{
	auto_buf struct buf header = BUF_INIT(2 * PACK_EXTENDED_MAX);
	uint64_t padded = (n->size + PACK_BLOCK - 1) / PACK_BLOCK * PACK_BLOCK;

	n->mode = st->st_mode;
	n->uid = st->st_uid;
	n->gid = st->st_gid;
	n->mtime = st->st_mtim;
	if (n->mtime.tv_sec > w->newest)
		w->newest = n->mtime.tv_sec;
	w->entries++;
	if (w->request->cancelled && w->request->cancelled(w->request->ctx))
		return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
	if (pack_header(n, &header, e) < 0)
		return err_ctx(e, "'%s'", w->path);
	if (pack_frames_begin(w->frames, header.len + padded, dir, e) < 0)
		return -e->num;
	return pack_frames_add(w->frames, header.data, header.len, e);
}

static int copy_content(struct pack_walk *w, int fd, uint64_t size, struct err *e)
{
	static const char zero[PACK_BLOCK];
	uint64_t left = size;

	while (left > 0) {
		ssize_t n = read(fd, w->chunk, left < CHUNK ? (size_t)left : CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cannot(w, "read", e);
		if (n == 0)
			return err_set(e, ERR_TRANSIENT, EAGAIN,
				"'%s' became shorter while it was read", w->path);
		if (w->request->cancelled && w->request->cancelled(w->request->ctx))
			return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
		if (pack_frames_add(w->frames, w->chunk, (size_t)n, e) < 0)
			return -e->num;
		left -= (uint64_t)n;
		w->bytes += (uint64_t)n;
		if (w->request->progress)
			w->request->progress(w->bytes, w->request->ctx);
	}
	return pack_frames_add(w->frames, zero, (size_t)(-size % PACK_BLOCK), e);
}

static int open_file(
	struct pack_walk *w, int dirfd, const char *name, struct stat *st, int *ret, struct err *e)
{
	auto_close int fd =
		openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, st) < 0)
		return cannot(w, "open", e);
	if (st->st_ino == w->output.st_ino && st->st_dev == w->output.st_dev)
		return err_set(e, ERR_USAGE, EINVAL,
			"the archive would lie in the tree it is made of: put it elsewhere");
	*ret = take_fd(&fd);
	return 0;
}

static int add_file(
	struct pack_walk *w, int dirfd, const char *name, struct stat *st, struct err *e)
{
	struct pack_entry n = {.path = w->path, .link = "", .type = '0'};
	auto_buf struct buf xattrs = BUF_INIT(PACK_EXTENDED_MAX);
	auto_close int fd = -1;
	const char *first = NULL;
	int rc = open_file(w, dirfd, name, st, &fd, e);

	if (rc == 0 && st->st_nlink > 1)
		rc = find_linked(w, st, &first, e);
	if (rc < 0)
		return rc;
	if (first) {
		n.type = '1';
		n.link = first;
		return begin(w, &n, st, NULL, e) < 0 ? -e->num : pack_frames_end(w->frames, e);
	}
	rc = read_xattrs(w, fd, &xattrs, e);
	n.xattrs = xattrs;
	n.size = (uint64_t)st->st_size;
	if (n.size > w->largest)
		w->largest = n.size;
	if (rc == 0)
		rc = begin(w, &n, st, NULL, e);
	if (rc == 0)
		rc = copy_content(w, fd, n.size, e);
	return rc == 0 ? pack_frames_end(w->frames, e) : rc;
}

static int add_symlink(
	struct pack_walk *w, int dirfd, const char *name, const struct stat *st, struct err *e)
{
	char target[PATH_MAX];
	struct pack_entry n = {.path = w->path, .link = target, .type = '2'};
	ssize_t len = readlinkat(dirfd, name, target, sizeof(target) - 1);

	if (len < 0)
		return cannot(w, "read the link", e);
	target[len] = '\0';
	return begin(w, &n, st, NULL, e) < 0 ? -e->num : pack_frames_end(w->frames, e);
}

static int add_dir(struct pack_walk *w, int fd, unsigned depth, struct err *e);

static int add_entry(
	struct pack_walk *w, int dirfd, const char *name, unsigned depth, struct err *e)
{
	auto_close int fd = -1;
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return cannot(w, "examine", e);
	if (S_ISREG(st.st_mode))
		return add_file(w, dirfd, name, &st, e);
	if (S_ISLNK(st.st_mode))
		return add_symlink(w, dirfd, name, &st, e);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_DATA, EINVAL,
			"'%s' is no file, directory or symbolic link: remove it", w->path);
	if (depth >= DEPTH_MAX)
		return err_set(
			e, ERR_DATA, ELOOP, "'%s' is more than %d levels deep", w->path, DEPTH_MAX);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? cannot(w, "open the directory", e) : add_dir(w, fd, depth + 1, e);
}

static int add_dir_header(struct pack_walk *w, int fd, struct err *e)
{
	auto_buf struct buf xattrs = BUF_INIT(PACK_EXTENDED_MAX);
	char path[sizeof(w->path) + 1];
	struct pack_entry n = {.path = path, .link = "", .type = '5'};
	struct stat st;

	snprintf(path, sizeof(path), "%s/", w->path);
	if (fstat(fd, &st) < 0)
		return cannot(w, "examine", e);
	if (read_xattrs(w, fd, &xattrs, e) < 0)
		return -e->num;
	n.xattrs = xattrs;
	return begin(w, &n, &st, w->path, e) < 0 ? -e->num : pack_frames_end(w->frames, e);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int by_entry(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* w->path names the directory, before and after. */
static int add_dir(struct pack_walk *w, int fd, unsigned depth, struct err *e)
{
	const size_t len = strlen(w->path);
	struct dirent **entry = NULL;
	int rc = add_dir_header(w, fd, e);
	int n = rc < 0 ? 0 : scandirat(fd, ".", &entry, NULL, by_entry);

	if (n < 0)
		rc = cannot(w, "read the directory", e);
	for (int i = 0; i < n; i++) {
		const char *name = entry[i]->d_name;

		if (rc == 0 && !is_dots(name)) {
			int want = snprintf(w->path + len, sizeof(w->path) - len, "/%s", name);

			if (want < 0 || (size_t)want >= sizeof(w->path) - len)
				rc = err_set(e, ERR_DATA, ENAMETOOLONG,
					"a name beneath '%.80s...' is too long", w->path);
			else
				rc = add_entry(w, fd, name, depth, e);
			w->path[len] = '\0';
		}
		free(entry[i]);
	}
	free(entry);
	return rc;
}

int pack_walk(struct pack_walk *w, const char *top, struct err *e)
{
	auto_close int fd = open(w->request->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_errno(e, "cannot open '%s'", w->request->dir);
	w->chunk = malloc(CHUNK);
	if (!w->chunk)
		return err_oom(e);
	w->newest = 0;
	snprintf(w->path, sizeof(w->path), "%s", top);
	rc = add_dir(w, fd, 0, e);
	tdestroy(w->linked, free_linked);
	w->linked = NULL;
	free(take_ptr(w->chunk));
	return rc;
}
