/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/codec.h"

#include <limits.h>

#include <bzlib.h>

static const uint8_t magic[] = {'B', 'Z', 'h'};

struct bz2 {
	bz_stream stream;
	bool open; /* inside a stream */
	bool any;
};

static void bz2_close(void *state)
{
	struct bz2 *b = state;

	if (b->open)
		BZ2_bzDecompressEnd(&b->stream);
	free(b);
}

static int bz2_open(const struct codec_params *p, void **ret, struct err *e)
{
	(void)p;
	*ret = calloc(1, sizeof(struct bz2));
	return *ret ? 0 : err_oom(e);
}

static unsigned clamp(size_t n)
{
	return n > UINT_MAX ? UINT_MAX : (unsigned)n;
}

static int bz2_step(void *state, struct codec_io *io, struct err *e)
{
	struct bz2 *b = state;
	unsigned in = clamp(io->in_len), out = clamp(io->out_len);
	int code;

	if (!b->open && b->any && io->in_len == 0 && io->in_end)
		return 1;
	if (!b->open && BZ2_bzDecompressInit(&b->stream, 0, 0) != BZ_OK)
		return err_oom(e);
	b->open = true;
	b->stream.next_in = (char *)(uintptr_t)io->in;
	b->stream.avail_in = in;
	b->stream.next_out = (char *)io->out;
	b->stream.avail_out = out;
	code = BZ2_bzDecompress(&b->stream);
	io->in += in - b->stream.avail_in;
	io->in_len -= in - b->stream.avail_in;
	io->out += out - b->stream.avail_out;
	io->out_len -= out - b->stream.avail_out;
	if (code == BZ_MEM_ERROR)
		return err_oom(e);
	if (code != BZ_OK && code != BZ_STREAM_END)
		return codec_damaged(e, &codec_bz2, NULL);
	if (code == BZ_STREAM_END) {
		BZ2_bzDecompressEnd(&b->stream);
		b->stream = (bz_stream){0};
		b->open = false;
		b->any = true;
	}
	return 0;
}

const struct codec codec_bz2 = {
	.name = "bz2",
	.magic = magic,
	.magic_len = sizeof(magic),
	.open = bz2_open,
	.step = bz2_step,
	.close = bz2_close,
};
