/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/codec.h"

#include "agent/archive.h"

#include <errno.h>
#include <stdio.h>
#include <zstd.h>
#include <zstd_errors.h>

/* RFC 8878 section 3.1: frames of data, and frames that a decoder skips. */
#define DATA_MAGIC     0xFD2FB528U
#define SKIPPABLE_MASK 0xFFFFFFF0U
#define SKIPPABLE      0x184D2A50U

#define WINDOW_LOG_MIN 10
#define WINDOW_LOG_MAX 31

static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};

struct zst {
	struct codec_params params;
	ZSTD_DCtx *d;
	bool inside; /* of a frame */
};

static void zst_close(void *state)
{
	struct zst *z = state;

	if (z)
		ZSTD_freeDCtx(z->d);
	free(z);
}

static int zst_open(const struct codec_params *p, void **ret, struct err *e)
{
	struct zst *z = calloc(1, sizeof(*z));
	int log = WINDOW_LOG_MIN;

	if (z)
		z->d = ZSTD_createDCtx();
	while (log < WINDOW_LOG_MAX && 2ULL << log <= p->memory)
		log++;
	if (!z || !z->d || ZSTD_isError(ZSTD_DCtx_setParameter(z->d, ZSTD_d_windowLogMax, log))) {
		zst_close(z);
		return err_oom(e);
	}
	z->params = *p;
	*ret = z;
	return 0;
}

/* At the first bytes of a frame. */
static int begin(struct zst *z, const struct codec_io *io, struct err *e)
{
	uint32_t m = 0;

	for (size_t n = io->in_len < 4 ? io->in_len : 4; n > 0; n--)
		m = m << 8 | io->in[n - 1];
	if (m != DATA_MAGIC && (m & SKIPPABLE_MASK) != SKIPPABLE)
		return codec_damaged(e, &codec_zst, "no frame where one should be");
	if (m == ARCHIVE_MANIFEST_MAGIC || m == ARCHIVE_INDEX_MAGIC)
		return codec_damaged(e, &codec_zst, "its index is cut off or damaged");
	z->inside = true;
	return 0;
}

static int decode_error(const struct zst *z, size_t code, struct err *e)
{
	char why[96];

	switch (ZSTD_getErrorCode(code)) {
	case ZSTD_error_frameParameter_windowTooLarge:
		return codec_too_large(e, &codec_zst, &z->params);
	case ZSTD_error_memory_allocation:
		return err_oom(e);
	default:
		snprintf(why, sizeof(why), "%s", ZSTD_getErrorName(code));
		return codec_damaged(e, &codec_zst, why);
	}
}

static int zst_step(void *state, struct codec_io *io, struct err *e)
{
	struct zst *z = state;
	ZSTD_inBuffer in = {.src = io->in, .size = io->in_len};
	ZSTD_outBuffer out = {.dst = io->out, .size = io->out_len};
	size_t code;

	if (!z->inside && io->in_len == 0 && io->in_end)
		return 1;
	if (!z->inside && begin(z, io, e) < 0)
		return -e->num;
	code = ZSTD_decompressStream(z->d, &out, &in);
	if (ZSTD_isError(code))
		return decode_error(z, code, e);
	io->in += in.pos;
	io->in_len -= in.pos;
	io->out += out.pos;
	io->out_len -= out.pos;
	z->inside = code != 0;
	return 0;
}

const struct codec codec_zst = {
	.name = "zst",
	.magic = magic,
	.magic_len = sizeof(magic),
	.skips = true,
	.open = zst_open,
	.step = zst_step,
	.close = zst_close,
};
