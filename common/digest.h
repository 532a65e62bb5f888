/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4, by libmd) as lower-case hexadecimal text. */
#ifndef COMMON_DIGEST_H
#define COMMON_DIGEST_H

#include "common/err.h"

#include <sha2.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_TEXT 65
#define DIGEST_SIZE 32

struct digest {
	SHA2_CTX ctx;
};

void digest_start(struct digest *d);
void digest_add(struct digest *d, const void *data, size_t len);
void digest_end(struct digest *d, char out[static DIGEST_TEXT]);

/* The same as bytes. */
void digest_end_bytes(struct digest *d, uint8_t out[static DIGEST_SIZE]);

/* Of a whole file from its start; the file offset is not used. */
must_check int digest_fd(int fd, const char *name, char out[static DIGEST_TEXT], struct err *e);

#endif
