/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding as AWS signs it: all but A-Z a-z 0-9 - . _ ~ becomes %XX with upper-case digits
 * (RFC 3986, "Unreserved Characters"). */
#ifndef CONTROLLER_AWS_URI_H
#define CONTROLLER_AWS_URI_H

#include "common/buf.h"

#include <stddef.h>

/* Adds the bytes, encoded; those in keep stay as they are. As buf_add() returns. */
must_check int uri_encode(struct buf *out, const char *text, size_t len, const char *keep);

/* Adds the bytes with %XX decoded; a '%' that begins no such triple stands for itself, and so does
 * '+'. */
must_check int uri_decode(struct buf *out, const char *text, size_t len);

#endif
