/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that wait in new/, least first (C locale), in a fixed piece of memory: a heap of
 * offsets into an arena of texts. With more names than fit the least are kept, and more() says that
 * the folder holds others: it is read again when these are used up. A name may be in it twice; who
 * takes it out finds the file gone then.
 */
#ifndef AGENT_QUEUE_H
#define AGENT_QUEUE_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Address space; memory is used as it fills. About 200,000 names. */
#define QUEUE_TEXT  (4608 * 1024)
#define QUEUE_NAMES (224 * 1024)

struct queue {
	char *text;       /* NUL-terminated names */
	uint32_t *offset; /* a heap, the least at 0 */
	size_t text_max, max;
	size_t text_len, n;
	bool more;      /* names were left out */
	uint32_t bound; /* when more: none greater than this text was kept; an offset */
	bool bounded;
};

/* Sizes are QUEUE_TEXT and QUEUE_NAMES but in tests. */
must_check int queue_open(struct queue *q, size_t text_max, size_t max, struct err *e);
void queue_close(struct queue *q);

void queue_add(struct queue *q, const char *name);

/* The least, valid until the next call; NULL when it is empty. */
const char *queue_take(struct queue *q);

/* Empties it and gives its memory back. */
void queue_reset(struct queue *q);

#endif
