/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_frame.h"

#include "common/fs.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

void pack_frames_close(struct pack_frames *f)
{
	pack_pool_close(f->pool);
	archive_index_free(&f->index);
	*f = (struct pack_frames){.fd = -1};
}

/* Room for one more item behind n; NULL on no memory. */
static void *room(void *items, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t more = *cap ? 2 * *cap : 64;
	void *p;

	if (n < *cap)
		return items;
	p = reallocarray(items, more, size);
	if (p)
		*cap = more;
	return p;
}

static int write_out(struct pack_frames *f, const void *data, size_t len, struct err *e)
{
	int rc = fs_write_all(f->fd, data, len);

	f->offset += len;
	if (rc == 0)
		return 0;
	errno = -rc;
	return err_errno(e, "cannot write the archive");
}

/* Called by the pool, in order. */
static int write_frame(void *ctx, const struct pack_packed *p, struct err *e)
{
	struct pack_frames *f = ctx;
	struct archive_index *i = &f->index;
	struct archive_frame *frame = room(i->frame, i->n_frames, &f->cap_frames, sizeof(*frame));

	if (!frame)
		return err_oom(e);
	i->frame = frame;
	frame[i->n_frames++] = (struct archive_frame){
		.offset = f->offset,
		.packed = p->len,
		.plain = p->plain,
		.xxh64 = p->xxh64,
	};
	return write_out(f, p->data, p->len, e);
}

int pack_frames_open(struct pack_frames *f, int fd, const struct pack_request *r, struct err *e)
{
	const size_t size = (size_t)r->frame_size;

	*f = (struct pack_frames){.fd = fd, .frame_size = size, .end = size};
	return pack_pool_open(r, write_frame, f, &f->pool, e);
}

static int cut(struct pack_frames *f, struct err *e)
{
	size_t len = f->len;

	if (len == 0)
		return 0;
	f->len = 0;
	f->end = f->frame_size;
	f->n++;
	return pack_pool_submit(f->pool, len, e);
}

static int add_dir(struct pack_frames *f, const char *path, struct err *e)
{
	struct archive_index *i = &f->index;
	struct archive_dir *dir = room(i->dir, i->n_dirs, &f->cap_dirs, sizeof(*dir));

	if (!dir)
		return err_oom(e);
	i->dir = dir;
	dir[i->n_dirs].frame = f->first;
	dir[i->n_dirs].path = strdup(path);
	if (!dir[i->n_dirs].path)
		return err_oom(e);
	i->n_dirs++;
	return 0;
}

/* Where the first frame of a file that has several ends; it may hold the headers only. */
static size_t first_end(size_t size, size_t head)
{
	return size % PACK_FRAME_CUT == 0 ? head + (size - head) / PACK_FRAME_CUT * PACK_FRAME_CUT
					  : size;
}

int pack_frames_begin(
	struct pack_frames *f, size_t head, uint64_t content, const char *dir, struct err *e)
{
	if (head + content > f->frame_size - f->len && cut(f, e) < 0)
		return -e->num;
	f->first = f->n;
	if (head + content > f->frame_size)
		f->end = first_end(f->frame_size, head);
	return dir ? add_dir(f, dir, e) : 0;
}

int pack_frames_room(struct pack_frames *f, uint8_t **ret, size_t *ret_len, struct err *e)
{
	if (f->len == f->end && cut(f, e) < 0)
		return -e->num;
	*ret = pack_pool_buffer(f->pool) + f->len;
	*ret_len = f->end - f->len;
	return 0;
}

void pack_frames_take(struct pack_frames *f, size_t len)
{
	f->len += len;
}

int pack_frames_add(struct pack_frames *f, const void *data, size_t len, struct err *e)
{
	const uint8_t *p = data;

	while (len > 0) {
		uint8_t *to = NULL;
		size_t n = 0;

		if (pack_frames_room(f, &to, &n, e) < 0)
			return -e->num;
		if (n > len)
			n = len;
		memcpy(to, p, n);
		pack_frames_take(f, n);
		p += n;
		len -= n;
	}
	return 0;
}

int pack_frames_end(struct pack_frames *f, struct err *e)
{
	struct archive_index *i = &f->index;
	struct archive_span *span;

	if (f->n == f->first)
		return 0;
	if (cut(f, e) < 0)
		return -e->num;
	span = room(i->span, i->n_spans, &f->cap_spans, sizeof(*span));
	if (!span)
		return err_oom(e);
	i->span = span;
	span[i->n_spans++] = (struct archive_span){.first = f->first, .n = f->n - f->first};
	return 0;
}

int pack_frames_finish(struct pack_frames *f, struct err *e)
{
	if (cut(f, e) < 0 || pack_pool_drain(f->pool, e) < 0)
		return -e->num;
	f->index.manifest_offset = f->offset;
	return 0;
}

int pack_frames_skippable(
	struct pack_frames *f, uint32_t magic, const struct buf *payload, struct err *e)
{
	const uint32_t head[2] = {htole32(magic), htole32((uint32_t)payload->len)};
	int rc = write_out(f, head, sizeof(head), e);

	return rc < 0 ? rc : write_out(f, payload->data, payload->len, e);
}
