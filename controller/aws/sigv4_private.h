/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a signature: sigv4.c joins what sigv4_canonical.c makes. */
#ifndef CONTROLLER_AWS_SIGV4_PRIVATE_H
#define CONTROLLER_AWS_SIGV4_PRIVATE_H

#include "controller/aws/sigv4.h"

/* Headers in the order of signing, names in lower case. */
struct sigv4_headers {
	struct sigv4_header header[SIGV4_HEADERS_MAX];
	char *names; /* what the names point into */
	size_t n;
};

/* Those of the request that are signed, and more of them from extra, sorted by name; the values are
 * the caller's. */
must_check int sigv4_headers_make(const struct sigv4_request *r, const struct sigv4_header *extra,
	size_t n_extra, struct sigv4_headers *ret, struct err *e);
void sigv4_headers_free(struct sigv4_headers *h);

/* These return as buf_add() does. */
must_check int sigv4_headers_canonical(const struct sigv4_headers *h, struct buf *out);
must_check int sigv4_headers_signed(const struct sigv4_headers *h, struct buf *out);
must_check int sigv4_path_canonical(const char *path, unsigned flags, struct buf *out);
/* -E2BIG: more than SIGV4_QUERY_MAX parameters. */
must_check int sigv4_query_canonical(const char *query, struct buf *out);

#endif
