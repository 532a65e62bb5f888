/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROLLER_AWS_BASE64_H
#define CONTROLLER_AWS_BASE64_H

#include "common/buf.h"

/* Adds the bytes in base64 (RFC 4648, section 4, with padding). As buf_add() returns. */
must_check int base64_encode(struct buf *out, const void *data, size_t len);

#endif
