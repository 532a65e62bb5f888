/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request: the only user of libcurl. Numeric addresses and names, HTTP/1.x, never a
 * redirect or .netrc, no proxy but one that is asked for, a new connection each time, every answer
 * bounded in size and time. Thread safe after http_setup(), which may be called again.
 */
#ifndef COMMON_HTTP_H
#define COMMON_HTTP_H

#include "common/buf.h"
#include "common/err.h"

#include <stdatomic.h>
#include <stdint.h>

#define HTTP_WANTED     4
#define HTTP_HEADER_MAX 256

struct http_request {
	const char *method; /* "GET", "HEAD"; any other has a body, if only an empty one */
	const char *url;
	const char *const *headers; /* "Name: value", ends with NULL; may be NULL */
	uint64_t connect_ns;        /* time for the connection */
	uint64_t deadline;          /* clock.h, for everything */
	size_t max_body;            /* bytes, more than 0 */
	const atomic_bool *stop;    /* set by another thread: the request ends; may be NULL */
	const void *body;           /* not with GET and HEAD; may be NULL */
	size_t body_len;
	const char *const *wanted; /* names of up to HTTP_WANTED headers to keep; may be NULL */
	const char *ca_file;       /* whom to trust instead of the system's authorities; or NULL */
	const char *proxy;         /* address of a proxy, may hold a password; or NULL */
	const char *no_proxy;      /* hosts that are asked without it: "a.com,.b.com"; or NULL */
};

struct http_response {
	unsigned status;
	struct buf body;
	char content_type[64];
	char header[HTTP_WANTED][HTTP_HEADER_MAX]; /* the wanted ones, cut; "" where absent */
};

must_check int http_setup(struct err *e);

/*
 * 0 for any complete answer, whatever its status. Else kind transient: -ECONNREFUSED, -ENETUNREACH,
 * -EHOSTUNREACH (no way there), -ETIMEDOUT (the deadline or connect_ns passed), -EPIPE (cut short),
 * -ECANCELED (stopped, within about a second); or kind data: -EFBIG (longer than max_body), -EPROTO
 * (not HTTP/1.x, or more than 64 KiB of headers); or kind remote, -EACCES (a certificate that is
 * not trusted); or kind config, -ENOENT (ca_file cannot be read). The caller calls
 * http_response_free() in every case. Messages name neither the address nor a header.
 */
must_check int http_call(const struct http_request *r, struct http_response *ret, struct err *e);

/* Wipes the body first: it may be a secret. */
void http_response_free(struct http_response *r);

#define auto_http_response __attribute__((cleanup(http_response_free)))

#endif
