/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_node.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* The deepest directories that stay open; those above are found again by "..". */
#define OPEN_MAX_LEVELS 32

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct level {
	int fd; /* -1: closed */
	dev_t dev;
	ino_t ino;
	size_t len; /* of its path */
	struct dirent **entry;
	int n, next;
};

struct visit {
	pack_visit_fn *visit;
	void *ctx;
	struct level *level;
	size_t depth, cap;
	char path[PACK_PATH];
};

static int cannot(const struct visit *v, const char *verb, struct err *e)
{
	return err_errno(e, "cannot %s '%s'", verb, v->path);
}

static int by_entry(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int no_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

/* One level down, into fd, which is owned from now on. */
static int enter(struct visit *v, int fd, const struct stat *st, struct err *e)
{
	struct level *l = v->level;

	if (v->depth == v->cap) {
		l = reallocarray(l, v->cap + 64, sizeof(*l));
		if (!l) {
			close(fd);
			return err_oom(e);
		}
		v->level = l;
		v->cap += 64;
	}
	l += v->depth++;
	*l = (struct level){.fd = fd, .dev = st->st_dev, .ino = st->st_ino};
	l->len = strlen(v->path);
	if (v->depth > OPEN_MAX_LEVELS && l[-OPEN_MAX_LEVELS].fd >= 0)
		close(take_fd(&l[-OPEN_MAX_LEVELS].fd));
	l->n = scandirat(fd, ".", &l->entry, no_dots, by_entry);
	if (l->n >= 0)
		return 0;
	l->n = 0;
	return cannot(v, "read the directory", e);
}

static void drop(struct level *l)
{
	while (l->next < l->n)
		free(l->entry[l->next++]);
	free(l->entry);
	if (l->fd >= 0)
		close(l->fd);
}

/* One level up; v->path becomes that of the directory. */
static int leave(struct visit *v, struct err *e)
{
	struct level *l = &v->level[--v->depth], *up = l - 1;
	struct stat st;
	int rc = 0;

	v->path[v->depth > 0 ? up->len : 0] = '\0';
	if (v->depth > 0 && up->fd < 0) {
		up->fd = openat(l->fd, "..", DIR_FLAGS);
		if (up->fd < 0 || fstat(up->fd, &st) < 0)
			rc = cannot(v, "open the directory", e);
		else if (st.st_dev != up->dev || st.st_ino != up->ino)
			rc = err_set(e, ERR_TRANSIENT, EAGAIN,
				"what '%s' holds was moved while it was read", v->path);
	}
	drop(l);
	return rc;
}

static int set_path(struct visit *v, const struct level *l, const char *name, struct err *e)
{
	const size_t room = sizeof(v->path) - l->len;
	int want = snprintf(v->path + l->len, room, "/%s", name);

	if (want > 0 && (size_t)want < room)
		return 0;
	v->path[l->len] = '\0';
	return err_set(e, ERR_DATA, ENAMETOOLONG,
		"the path of '%.40s' beneath '%.80s...' is too long", name, v->path);
}

static int visit_next(struct visit *v, struct err *e)
{
	struct level *l = &v->level[v->depth - 1];
	auto_free struct dirent *entry = l->entry[l->next++];
	struct pack_node n = {.path = v->path, .dirfd = l->fd, .name = entry->d_name, .fd = -1};
	auto_close int fd = -1;
	int rc = set_path(v, l, entry->d_name, e);

	if (rc < 0)
		return rc;
	if (fstatat(l->fd, n.name, &n.st, AT_SYMLINK_NOFOLLOW) < 0)
		return cannot(v, "examine", e);
	if (!S_ISDIR(n.st.st_mode))
		return v->visit(v->ctx, &n, e);
	fd = openat(l->fd, n.name, DIR_FLAGS);
	if (fd < 0 || fstat(fd, &n.st) < 0)
		return cannot(v, "open the directory", e);
	n.fd = fd;
	rc = v->visit(v->ctx, &n, e);
	return rc < 0 ? rc : enter(v, take_fd(&fd), &n.st, e);
}

static int visit_all(struct visit *v, int dir, struct err *e)
{
	struct pack_node n = {.path = v->path, .dirfd = AT_FDCWD, .name = "", .fd = dir};
	auto_close int fd = dir;
	int rc = fstat(dir, &n.st) < 0 ? cannot(v, "examine", e) : v->visit(v->ctx, &n, e);

	if (rc == 0)
		rc = enter(v, take_fd(&fd), &n.st, e);
	while (rc == 0 && v->depth > 0) {
		const struct level *l = &v->level[v->depth - 1];

		rc = l->next < l->n ? visit_next(v, e) : leave(v, e);
	}
	return rc;
}

int pack_nodes(const char *dir, const char *top, pack_visit_fn *visit, void *ctx, struct err *e)
{
	struct visit v = {.visit = visit, .ctx = ctx};
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return err_errno(e, "cannot open '%s'", dir);
	snprintf(v.path, sizeof(v.path), "%s", top);
	rc = visit_all(&v, fd, e);
	while (v.depth > 0)
		drop(&v.level[--v.depth]);
	free(v.level);
	return rc;
}
