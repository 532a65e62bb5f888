/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_walk.h"

#include "agent/pack_attrs.h"
#include "agent/pack_header.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <string.h>

/* Bytes between looks at whether to go on. */
#define READ_MAX (1024 * KIB)

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

static int cannot(const struct pack_node *n, const char *verb, struct err *e)
{
	return err_errno(e, "cannot %s '%s'", verb, n->path);
}

/* *ret: the first name of this file, NULL if this is it. */
static int find_linked(
	struct pack_walk *w, const struct pack_node *n, const char **ret, struct err *e)
{
	struct linked *l = calloc(1, sizeof(*l));
	struct linked **found;

	*ret = NULL;
	if (!l)
		return err_oom(e);
	l->dev = n->st.st_dev;
	l->ino = n->st.st_ino;
	l->path = strdup(n->path);
	found = l->path ? tsearch(l, &w->linked, by_inode) : NULL;
	if (found && *found == l)
		return 0;
	free_linked(l);
	if (!found)
		return err_oom(e);
	*ret = (*found)->path;
	return 0;
}

/* The header, and what follows it at once: the map of a sparse file. */
static int begin(struct pack_walk *w, const struct pack_node *n, struct pack_entry *x,
	const struct buf *map, struct err *e)
{
	auto_buf struct buf header = BUF_INIT(2 * PACK_EXTENDED_MAX);
	const uint64_t padded = (x->size + PACK_BLOCK - 1) / PACK_BLOCK * PACK_BLOCK;

	x->mode = n->st.st_mode;
	x->uid = n->st.st_uid;
	x->gid = n->st.st_gid;
	x->mtime = n->st.st_mtim;
	if (x->mtime.tv_sec > w->newest)
		w->newest = x->mtime.tv_sec;
	w->entries++;
	if (pack_pool_poll(w->frames->pool, e) < 0)
		return -e->num;
	if (pack_header(x, &header, e) < 0)
		return err_ctx(e, "'%s'", n->path);
	if (header.len + map->len > w->request->frame_size)
		return err_set(e, ERR_DATA, EFBIG,
			"the attributes of '%s' do not fit into a frame: use a larger --frame-size",
			n->path);
	if (pack_frames_begin(w->frames, header.len + map->len, padded - map->len,
		    S_ISDIR(n->st.st_mode) ? n->path : NULL, e) < 0 ||
		pack_frames_add(w->frames, header.data, header.len, e) < 0)
		return -e->num;
	return map->len > 0 ? pack_frames_add(w->frames, map->data, map->len, e) : 0;
}

/* An entry without content. */
static int add(struct pack_walk *w, const struct pack_node *n, struct pack_entry *x, struct err *e)
{
	static const struct buf none;

	return begin(w, n, x, &none, e) < 0 ? -e->num : pack_frames_end(w->frames, e);
}

static int copy_extent(struct pack_walk *w, const struct pack_node *n, int fd,
	const struct pack_extent *x, struct err *e)
{
	uint64_t at = x->offset, end = x->offset + x->len;

	while (at < end) {
		uint8_t *to = NULL;
		size_t room = 0;
		ssize_t got;

		if (pack_pool_poll(w->frames->pool, e) < 0 ||
			pack_frames_room(w->frames, &to, &room, e) < 0)
			return -e->num;
		if (room > READ_MAX)
			room = READ_MAX;
		got = pread(fd, to, end - at < room ? (size_t)(end - at) : room, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return cannot(n, "read", e);
		if (got == 0)
			return err_set(e, ERR_TRANSIENT, EAGAIN,
				"'%s' became shorter while it was read", n->path);
		pack_frames_take(w->frames, (size_t)got);
		at += (uint64_t)got;
	}
	return 0;
}

/* The size in the header and the holes were those of the file as it was. */
static int check_same(const struct pack_node *n, int fd, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return cannot(n, "examine", e);
	if (st.st_size == n->st.st_size && st.st_mtim.tv_sec == n->st.st_mtim.tv_sec &&
		st.st_mtim.tv_nsec == n->st.st_mtim.tv_nsec)
		return 0;
	return err_set(e, ERR_TRANSIENT, EAGAIN, "'%s' changed while it was read", n->path);
}

static int copy_content(struct pack_walk *w, const struct pack_node *n, int fd, struct err *e)
{
	static const char zero[PACK_BLOCK];
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < w->map->n; i++)
		rc = copy_extent(w, n, fd, &w->map->extent[i], e);
	if (rc == 0)
		rc = pack_frames_add(w->frames, zero, -w->map->stored % PACK_BLOCK, e);
	return rc == 0 ? check_same(n, fd, e) : rc;
}

