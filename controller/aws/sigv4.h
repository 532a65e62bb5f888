/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature Version 4: what to add to a request so that AWS takes it. Pure: the time is an
 * argument, nothing is read and nothing is sent. IAM User Guide, "Create a signed AWS API request";
 * Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters".
 */
#ifndef CONTROLLER_AWS_SIGV4_H
#define CONTROLLER_AWS_SIGV4_H

#include "common/buf.h"
#include "common/digest.h"
#include "common/err.h"
#include "common/secret.h"

#include <stddef.h>
#include <stdint.h>

#define SIGV4_UNSIGNED    "UNSIGNED-PAYLOAD"
#define SIGV4_MAX         (1024 * 1024) /* bytes of a canonical request */
#define SIGV4_HEADERS_MAX 64
#define SIGV4_QUERY_MAX   1024 /* parameters */

enum sigv4_flags {
	SIGV4_NO_NORMALIZE = 1,   /* "/a/../b" and "//" are other paths than "/b" and "/" */
	SIGV4_SINGLE_ENCODE = 2,  /* the path is encoded once, not twice */
	SIGV4_CONTENT_SHA256 = 4, /* header form: x-amz-content-sha256 is sent and signed */
	SIGV4_TOKEN_AFTER = 8,    /* the session token is sent, but not signed */
	SIGV4_QUERY = 16,         /* the signature goes into the query, not into a header */
	SIGV4_S3 = SIGV4_NO_NORMALIZE | SIGV4_SINGLE_ENCODE | SIGV4_CONTENT_SHA256,
};

struct sigv4_header {
	const char *name;
	const char *value;
};

/* As it goes over the wire. Host is among the headers. Headers that a proxy may change (Connection,
 * Expect, User-Agent and the like) and Authorization are not signed. */
struct sigv4_request {
	const char *method;
	const char *path;  /* begins with '/'; percent-encoded where needed */
	const char *query; /* without '?'; NULL: none; a blank is %20, '+' is a plus */
	const struct sigv4_header *headers;
	size_t n_headers;
	const void *body;
	size_t body_len;
	const char *payload; /* the body's SHA-256, or SIGV4_UNSIGNED; NULL: made of body */
};

struct sigv4_key {
	const char *id;
	const struct secret *secret;
	const struct secret *token; /* of temporary credentials; may be NULL or not set */
};

struct sigv4_scope {
	const char *region;
	const char *service;
	int64_t time;     /* seconds since 1970 */
	unsigned flags;   /* enum sigv4_flags */
	unsigned expires; /* seconds; query form only */
};

/*
 * What is to be sent beside the request. canonical and to_sign are what a server that refuses the
 * signature shows; canonical may hold the token.
 */
struct sigv4_signed {
	struct buf canonical;
	struct buf to_sign;
	char signature[DIGEST_TEXT];
	/* header form: headers, one a field, "" where there is none */
	char date[48];            /* "X-Amz-Date: …" */
	char content_sha256[100]; /* "X-Amz-Content-Sha256: …" */
	struct secret token;      /* "X-Amz-Security-Token: …" */
	struct buf authorization; /* "Authorization: …" */
	/* query form: the whole query; who has it has the access */
	struct secret query;
};

/* -EINVAL, kind bug: a request of a shape that cannot be sent; -EFBIG, kind data: beyond a maximum.
 * The caller calls sigv4_signed_free() in every case. */
must_check int sigv4_sign(const struct sigv4_request *r, const struct sigv4_key *key,
	const struct sigv4_scope *scope, struct sigv4_signed *ret, struct err *e);

/* Wipes what may hold a secret. */
void sigv4_signed_free(struct sigv4_signed *s);

#define auto_sigv4_signed __attribute__((cleanup(sigv4_signed_free)))

#endif
