/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/codec.h"

#include <lz4frame.h>
#include <stdio.h>

static const uint8_t magic[] = {0x04, 0x22, 0x4d, 0x18};

struct lz4 {
	LZ4F_dctx *d;
	bool inside; /* of a frame */
};

static void lz4_close(void *state)
{
	struct lz4 *l = state;

	LZ4F_freeDecompressionContext(l->d);
	free(l);
}

static int lz4_open(const struct codec_params *p, void **ret, struct err *e)
{
	struct lz4 *l = calloc(1, sizeof(*l));

	(void)p;
	if (!l || LZ4F_isError(LZ4F_createDecompressionContext(&l->d, LZ4F_VERSION))) {
		free(l);
		return err_oom(e);
	}
	*ret = l;
	return 0;
}

static int lz4_step(void *state, struct codec_io *io, struct err *e)
{
	struct lz4 *l = state;
	size_t in = io->in_len, out = io->out_len;
	char why[96];
	size_t code;

	if (!l->inside && in == 0 && io->in_end)
		return 1;
	l->inside = true;
	code = LZ4F_decompress(l->d, io->out, &out, io->in, &in, NULL);
	if (LZ4F_isError(code)) {
		snprintf(why, sizeof(why), "%s", LZ4F_getErrorName(code));
		return codec_damaged(e, &codec_lz4, why);
	}
	io->in += in;
	io->in_len -= in;
	io->out += out;
	io->out_len -= out;
	if (code == 0)
		l->inside = false;
	return 0;
}

const struct codec codec_lz4 = {
	.name = "lz4",
	.magic = magic,
	.magic_len = sizeof(magic),
	.skips = true,
	.open = lz4_open,
	.step = lz4_step,
	.close = lz4_close,
};