static int open_file(struct pack_walk *w, struct pack_node *n, int *ret, struct err *e)
{
	auto_close int fd = openat(
		n->dirfd, n->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &n->st) < 0)
		return cannot(n, "open", e);
	if (!S_ISREG(n->st.st_mode))
		return err_set(e, ERR_TRANSIENT, EAGAIN, "'%s' changed while it was read", n->path);
	if (n->st.st_ino == w->output.st_ino && n->st.st_dev == w->output.st_dev)
		return err_set(e, ERR_USAGE, EINVAL,
			"the archive would lie in the tree it is made of: put it elsewhere");
	*ret = take_fd(&fd);
	return 0;
}

static int poll_map(void *ctx, struct err *e)
{
	const struct pack_walk *w = ctx;

	return pack_pool_poll(w->frames->pool, e);
}

static int add_content(struct pack_walk *w, const struct pack_node *n, int fd, struct err *e)
{
	auto_buf struct buf records = BUF_INIT(PACK_EXTENDED_MAX);
	auto_buf struct buf map = BUF_INIT(PACK_EXTENDED_MAX);
	struct pack_entry x = {.path = n->path, .link = "", .type = '0'};
	const struct pack_map_request r = {
		.fd = fd,
		.size = (uint64_t)n->st.st_size,
		.chunk = w->chunk,
		.poll = poll_map,
		.ctx = w,
	};
	int rc = pack_attrs(fd, &records, e);

	if (rc == 0)
		rc = pack_map_read(&r, w->map, e);
	if (rc == 0 && w->map->sparse)
		rc = pack_map_text(w->map, r.size, &map, e);
	if (rc < 0)
		return err_ctx(e, "'%s'", n->path);
	x.xattrs = records;
	x.sparse = w->map->sparse;
	x.real_size = r.size;
	x.size = map.len + w->map->stored;
	w->bytes += r.size;
	if (r.size > w->largest)
		w->largest = r.size;
	rc = begin(w, n, &x, &map, e);
	if (rc == 0)
		rc = copy_content(w, n, fd, e);
	return rc == 0 ? pack_frames_end(w->frames, e) : rc;
}

static int add_file(struct pack_walk *w, struct pack_node *n, struct err *e)
{
	struct pack_entry x = {.path = n->path, .type = '1'};
	auto_close int fd = -1;
	int rc = open_file(w, n, &fd, e);

	if (rc == 0 && n->st.st_nlink > 1)
		rc = find_linked(w, n, &x.link, e);
	if (rc < 0)
		return rc;
	return x.link ? add(w, n, &x, e) : add_content(w, n, fd, e);
}

static int add_symlink(struct pack_walk *w, const struct pack_node *n, struct err *e)
{
	char target[PATH_MAX];
	struct pack_entry x = {.path = n->path, .link = target, .type = '2'};
	ssize_t len = readlinkat(n->dirfd, n->name, target, sizeof(target) - 1);

	if (len < 0)
		return cannot(n, "read the link", e);
	target[len] = '\0';
	return add(w, n, &x, e);
}

static int add_dir(struct pack_walk *w, const struct pack_node *n, struct err *e)
{
	auto_buf struct buf records = BUF_INIT(PACK_EXTENDED_MAX);
	char path[PACK_PATH + 1];
	struct pack_entry x = {.path = path, .link = "", .type = '5'};

	snprintf(path, sizeof(path), "%s/", n->path);
	if (pack_attrs(n->fd, &records, e) < 0)
		return err_ctx(e, "'%s'", n->path);
	x.xattrs = records;
	return add(w, n, &x, e);
}

static int visit(void *ctx, const struct pack_node *node, struct err *e)
{
	struct pack_walk *w = ctx;
	struct pack_node n = *node;

	if (S_ISDIR(n.st.st_mode))
		return add_dir(w, &n, e);
	if (S_ISREG(n.st.st_mode))
		return add_file(w, &n, e);
	if (S_ISLNK(n.st.st_mode))
		return add_symlink(w, &n, e);
	return err_set(e, ERR_DATA, EINVAL,
		"'%s' is no file, directory or symbolic link: remove it", n.path);
}

int pack_walk(struct pack_walk *w, const char *top, struct err *e)
{
	auto_free struct pack_map *map = malloc(sizeof(*map));
	auto_free uint8_t *chunk = malloc(PACK_MAP_CHUNK);
	int rc;

	if (!map || !chunk)
		return err_oom(e);
	w->map = map;
	w->chunk = chunk;
	w->newest = 0;
	rc = pack_nodes(w->request->dir, top, visit, w, e);
	tdestroy(w->linked, free_linked);
	w->linked = NULL;
	return rc;
}
