/* SPDX-License-Identifier: Apache-2.0 */
/* Between debug.c (addresses, headers) and debug_body.c. */
#ifndef CONTROLLER_AWS_DEBUG_PRIVATE_H
#define CONTROLLER_AWS_DEBUG_PRIVATE_H

#include "controller/aws/debug.h"

/* Lines, each with mark ("> ") before it. */
must_check int debug_lines(struct buf *out, const char *mark, const char *text);

/* A body by what it looks like: a form, JSON, XML; of anything else only its length. */
must_check int debug_form(struct buf *out, const char *mark, const char *form, size_t len);
must_check int debug_body(struct buf *out, const char *mark, const char *body, size_t len);
must_check int debug_length(struct buf *out, const char *mark, size_t len);

#endif
