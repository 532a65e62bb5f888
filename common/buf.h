/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer with a mandatory ceiling. data is NUL-terminated whenever it is not NULL;
 * the NUL is not part of len. The owner calls buf_free() or declares it with auto_buf.
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include "common/auto.h"

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max; /* len never exceeds this */
};

/* clang-format off */
#define BUF_INIT(ceiling) {.max = (ceiling)}
/* clang-format on */

/* All add to the end; 0, -ENOMEM, or -EFBIG at the ceiling (the buffer keeps what it had). */
must_check int buf_add(struct buf *b, const void *data, size_t len);
must_check int buf_adds(struct buf *b, const char *s);
must_check int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Room for at least n more bytes behind len; the caller then raises len by what it wrote. */
must_check int buf_reserve(struct buf *b, size_t n);

/* The text, "" when empty; valid until the next change. */
const char *buf_str(const struct buf *b);

void buf_reset(struct buf *b);
void buf_free(struct buf *b);

/* Gives the malloc'd text away (never NULL: empty text on an empty buffer, NULL only on no memory).
 */
must_check char *buf_take(struct buf *b);

#define auto_buf __attribute__((cleanup(buf_free)))

#endif
