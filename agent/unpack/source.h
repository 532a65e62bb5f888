/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain bytes of an archive: reads the file, decodes it, bounds what comes out. With more than
 * one thread they are decoded ahead of the caller, up to 1 MiB (relay.h); a format that has parts
 * (codec.h) by all threads, which may be a part each ahead of the caller, within the memory that
 * decoders may ask for. With one thread, or if no more can be had, the caller's does it.
 */
#ifndef AGENT_UNPACK_SOURCE_H
#define AGENT_UNPACK_SOURCE_H

#include "agent/unpack/codec.h"

#include <sys/types.h>

struct source_request {
	int fd; /* read from its start by offset */
	struct codec_params params;
	unsigned threads;                                        /* for decoding; 1: the caller's */
	void (*progress)(uint64_t packed_bytes_read, void *ctx); /* may be NULL */
	bool (*cancelled)(void *ctx);                            /* any thread; may be NULL */
	void *ctx;
};

struct source;

must_check int source_open(const struct source_request *r, struct source **ret, struct err *e);

/* The next plain bytes, valid until the next call; 0: the end, all checks passed; or -errno. Never
 * more than source_allow() has allowed in total: -E2BIG. */
must_check ssize_t source_read(struct source *s, const void **ret, struct err *e);

/* So many plain bytes from the start; none are allowed at first. */
void source_allow(struct source *s, uint64_t bytes);

uint64_t source_plain(const struct source *s);
const char *source_format(const struct source *s);
void source_close(struct source *s);

#endif
