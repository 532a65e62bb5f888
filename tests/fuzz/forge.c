/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/forge.h"

#include "tests/fuzz/forge_private.h"

#include "agent/manifest.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <zstd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static bool add_skippable(struct buf *out, uint32_t magic, const struct buf *payload)
{
	const uint32_t head[2] = {htole32(magic), htole32((uint32_t)payload->len)};

	return buf_add(out, head, sizeof(head)) == 0 &&
	       buf_add(out, payload->data, payload->len) == 0;
}

/* What the order of the frames in the file is, which an input may swap. */
static bool add_frames(struct forge *f, struct buf *out)
{
	static ZSTD_CCtx *zstd;
	struct archive_index *i = &f->index;
	size_t begin[FORGE_FRAMES], at = 0;

	if (!zstd)
		zstd = ZSTD_createCCtx();
	if (!zstd)
		return false;
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, f->flags & FORGE_FAST ? -5 : 3);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, !!(f->flags & FORGE_CHECKSUM));
	for (uint32_t k = 0; k < i->n_frames; k++) {
		begin[k] = at;
		at += f->size[k];
	}
	if (f->swap[0] < i->n_frames && f->swap[1] < i->n_frames) {
		size_t t = begin[f->swap[0]], n = f->size[f->swap[0]];

		begin[f->swap[0]] = begin[f->swap[1]];
		f->size[f->swap[0]] = f->size[f->swap[1]];
		begin[f->swap[1]] = t;
		f->size[f->swap[1]] = n;
	}
	for (uint32_t k = 0; k < i->n_frames; k++) {
		const char *plain = f->plain.data + begin[k];
		size_t n;

		if (buf_reserve(out, ZSTD_compressBound(f->size[k])) < 0)
			return false;
		n = ZSTD_compress2(
			zstd, out->data + out->len, out->cap - out->len - 1, plain, f->size[k]);
		if (ZSTD_isError(n))
			return false;
		i->frame[k] = (struct archive_frame){
			.offset = out->len,
			.packed = n,
			.plain = f->size[k],
			.xxh64 = XXH64(plain, f->size[k], 0),
		};
		out->len += n;
	}
	i->manifest_offset = out->len;
	return i->n_frames > 0;
}

static void bend(struct forge *f, const struct forge_lie *l)
{
	struct archive_index *i = &f->index;
	uint32_t k = l->row;

	switch (l->table % 4) {
	case 0:
		if (k < i->n_frames)
			((uint64_t *)&i->frame[k])[l->field % 4] += (uint64_t)(int64_t)l->by;
		break;
	case 1:
		if (k < i->n_dirs && l->field % 2 && *i->dir[k].path)
			i->dir[k].path[strlen(i->dir[k].path) / 2] ^= (char)l->by;
		else if (k < i->n_dirs)
			i->dir[k].frame += (uint32_t)l->by;
		break;
	case 2:
		if (k < i->n_spans && l->field % 2)
			i->span[k].n += (uint32_t)l->by;
		else if (k < i->n_spans)
			i->span[k].first += (uint32_t)l->by;
		break;
	case 3:
		((uint64_t *)&f->manifest.entries)[l->field % 3] += (uint64_t)(int64_t)l->by;
		break;
	}
}

/* Takes a row out of a table or makes one up. */
static void resize(struct forge *f, const struct forge_lie *l)
{
	struct archive_index *i = &f->index;
	uint32_t k = l->row;

	if (l->table % 2 == 0 && k < i->n_dirs) {
		free(i->dir[k].path);
		i->n_dirs--;
		memmove(&i->dir[k], &i->dir[k + 1], (i->n_dirs - k) * sizeof(*i->dir));
	} else if (l->table % 2 == 1 && l->field % 2 && k < i->n_spans) {
		i->n_spans--;
		memmove(&i->span[k], &i->span[k + 1], (i->n_spans - k) * sizeof(*i->span));
	} else if (l->table % 2 == 1 && k <= i->n_spans && i->n_spans < FORGE_SPANS) {
		memmove(&i->span[k + 1], &i->span[k], (i->n_spans - k) * sizeof(*i->span));
		i->span[k] = (struct archive_span){(uint32_t)l->by & 0xff, 2};
		i->n_spans++;
	}
}

static bool add_trailer(struct forge *f, struct buf *out)
{
	auto_buf struct buf text = BUF_INIT(MANIFEST_MAX);
	auto_buf struct buf index = BUF_INIT(1 << 20);
	struct manifest *m = &f->manifest;
	struct err e = ERR_INIT;
	struct digest d;

	/* The format ends at 2^63-1. */
	m->entries &= INT64_MAX;
	m->bytes &= INT64_MAX;
	m->largest &= INT64_MAX;
	if (manifest_text(m, &text, &e) < 0 || archive_index_encode(&f->index, &index, &e) < 0)
		return false;
	digest_start(&d);
	digest_add(&d, text.data, text.len);
	digest_add(&d, index.data, index.len);
	digest_end(&d, m->digest);
	buf_reset(&text);
	return manifest_text(m, &text, &e) == 0 &&
	       add_skippable(out, ARCHIVE_MANIFEST_MAGIC, &text) &&
	       add_skippable(out, ARCHIVE_INDEX_MAGIC, &index);
}

static void forge_free(struct forge *f)
{
	for (uint32_t k = 0; k < f->index.n_dirs; k++)
		free(f->index.dir[k].path);
	buf_free(&f->plain);
	buf_free(&f->records);
	buf_free(&f->names);
	free(f);
}

static bool build(struct forge *f, struct forged *ret)
{
	if (!forge_entries(f) || !add_frames(f, &ret->archive))
		return false;
	ret->trailer = ret->archive.len;
	ret->strip = f->flags & FORGE_STRIP;
	ret->keep_suid = f->flags & FORGE_SUID;
	ret->threads = 2 + !!(f->flags & FORGE_THREADS);
	ret->bent = f->n_lies > 0 || f->swap[0] != FORGE_FRAMES;
	for (unsigned k = 0; k < f->n_lies; k++) {
		if (f->lie[k].table & 0x80)
			resize(f, &f->lie[k]);
		else
			bend(f, &f->lie[k]);
	}
	return add_trailer(f, &ret->archive);
}

bool forge(const uint8_t *data, size_t size, struct forged *ret)
{
	struct forge *f = calloc(1, sizeof(*f));
	bool good;

	*ret = (struct forged){.archive = BUF_INIT(4 << 20)};
	if (!f)
		return false;
	f->in = data;
	f->left = size;
	f->plain = (struct buf)BUF_INIT(FORGE_PLAIN);
	f->records = (struct buf)BUF_INIT(65536);
	f->names = (struct buf)BUF_INIT(65536);
	f->index.frame = f->frame;
	f->index.dir = f->dir;
	f->index.span = f->span;
	f->swap[0] = f->swap[1] = FORGE_FRAMES;
	f->manifest =
		(struct manifest){.present = true, .app = "app", .key = "c5", .arch = CPU_OTHER};
	good = build(f, ret);
	forge_free(f);
	return good;
}
