/* SPDX-License-Identifier: Apache-2.0 */
/* Between call.c, which decides whether a call is tried again, and call_send.c, which tries. */
#ifndef CONTROLLER_AWS_CALL_PRIVATE_H
#define CONTROLLER_AWS_CALL_PRIVATE_H

#include "controller/aws/call.h"

/* Of the headers of an answer: what the call wants comes first. */
enum { HEADER_DATE = CALL_WANTED, HEADER_ERROR_TYPE };

#define URL_MAX (4 * ENDPOINT_URL_MAX)

/* One call on its way. */
struct attempt {
	struct call_client *client;
	const struct call *c;
	struct endpoint at;
	char url[URL_MAX];
	char host[ENDPOINT_URL_MAX + 8]; /* "Host: …" */
	char path[URL_MAX];
	unsigned tries;
	bool clock_set, renewed; /* once each */
};

/* Fills what depends on the endpoint, which is there. */
must_check int call_address(struct attempt *a, struct err *e);

/* Signs and sends once; as http_call() returns. */
must_check int call_send(struct attempt *a, struct http_response *ret, struct err *e);

#endif
