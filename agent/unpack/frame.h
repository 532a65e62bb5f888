/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One frame of our own archives (archive.h), read and decoded whole into buffers that are used
 * again, and checked against the index: it is one zstd frame (RFC 8878) of the sizes and the
 * content that the index says, and its own checksum, if it has one, agrees.
 */
#ifndef AGENT_UNPACK_FRAME_H
#define AGENT_UNPACK_FRAME_H

#include "agent/archive.h"

#include <stddef.h>

struct frame_decoder {
	int fd; /* of the archive; not owned */
	const struct archive_index *index;
	struct ZSTD_DCtx_s *zstd;
	uint8_t *packed, *plain; /* room for the largest frame */
};

/* Bytes that a decoder of this archive asks for. */
uint64_t frame_decoder_memory(const struct archive_index *i);

must_check int frame_decoder_open(
	struct frame_decoder *d, int fd, const struct archive_index *i, struct err *e);
void frame_decoder_close(struct frame_decoder *d);

/* Leaves frame k in d->plain. */
must_check int frame_decode(struct frame_decoder *d, uint32_t k, struct err *e);

#endif
