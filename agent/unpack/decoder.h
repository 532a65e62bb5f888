/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One decoder and the packed bytes that it is fed: a whole archive, or one part of it after another
 * (codec.h). Each thread has one of its own.
 */
#ifndef AGENT_UNPACK_DECODER_H
#define AGENT_UNPACK_DECODER_H

#include "agent/unpack/ahead.h"
#include "agent/unpack/codec.h"

#include <sys/types.h>

/* What the decoders of an archive have in common; outlives them. */
struct decoder_input {
	int fd;
	struct ahead *ahead;
	struct codec_params params;
	bool (*cancelled)(void *ctx); /* any thread; may be NULL */
	void *ctx;
	_Atomic uint64_t packed; /* bytes read by all decoders */
};

struct decoder {
	struct decoder_input *input;
	const struct codec *codec;
	void *state;
	uint8_t *in; /* in_len bytes from in_at are not used yet */
	size_t in_at, in_len;
	bool in_end;
	uint64_t offset, end; /* of the archive: what is read next, and where this stops */
	const struct codec_part *part;
	bool ended;
};

/* For the archive from its start, whose first bytes tell the codec. */
must_check int decoder_open(struct decoder *d, struct decoder_input *input, struct err *e);

/* For parts of an archive of this codec; none yet. */
must_check int decoder_open_parts(
	struct decoder *d, struct decoder_input *input, const struct codec *codec, struct err *e);

/* The part outlives what follows. */
must_check int decoder_begin(struct decoder *d, const struct codec_part *part, struct err *e);

/* Fills out; returns how many bytes, fewer than len at the end only, where all checks have passed.
 * -ECANCELED of kind transient, or kind data. */
must_check ssize_t decoder_read(struct decoder *d, void *out, size_t len, struct err *e);

void decoder_close(struct decoder *d);

#endif
