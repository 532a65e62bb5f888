/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands buffers from decoders to one reader. Each decoder thread works on one of the numbered parts
 * of an archive; the reader gets their bytes in the order of the parts, the first part's while it
 * is still being decoded. The buffers come from a pool of fixed size that is filled as it is
 * needed; those used last are used first, so that a decoder slower than its reader stays in the
 * processor's cache and takes the memory of two or three.
 *
 * No deadlock: RELAY_RESERVE buffers are for the part that the reader is at, whose decoder waits
 * for the reader only; others wait for the reader to come to them.
 */
#ifndef AGENT_UNPACK_RELAY_H
#define AGENT_UNPACK_RELAY_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes; and so many: 1 MiB, what a processor's own cache holds. 8 MiB of larger ones took 5 to 9 %
 * longer where the decoder is the faster side (zstd), and the same where it is not (xz). */
#define RELAY_SLOT    (64U * 1024)
#define RELAY_RESERVE 16U

struct relay_slot {
	struct relay_slot *next;
	size_t len;
	uint8_t data[RELAY_SLOT];
};

struct relay;

/* ahead: so many buffers more for parts that the reader has not come to. */
must_check int relay_open(size_t parts, size_t ahead, struct relay **ret, struct err *e);

/* For decoders. The number of the next part; false: all are taken, one has failed, or the reader
 * has stopped. */
must_check bool relay_take(struct relay *r, size_t *ret_part);

/* 1: a buffer to be filled, len bytes of it, and put; 0: the reader has stopped. Waits. */
must_check int relay_slot(struct relay *r, size_t part, struct relay_slot **ret, struct err *e);
void relay_put(struct relay *r, size_t part, struct relay_slot *s);

/* NULL: the part is complete; else the reader gets this error after what was put. */
void relay_end(struct relay *r, size_t part, const struct err *e);

/* For the reader. The next bytes, valid until the next call; 0: the end. Waits. */
must_check ssize_t relay_read(struct relay *r, const void **ret, struct err *e);

/* Lets the decoders end; they must be gone before relay_close(). */
void relay_stop(struct relay *r);
void relay_close(struct relay *r);

#endif
