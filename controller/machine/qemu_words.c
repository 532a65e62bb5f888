/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/qemu_words.h"

#include "controller/aws/base64.h"

#include <errno.h>
#include <string.h>

static int add_line(
	struct buf *out, const char *token, const char *verb, const void *data, size_t len)
{
	int rc = buf_addf(out, "%s %s ", token, verb);

	if (rc == 0)
		rc = base64_encode(out, data, len);
	return rc < 0 ? rc : buf_adds(out, "\n");
}

int qemu_words_add(
	struct buf *out, const char *token, const char *verb, const void *data, size_t len)
{
	const char *p = data;
	int rc = 0;

	do {
		size_t n = len < QEMU_DATA_MAX ? len : QEMU_DATA_MAX;

		rc = add_line(out, token, verb, p, n);
		p += n;
		len -= n;
	} while (rc == 0 && len > 0);
	return rc;
}

/* "0" to "255". */
static bool parse_code(const char *text, size_t len, int *ret)
{
	int code = 0;

	if (len == 0 || len > 3)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		code = code * 10 + (text[i] - '0');
	}
	*ret = code;
	return code <= 255;
}

static int sextet(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* RFC 4648, section 4: whole groups, padding at the end alone. */
static int decode(struct buf *out, const char *text, size_t len)
{
	if (len % 4 != 0)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 4) {
		size_t n = 4;
		unsigned v = 0;
		unsigned char bytes[3];

		if (i + 4 == len && text[i + 3] == '=')
			n = text[i + 2] == '=' ? 2 : 3;
		for (size_t k = 0; k < 4; k++) {
			int digit = k < n ? sextet(text[i + k]) : 0;

			if (digit < 0)
				return -EINVAL;
			v = v << 6 | (unsigned)digit;
		}
		bytes[0] = (unsigned char)(v >> 16);
		bytes[1] = (unsigned char)(v >> 8);
		bytes[2] = (unsigned char)v;
		if (buf_add(out, bytes, n - 1) < 0)
			return -ENOMEM;
	}
	return 0;
}

enum qemu_word qemu_words_parse(
	const char *line, size_t len, const char *token, struct buf *data, int *ret_code)
{
	static const struct {
		const char *verb;
		enum qemu_word word;
	} verbs[] = {{" out ", QEMU_OUT}, {" err ", QEMU_ERR}, {" end ", QEMU_END}};
	const size_t head = QEMU_TOKEN - 1 + 5;
	const char *rest = line + head;

	if (len < head || memcmp(line, token, QEMU_TOKEN - 1) != 0)
		return QEMU_NOISE;
	len -= head;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (memcmp(line + QEMU_TOKEN - 1, verbs[i].verb, 5) != 0)
			continue;
		if (verbs[i].word == QEMU_END)
			return parse_code(rest, len, ret_code) ? QEMU_END : QEMU_NOISE;
		buf_reset(data);
		return decode(data, rest, len) == 0 ? verbs[i].word : QEMU_NOISE;
	}
	return QEMU_NOISE;
}

size_t qemu_reader_take(
	struct qemu_reader *r, const char *data, size_t len, const char **ret_line, size_t *ret_len)
{
	const char *end = memchr(data, '\n', len);
	size_t n = end ? (size_t)(end - data) : len;

	*ret_line = NULL;
	if (n > sizeof(r->line) - r->len) {
		/* Its end, when it comes, ends a line that is none. */
		r->noise += r->len + n;
		r->len = 0;
	} else {
		memcpy(r->line + r->len, data, n);
		r->len += n;
	}
	if (!end)
		return n;
	*ret_line = r->line;
	*ret_len = r->len;
	r->len = 0;
	return n + 1;
}
