/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/uri.h"

#include <stdbool.h>
#include <string.h>

/* Not isalnum(): the locale has no say. */
static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~", c));
}

int uri_encode(struct buf *out, const char *text, size_t len, const char *keep)
{
	static const char digits[] = "0123456789ABCDEF";
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		const char triple[] = {'%', digits[c >> 4], digits[c & 15]};

		if (is_unreserved(text[i]) || (c && strchr(keep, c)))
			rc = buf_add(out, text + i, 1);
		else
			rc = buf_add(out, triple, sizeof(triple));
	}
	return rc;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int uri_decode(struct buf *out, const char *text, size_t len)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < len; i++) {
		bool triple = text[i] == '%' && len - i > 2 && digit(text[i + 1]) >= 0 &&
			      digit(text[i + 2]) >= 0;
		char c = triple ? (char)(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];

		rc = buf_add(out, &c, 1);
		if (triple)
			i += 2;
	}
	return rc;
}
