/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP server for unit tests, in a thread: it reads a request, sends the next text of a list and
 * closes the connection. The texts are sent as they are, so that they may be wrong.
 */
#ifndef TESTS_UNIT_SERVER_H
#define TESTS_UNIT_SERVER_H

#include <pthread.h>
#include <stdbool.h>

#define SERVER_SILENT "" /* no answer at all until the client gives up */
#define SERVER_CLOSE  "close"
#define SERVER_DRIP   "drip:" /* before a text: a byte each 50 ms, while the client bears it */

/* The texts for the requests whose first line holds path, as "PUT /latest/api/token". */
struct server_route {
	const char *path;
	const char *const *answer; /* ends with NULL; the last one stays */
	unsigned requests;
};

struct server {
	int fd;
	bool answers; /* by the thread; else it refuses */
	pthread_t thread;
	pthread_mutex_t lock; /* of requests, while it runs */
	pthread_cond_t more;
	struct server_route *route; /* ends with path = NULL; NULL: answer is for all */
	char url[64];               /* "http://127.0.0.1:PORT" */
	const char *const *answer;  /* ends with NULL; the last one stays */
	unsigned requests;          /* so far; valid after server_stop() */
	char last[2048];            /* the last request, as it came */
};

/* A failure ends the test. */
void server_start(struct server *s, const char *const *answers);
void server_stop(struct server *s);

/* 404 for what no route has. */
void server_start_routes(struct server *s, struct server_route *routes);

/* How many requests the route of this path has had. */
unsigned server_requests(struct server *s, const char *path);

/* Until there were so many requests. */
void server_wait(struct server *s, unsigned requests);

/* An address that refuses connections as long as s is not stopped. */
void server_refuse(struct server *s);

#endif
