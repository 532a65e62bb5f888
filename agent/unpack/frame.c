/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/frame.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For ZSTD_d_forceIgnoreChecksum: the hash of the index has the frame's own checksum in it, so that
 * one is enough. A library that does not know it checks twice. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* RFC 8878 section 3.1.1 */
#define DATA_MAGIC    0xFD2FB528U
#define DESCRIPTOR_AT 4
#define CHECKSUM_FLAG 0x04
#define CHECKSUM_SIZE 4
#define HEADER_BYTES  18 /* at most */

static uint64_t largest(const struct archive_index *i, uint64_t *ret_packed)
{
	uint64_t plain = 0, packed = 0;

	for (uint32_t k = 0; k < i->n_frames; k++) {
		if (i->frame[k].plain > plain)
			plain = i->frame[k].plain;
		if (i->frame[k].packed > packed)
			packed = i->frame[k].packed;
	}
	*ret_packed = packed;
	return plain;
}

uint64_t frame_decoder_memory(const struct archive_index *i)
{
	uint64_t packed, sum;
	uint64_t plain = largest(i, &packed);

	return __builtin_add_overflow(plain, packed, &sum) ? UINT64_MAX : sum;
}

int frame_decoder_open(
	struct frame_decoder *d, int fd, const struct archive_index *i, struct err *e)
{
	uint64_t packed;
	uint64_t plain = largest(i, &packed);

	*d = (struct frame_decoder){
		.fd = fd,
		.index = i,
		.zstd = ZSTD_createDCtx(),
		.packed = malloc(packed),
		.plain = malloc(plain),
	};
	if (d->zstd && d->packed && d->plain) {
		ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_forceIgnoreChecksum, ZSTD_d_ignoreChecksum);
		ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_stableOutBuffer, 1);
		return 0;
	}
	frame_decoder_close(d);
	return err_oom(e);
}

void frame_decoder_close(struct frame_decoder *d)
{
	ZSTD_freeDCtx(d->zstd);
	free(d->packed);
	free(d->plain);
	*d = (struct frame_decoder){.fd = -1};
}

static int wrong(uint32_t k, const char *what, struct err *e)
{
	return err_set(e, ERR_DATA, EBADMSG, "frame %u does not match the index: %s", k, what);
}

static int damaged(uint32_t k, const char *why, struct err *e)
{
	return err_set(e, ERR_DATA, EBADMSG, "frame %u is damaged: %s", k, why);
}

static int read_packed(struct frame_decoder *d, uint32_t k, struct err *e)
{
	const struct archive_frame *f = &d->index->frame[k];
	uint64_t done = 0;

	while (done < f->packed) {
		ssize_t n =
			pread(d->fd, d->packed + done, f->packed - done, (off_t)(f->offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "cannot read it");
		if (n == 0)
			return damaged(k, "the archive is cut short", e);
		done += (uint64_t)n;
	}
	return 0;
}

/* It is one data frame and nothing else, of the sizes that the index says. */
static int check_sizes(const struct frame_decoder *d, uint32_t k, struct err *e)
{
	const struct archive_frame *f = &d->index->frame[k];
	uint32_t magic;

	memcpy(&magic, d->packed, sizeof(magic));
	if (le32toh(magic) != DATA_MAGIC)
		return damaged(k, "no frame where one should be", e);
	if (ZSTD_findFrameCompressedSize(d->packed, f->packed) != f->packed)
		return wrong(k, "its packed size", e);
	if (ZSTD_getFrameContentSize(d->packed, f->packed) != f->plain)
		return wrong(k, "its size", e);
	return 0;
}

static int check_hash(const struct frame_decoder *d, uint32_t k, XXH64_hash_t hash, struct err *e)
{
	const struct archive_frame *f = &d->index->frame[k];
	uint32_t own;

	if (hash != f->xxh64)
		return wrong(k, "its checksum", e);
	memcpy(&own, d->packed + f->packed - CHECKSUM_SIZE, sizeof(own));
	if ((d->packed[DESCRIPTOR_AT] & CHECKSUM_FLAG) && le32toh(own) != (uint32_t)hash)
		return damaged(k, "its own checksum is wrong", e);
	return 0;
}

/* Block by block, so that each is hashed while it is in a cache. */
static int decode(struct frame_decoder *d, uint32_t k, XXH64_hash_t *ret, struct err *e)
{
	const struct archive_frame *f = &d->index->frame[k];
	ZSTD_outBuffer out = {.dst = d->plain, .size = f->plain};
	ZSTD_inBuffer in = {.src = d->packed};
	XXH64_state_t hash;
	size_t want = HEADER_BYTES;

	ZSTD_DCtx_reset(d->zstd, ZSTD_reset_session_only);
	XXH64_reset(&hash, 0);
	while (want > 0) {
		const size_t before = out.pos;

		if (in.size == f->packed)
			return damaged(k, "it ends too early", e);
		in.size += want < f->packed - in.size ? want : f->packed - in.size;
		want = ZSTD_decompressStream(d->zstd, &out, &in);
		if (ZSTD_isError(want))
			return damaged(k, ZSTD_getErrorName(want), e);
		XXH64_update(&hash, d->plain + before, out.pos - before);
	}
	if (out.pos != f->plain)
		return wrong(k, "its size", e);
	*ret = XXH64_digest(&hash);
	return 0;
}

int frame_decode(struct frame_decoder *d, uint32_t k, struct err *e)
{
	XXH64_hash_t hash = 0;

	if (read_packed(d, k, e) < 0 || check_sizes(d, k, e) < 0 || decode(d, k, &hash, e) < 0)
		return -e->num;
	return check_hash(d, k, hash, e);
}
