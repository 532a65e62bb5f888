/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/codec.h"

#include "agent/unpack/xz_parts.h"

#include <lzma.h>

static const uint8_t magic[] = {0xfd, '7', 'z', 'X', 'Z', 0x00};

struct xz {
	struct codec_params params;
	lzma_stream stream;
	const struct codec_part *part; /* NULL: the whole file */
	lzma_block block;              /* of the part; begun: its header is read */
	lzma_filter filters[LZMA_FILTERS_MAX + 1];
	bool begun;
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

static int xz_begin(void *state, const struct codec_part *part, struct err *e)
{
	struct xz *x = state;

	(void)e;
	x->part = part;
	x->begun = false;
	return 0;
}

/* The sizes are those of the index, with which the decoder compares what it finds. */
static lzma_ret expect_sizes(lzma_block *b, const struct codec_part *part)
{
	if (b->uncompressed_size != LZMA_VLI_UNKNOWN && b->uncompressed_size != part->plain)
		return LZMA_DATA_ERROR;
	b->uncompressed_size = part->plain;
	return lzma_block_compressed_size(b, part->packed - part->padding);
}

static lzma_ret begin_block(struct xz *x, struct codec_io *io)
{
	lzma_ret code;

	x->block = (lzma_block){.check = (lzma_check)x->part->check, .filters = x->filters};
	if (io->in_len == 0 || io->in[0] == 0)
		return LZMA_DATA_ERROR;
	x->block.header_size = lzma_block_header_size_decode(io->in[0]);
	if (x->block.header_size > io->in_len)
		return LZMA_DATA_ERROR;
	code = lzma_block_header_decode(&x->block, NULL, io->in);
	if (code != LZMA_OK)
		return code;
	code = expect_sizes(&x->block, x->part);
	if (code == LZMA_OK && lzma_raw_decoder_memusage(x->filters) > x->params.memory)
		code = LZMA_MEMLIMIT_ERROR;
	if (code == LZMA_OK)
		code = lzma_block_decoder(&x->stream, &x->block);
	lzma_filters_free(x->filters, NULL);
	io->in += x->block.header_size;
	io->in_len -= x->block.header_size;
	x->begun = true;
	return code;
}

static lzma_ret decode(struct xz *x, struct codec_io *io)
{
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
	return code;
}

static int xz_step(void *state, struct codec_io *io, struct err *e)
{
	struct xz *x = state;
	lzma_ret code = LZMA_OK;

	if (x->part && !x->begun)
		code = begin_block(x, io);
	if (code == LZMA_OK)
		code = decode(x, io);
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
	.split = xz_parts_find,
	.begin = xz_begin,
};
