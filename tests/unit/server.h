/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server for unit tests, in a thread: it reads a request, sends the next text of a list and
 * closes the connection. The texts are sent as they are, so that they may be wrong.
 */
#ifndef TESTS_UNIT_SERVER_H
#define TESTS_UNIT_SERVER_H

#include <pthread.h>

#define SERVER_SILENT "" /* no answer at all until the client gives up */
#define SERVER_CLOSE  "close"

struct server {
	int fd;
	pthread_t thread;
	char url[64];              /* "http://127.0.0.1:PORT" */
	const char *const *answer; /* ends with NULL; the last one stays */
	unsigned requests;         /* valid after server_stop() */
	char last[2048];           /* the last request, as it came */
};

/* A failure ends the test. */
void server_start(struct server *s, const char *const *answers);
void server_stop(struct server *s);

/* An address that refuses connections as long as s is not stopped. */
void server_refuse(struct server *s);

#endif
