/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_frame.h"

#include "common/fs.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

int pack_frames_open(struct pack_frames *f, int fd, int level, uint64_t frame_size, struct err *e)
{
	*f = (struct pack_frames){.fd = fd, .frame_size = (size_t)frame_size};
	f->packed_size = ZSTD_compressBound(f->frame_size);
	f->plain = malloc(f->frame_size);
	f->packed = malloc(f->packed_size);
	f->zstd = ZSTD_createCCtx();
	if (!f->plain || !f->packed || !f->zstd ||
		ZSTD_isError(ZSTD_CCtx_setParameter(f->zstd, ZSTD_c_compressionLevel, level)) ||
		ZSTD_isError(ZSTD_CCtx_setParameter(f->zstd, ZSTD_c_checksumFlag, 1))) {
		pack_frames_close(f);
		return err_oom(e);
	}
	return 0;
}

void pack_frames_close(struct pack_frames *f)
{
	archive_index_free(&f->index);
	ZSTD_freeCCtx(f->zstd);
	free(f->plain);
	free(f->packed);
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

static int cut(struct pack_frames *f, struct err *e)
{
	struct archive_index *i = &f->index;
	struct archive_frame *frame;
	size_t n;

	if (f->len == 0)
		return 0;
	frame = room(i->frame, i->n_frames, &f->cap_frames, sizeof(*frame));
	if (!frame)
		return err_oom(e);
	i->frame = frame;
	n = ZSTD_compress2(f->zstd, f->packed, f->packed_size, f->plain, f->len);
	if (ZSTD_isError(n))
		return err_set(e, ERR_SYSTEM, EIO, "cannot compress: %s", ZSTD_getErrorName(n));
	frame[i->n_frames++] = (struct archive_frame){
		.offset = f->offset,
		.packed = n,
		.plain = f->len,
		.xxh64 = XXH64(f->plain, f->len, 0),
	};
	f->len = 0;
	return write_out(f, f->packed, n, e);
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

int pack_frames_begin(struct pack_frames *f, uint64_t bytes, const char *dir, struct err *e)
{
	if (bytes > f->frame_size - f->len && cut(f, e) < 0)
		return -e->num;
	f->first = f->index.n_frames;
	return dir ? add_dir(f, dir, e) : 0;
}

int pack_frames_add(struct pack_frames *f, const void *data, size_t len, struct err *e)
{
	const uint8_t *p = data;

	while (len > 0) {
		size_t n;

		if (f->len == f->frame_size && cut(f, e) < 0)
			return -e->num;
		n = f->frame_size - f->len;
		if (n > len)
			n = len;
		memcpy(f->plain + f->len, p, n);
		f->len += n;
		p += n;
		len -= n;
	}
	return 0;
}

int pack_frames_end(struct pack_frames *f, struct err *e)
{
	struct archive_index *i = &f->index;
	struct archive_span *span;

	if (i->n_frames == f->first)
		return 0;
	if (cut(f, e) < 0)
		return -e->num;
	span = room(i->span, i->n_spans, &f->cap_spans, sizeof(*span));
	if (!span)
		return err_oom(e);
	i->span = span;
	span[i->n_spans++] = (struct archive_span){.first = f->first, .n = i->n_frames - f->first};
	return 0;
}

int pack_frames_finish(struct pack_frames *f, struct err *e)
{
	int rc = cut(f, e);

	f->index.manifest_offset = f->offset;
	return rc;
}

int pack_frames_skippable(
	struct pack_frames *f, uint32_t magic, const struct buf *payload, struct err *e)
{
	const uint32_t head[2] = {htole32(magic), htole32((uint32_t)payload->len)};
	int rc = write_out(f, head, sizeof(head), e);

	return rc < 0 ? rc : write_out(f, payload->data, payload->len, e);
}
