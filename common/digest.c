/* SPDX-License-Identifier: Apache-2.0 */
#include "common/digest.h"

#include <errno.h>
#include <stdint.h>

#define CHUNK 65536

void digest_start(struct digest *d)
{
	SHA256Init(&d->ctx);
}

void digest_add(struct digest *d, const void *data, size_t len)
{
	if (len > 0)
		SHA256Update(&d->ctx, data, len);
}

void digest_end_bytes(struct digest *d, uint8_t out[static DIGEST_SIZE])
{
	SHA256Final(out, &d->ctx);
}

void digest_end(struct digest *d, char out[static DIGEST_TEXT])
{
	static const char hex[] = "0123456789abcdef";
	uint8_t sum[SHA256_DIGEST_LENGTH];

	SHA256Final(sum, &d->ctx);
	for (size_t i = 0; i < sizeof(sum); i++) {
		out[2 * i] = hex[sum[i] >> 4];
		out[2 * i + 1] = hex[sum[i] & 15];
	}
	out[DIGEST_TEXT - 1] = '\0';
}

int digest_fd(int fd, const char *name, char out[static DIGEST_TEXT], struct err *e)
{
	char chunk[CHUNK];
	struct digest d;
	off_t at = 0;

	digest_start(&d);
	for (;;) {
		ssize_t n = pread(fd, chunk, sizeof(chunk), at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "cannot read '%s'", name);
		if (n == 0)
			break;
		digest_add(&d, chunk, (size_t)n);
		at += n;
	}
	digest_end(&d, out);
	return 0;
}
