/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoders, one a file, chosen by the first bytes of the archive. Each checks what its format has
 * to check (CRC, xxHash, sizes), takes concatenated streams, and asks for no more memory than the
 * limit.
 *
 * A format may have parts that can be decoded one without the other: the codec finds them in the
 * archive and decodes each alone. What is odd about an archive is left to the decoder of the whole,
 * so that the same error is said of it on any number of processors.
 */
#ifndef AGENT_UNPACK_CODEC_H
#define AGENT_UNPACK_CODEC_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ahead;

struct codec_params {
	uint64_t memory; /* bytes a decoder may ask for */
};

/* step() moves in and out forward. */
struct codec_io {
	const uint8_t *in;
	size_t in_len; /* at least CODEC_AHEAD bytes, unless in_end */
	bool in_end;   /* nothing follows in */
	uint8_t *out;
	size_t out_len; /* room */
};

#define CODEC_AHEAD 64

/* A stretch of the archive. */
struct codec_part {
	uint64_t offset, packed, plain; /* bytes; plain as the archive says, checked when decoded */
	unsigned check, padding;        /* the codec's */
};

struct codec_parts {
	struct codec_part *part; /* malloc; in the order of the archive, which they make up */
	size_t n;
	uint64_t memory;  /* bytes that the decoder of any of them may ask for */
	uint64_t largest; /* plain bytes of any */
};

/* More are not looked for. */
#define CODEC_PARTS_MAX 65536

struct codec_file {
	int fd;
	uint64_t size;
	struct ahead *ahead;
};

struct codec {
	const char *name; /* as a file name ends: "zst" */
	const uint8_t *magic;
	size_t magic_len;
	bool skips; /* skippable frames may come before */
	int (*open)(const struct codec_params *p, void **ret, struct err *e);
	/* 0: call again; 1: the end, with all input used; else -errno, kind data. A call with
	 * in_end that moves neither side forward means that the archive is cut short. */
	int (*step)(void *state, struct codec_io *io, struct err *e);
	void (*close)(void *state);
	/* Both NULL: this format has no parts. Finds them, n is 0 where that is of no use. */
	int (*split)(const struct codec_file *f, const struct codec_params *p,
		struct codec_parts *ret, struct err *e);
	/* What step() decodes next is this part, to its end; may come again and again. */
	int (*begin)(void *state, const struct codec_part *part, struct err *e);
};

extern const struct codec codec_zst, codec_xz, codec_gz, codec_bz2, codec_lz4, codec_none;

/* Never NULL: codec_none where nothing is recognised. */
const struct codec *codec_find(const void *head, size_t len);

/* -EBADMSG: the data of this codec are damaged, because of why (may be NULL). */
int codec_damaged(struct err *e, const struct codec *c, const char *why);

/* -ENOMEM, kind data: more than the limit. */
int codec_too_large(struct err *e, const struct codec *c, const struct codec_params *p);

#endif
