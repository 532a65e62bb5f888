/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text that no message, log or table may show. It is a struct, so that a format string does not
 * take it; its bytes are wiped when it goes out of scope. secret_reveal() is the only way to them,
 * for what signs or sends; `tests/run check` lists the files that may call it.
 */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include "common/buf.h"
#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>

#define SECRET_MAX 65536 /* bytes */

struct secret {
	char *text_; /* malloc'd, NUL-terminated; NULL: not set */
	size_t len;
};

/* Copies; what was there before is wiped. -EFBIG, kind data: longer than SECRET_MAX. */
must_check int secret_set(struct secret *s, const char *text, size_t len, struct err *e);

static inline bool secret_is_set(const struct secret *s)
{
	return s->text_ != NULL;
}

/* "" where it is not set. */
const char *secret_reveal(const struct secret *s);

void secret_free(struct secret *s);

#define auto_secret __attribute__((cleanup(secret_free)))

/* Takes what is in *b, which is empty afterwards. */
void secret_take(struct secret *s, struct buf *b);

/* For a buffer that has held a secret. As with any buffer, give it room by buf_reserve() before it
 * is filled: what grows leaves copies behind. */
void secret_buf_free(struct buf *b);

#define auto_secret_buf __attribute__((cleanup(secret_buf_free)))

#endif
