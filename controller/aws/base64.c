/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/base64.h"

#include <stdint.h>

int base64_encode(struct buf *out, const void *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *from = data;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < len; i += 3) {
		uint32_t bits = (uint32_t)from[i] << 16;
		char text[4];

		if (i + 1 < len)
			bits |= (uint32_t)from[i + 1] << 8;
		if (i + 2 < len)
			bits |= from[i + 2];
		text[0] = digits[bits >> 18];
		text[1] = digits[bits >> 12 & 63];
		text[2] = '=';
		text[3] = '=';
		if (i + 1 < len)
			text[2] = digits[bits >> 6 & 63];
		if (i + 2 < len)
			text[3] = digits[bits & 63];
		rc = buf_add(out, text, sizeof(text));
	}
	return rc;
}
