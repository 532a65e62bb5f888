/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/xz_parts.h"

#include "agent/unpack/ahead.h"
#include "common/num.h"

#include <errno.h>
#include <lzma.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE (16 * KIB)

/* Each stream takes two or three; a file with more of them is not made for many processors. */
#define READS_MAX 4096

/* lzma_index takes some 30 bytes a block, more for a stream. */
#define INDEX_MEMORY (16 * MIB)

/* Fewer at the end of the file. */
static ssize_t read_at(int fd, uint64_t offset, uint8_t *out, size_t len)
{
	ssize_t n;

	do {
		n = pread(fd, out, len, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* NULL: there is none, or it is damaged. */
static lzma_index *read_index(const struct codec_file *f)
{
	uint8_t in[READ_SIZE];
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_index *index = NULL;
	uint64_t offset = 0;
	lzma_ret code = lzma_file_info_decoder(&s, &index, INDEX_MEMORY, f->size);

	for (unsigned reads = 0; code == LZMA_OK && reads < READS_MAX;) {
		if (s.avail_in == 0) {
			ssize_t n = read_at(f->fd, offset, in, sizeof(in));

			if (n <= 0)
				break;
			s.next_in = in;
			s.avail_in = (size_t)n;
			offset += (uint64_t)n;
			reads++;
		}
		code = lzma_code(&s, LZMA_RUN);
		if (code == LZMA_SEEK_NEEDED) {
			offset = s.seek_pos;
			s.avail_in = 0;
			code = LZMA_OK;
		}
	}
	lzma_end(&s);
	return code == LZMA_STREAM_END ? index : NULL;
}

/* What the decoder of the block would ask for; UINT64_MAX: its header is not understood. */
static uint64_t block_memory(const struct codec_file *f, const struct codec_part *part)
{
	uint8_t header[LZMA_BLOCK_HEADER_SIZE_MAX];
	lzma_filter filters[LZMA_FILTERS_MAX + 1];
	lzma_block block = {.check = (lzma_check)part->check, .filters = filters};
	ssize_t n = read_at(f->fd, part->offset, header, sizeof(header));
	uint64_t memory;

	if (n < 2 || header[0] == 0)
		return UINT64_MAX;
	block.header_size = lzma_block_header_size_decode(header[0]);
	if ((size_t)n < block.header_size ||
		lzma_block_header_decode(&block, NULL, header) != LZMA_OK)
		return UINT64_MAX;
	memory = lzma_raw_decoder_memusage(filters);
	lzma_filters_free(filters, NULL);
	return memory;
}

static void add_block(struct codec_parts *parts, const lzma_index_iter *i)
{
	parts->part[parts->n++] = (struct codec_part){
		.offset = i->block.compressed_file_offset,
		.packed = i->block.total_size,
		.plain = i->block.uncompressed_size,
		.check = i->stream.flags->check,
		.padding = (unsigned)(i->block.total_size - i->block.unpadded_size),
	};
	if (i->block.uncompressed_size > parts->largest)
		parts->largest = i->block.uncompressed_size;
}

/* False: some block is for the decoder of the whole. */
static bool list_blocks(
	const struct codec_file *f, const lzma_index *index, struct codec_parts *parts)
{
	lzma_index_iter i;

	lzma_index_iter_init(&i, index);
	while (!lzma_index_iter_next(&i, LZMA_INDEX_ITER_BLOCK)) {
		if (!lzma_check_is_supported(i.stream.flags->check))
			return false;
		add_block(parts, &i);
		ahead_want(f->ahead, i.block.compressed_file_offset, LZMA_BLOCK_HEADER_SIZE_MAX);
	}
	for (size_t k = 0; k < parts->n; k++) {
		uint64_t memory = block_memory(f, &parts->part[k]);

		if (memory > parts->memory)
			parts->memory = memory;
	}
	return true;
}

int xz_parts_find(const struct codec_file *f, const struct codec_params *p, struct codec_parts *ret,
	struct err *e)
{
	lzma_index *index = read_index(f);
	uint64_t n = index ? lzma_index_block_count(index) : 0;
	struct codec_parts parts = {0};
	int rc = 0;

	if (n > 1 && n <= CODEC_PARTS_MAX) {
		parts.part = calloc((size_t)n, sizeof(*parts.part));
		rc = parts.part ? 0 : err_oom(e);
	}
	if (parts.part && list_blocks(f, index, &parts) && parts.memory <= p->memory)
		*ret = parts;
	else
		free(parts.part);
	lzma_index_end(index, NULL);
	return rc;
}
