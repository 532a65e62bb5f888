/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that compress frames. One thread, the caller's, fills frame after frame, hands each over,
 * and writes them in the same order. The bytes do not depend on the number of threads: each frame
 * is compressed by a context of its own, as zstd does not promise that a used one gives the same.
 *
 * Memory: for each thread the context for one frame (of 4 MiB at level 19: 45 MiB), and two frames,
 * plain and packed, that wait, are being compressed or are to be written. Threads beyond what the
 * request allows for all that are left out, but for one.
 */
#ifndef AGENT_PACK_POOL_H
#define AGENT_PACK_POOL_H

#include "agent/pack.h"

struct pack_packed {
	const void *data;
	size_t len;
	uint64_t plain; /* bytes of tar in it */
	uint64_t xxh64; /* of those */
};

typedef int pack_write_fn(void *ctx, const struct pack_packed *p, struct err *e);

struct pack_pool;

/* Of r: level, frame_size, threads, memory, and progress and cancelled, which are called from the
 * caller's thread. write: called by pack_pool_submit() and pack_pool_drain(). */
must_check int pack_pool_open(const struct pack_request *r, pack_write_fn *write, void *ctx,
	struct pack_pool **ret, struct err *e);

/* frame_size bytes to fill; another buffer after each submit. */
uint8_t *pack_pool_buffer(struct pack_pool *p);

must_check int pack_pool_submit(struct pack_pool *p, size_t len, struct err *e);

/* Until all are written. */
must_check int pack_pool_drain(struct pack_pool *p, struct err *e);

/* Stops the threads within a block (128 KiB) of zstd; NULL is nothing. */
void pack_pool_close(struct pack_pool *p);

/* How many threads fit, each with so many bytes; at least 1. */
unsigned pack_pool_threads(unsigned asked, uint64_t each, uint64_t memory);

/* Shows progress and is -ECANCELED, kind transient, if so asked. */
must_check int pack_pool_poll(struct pack_pool *p, struct err *e);

#endif
