/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said between us and a guest, over a serial port: lines of text, "TOKEN VERB BASE64". Each
 * command has a token of its own, so that what is left of an earlier one is not taken for its.
 *
 *   we       in DATA, sh DATA   its standard input and its text, any number of lines
 *            run                begin
 *   it       out DATA, err DATA
 *            end CODE           0 to 255
 *
 * The guest is not to be trusted: what it says is bounded and checked. Pure.
 */
#ifndef CONTROLLER_QEMU_WORDS_H
#define CONTROLLER_QEMU_WORDS_H

#include "common/buf.h"

#include <stdbool.h>

#define QEMU_TOKEN 17 /* 16 hexadecimal digits */

/* Of the guest: far more than its longest line. */
#define QEMU_LINE_MAX 16384

/* What it may say beside, before it is given up. */
#define QEMU_NOISE_MAX (16UL * 1024 * 1024)

/* Of a line that we say. */
#define QEMU_DATA_MAX 3000

/* Adds lines with all of data; one without any where there is none. As buf_add() returns. */
must_check int qemu_words_add(
	struct buf *out, const char *token, const char *verb, const void *data, size_t len);

enum qemu_word { QEMU_NOISE, QEMU_OUT, QEMU_ERR, QEMU_END };

/* A line without its newline: what it is and, but for noise, what it has, decoded: bytes in *data
 * (reset before), or the code. What has another token or is not as it should be is noise. */
enum qemu_word qemu_words_parse(
	const char *line, size_t len, const char *token, struct buf *data, int *ret_code);

/* What comes in pieces, as lines. */
struct qemu_reader {
	char line[QEMU_LINE_MAX];
	size_t len;
	size_t noise; /* bytes; beyond QEMU_NOISE_MAX it is to be given up */
};

/* Takes bytes up to the end of a line; *ret_line is set when there is one, valid until the next
 * call. Returns how many it took. A line that is too long is noise. */
size_t qemu_reader_take(struct qemu_reader *r, const char *data, size_t len, const char **ret_line,
	size_t *ret_len);

#endif
