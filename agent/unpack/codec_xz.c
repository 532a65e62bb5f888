/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/codec.h"

#include <lzma.h>

static const uint8_t magic[] = {0xfd, '7', 'z', 'X', 'Z', 0x00};

struct xz {
	struct codec_params params;
	lzma_stream stream;
};

static void xz_close(void *state)
{
	struct xz *x = state;

	lzma_end(&x->stream);
	free(x);
}

static int xz_open(const struct codec_params *p, void **ret, struct err *e)
{
	struct xz *x = calloc(1, sizeof(*x));

	if (!x)
		return err_oom(e);
	x->params = *p;
	if (lzma_stream_decoder(&x->stream, p->memory,
		    LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK) != LZMA_OK) {
		free(x);
		return err_oom(e);
	}
	*ret = x;
	return 0;
}

static int xz_step(void *state, struct codec_io *io, struct err *e)
{
	struct xz *x = state;
	lzma_ret code;

	x->stream.next_in = io->in;
	x->stream.avail_in = io->in_len;
	x->stream.next_out = io->out;
	x->stream.avail_out = io->out_len;
	code = lzma_code(&x->stream, io->in_end ? LZMA_FINISH : LZMA_RUN);
	io->in = x->stream.next_in;
	io->in_len = x->stream.avail_in;
	io->out = x->stream.next_out;
	io->out_len = x->stream.avail_out;
	switch (code) {
	case LZMA_OK:
	case LZMA_BUF_ERROR: /* no progress: the caller sees it */
		return 0;
	case LZMA_STREAM_END:
		return 1;
	case LZMA_MEMLIMIT_ERROR:
		return codec_too_large(e, &codec_xz, &x->params);
	case LZMA_MEM_ERROR:
		return err_oom(e);
	case LZMA_UNSUPPORTED_CHECK:
		return codec_damaged(e, &codec_xz, "its checksum is of an unknown kind");
	case LZMA_OPTIONS_ERROR:
		return codec_damaged(e, &codec_xz, "it has options that are not known");
	default:
		return codec_damaged(e, &codec_xz, NULL);
	}
}

const struct codec codec_xz = {
	.name = "xz",
	.magic = magic,
	.magic_len = sizeof(magic),
	.open = xz_open,
	.step = xz_step,
	.close = xz_close,
};
