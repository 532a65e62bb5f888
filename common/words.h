/* SPDX-License-Identifier: Apache-2.0 */
/* A line of text as the words a shell would make of it: blanks, '…', "…" and backslashes, and
 * nothing that a shell expands or acts on. */
#ifndef COMMON_WORDS_H
#define COMMON_WORDS_H

#include "common/err.h"

#include <stddef.h>

#define WORDS_MAX 1024
#define WORDS_LEN 65536 /* bytes of the line */

struct words {
	char *text;                      /* what the words point into */
	const char *word[WORDS_MAX + 1]; /* ends with NULL */
	size_t n;
};

/* -EINVAL, kind usage: a quote that does not end, $ or ` outside '…', or or, without
 * quotes, one of ;&|<>()*?[] or a word that begins with ~ or #, where a shell would do more than
 * split; -E2BIG: too long. The caller owns *ret: words_free() or auto_words. */
must_check int words_split(const char *line, struct words *ret, struct err *e);

void words_free(struct words *w);

#define auto_words __attribute__((cleanup(words_free)))

#endif
