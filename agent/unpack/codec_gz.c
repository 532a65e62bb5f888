/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/codec.h"

#include <limits.h>
#include <zlib.h>

static const uint8_t magic[] = {0x1f, 0x8b};

#define GZIP_ONLY (16 + MAX_WBITS)

struct gz {
	z_stream stream;
	bool ended; /* a member; another may follow */
};

static void gz_close(void *state)
{
	struct gz *g = state;

	inflateEnd(&g->stream);
	free(g);
}

static int gz_open(const struct codec_params *p, void **ret, struct err *e)
{
	struct gz *g = calloc(1, sizeof(*g));

	(void)p;
	if (!g || inflateInit2(&g->stream, GZIP_ONLY) != Z_OK) {
		free(g);
		return err_oom(e);
	}
	*ret = g;
	return 0;
}

static uInt clamp(size_t n)
{
	return n > UINT_MAX ? UINT_MAX : (uInt)n;
}

static int gz_step(void *state, struct codec_io *io, struct err *e)
{
	struct gz *g = state;
	uInt in = clamp(io->in_len), out = clamp(io->out_len);
	int code;

	if (g->ended && io->in_len == 0 && io->in_end)
		return 1;
	if (g->ended && inflateReset(&g->stream) != Z_OK)
		return err_oom(e);
	g->ended = false;
	g->stream.next_in = (z_const Bytef *)io->in;
	g->stream.avail_in = in;
	g->stream.next_out = io->out;
	g->stream.avail_out = out;
	code = inflate(&g->stream, Z_NO_FLUSH);
	io->in += in - g->stream.avail_in;
	io->in_len -= in - g->stream.avail_in;
	io->out += out - g->stream.avail_out;
	io->out_len -= out - g->stream.avail_out;
	if (code == Z_MEM_ERROR)
		return err_oom(e);
	if (code != Z_OK && code != Z_BUF_ERROR && code != Z_STREAM_END)
		return codec_damaged(e, &codec_gz, g->stream.msg);
	g->ended = code == Z_STREAM_END;
	return 0;
}

const struct codec codec_gz = {
	.name = "gz",
	.magic = magic,
	.magic_len = sizeof(magic),
	.open = gz_open,
	.step = gz_step,
	.close = gz_close,
};
