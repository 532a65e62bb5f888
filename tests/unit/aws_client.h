/* SPDX-License-Identifier: Apache-2.0 */
/* A client for calls whose services are all at one address, with keys of its own (test_call.c and
 * those beside it), and answers of AWS for tests/unit/server.h. */
#ifndef TESTS_UNIT_AWS_CLIENT_H
#define TESTS_UNIT_AWS_CLIENT_H

#include "controller/aws/call.h"
#include "tests/unit/server.h"

#define SECRET "SEKRET/a+b"

struct fixture {
	char url[96];
	const char *env[6];
	struct profiles profiles;
	struct credentials_source source;
	struct credentials_cache cache;
	struct call_client client;
};

/* A failure ends the test. */
void fixture_start(struct fixture *f, const char *url);
void fixture_end(struct fixture *f);

#define ANSWER(status, head, body) "HTTP/1.0 " #status " X\r\n" head "\r\n" body
#define EC2(status, code)                                                                          \
	ANSWER(status, "",                                                                         \
		"<?xml version=\"1.0\"?><Response><Errors><Error><Code>" code                      \
		"</Code><Message>it says &lt;so&gt;\nhere</Message></Error></Errors>"              \
		"<RequestID>r</RequestID></Response>")

#endif
