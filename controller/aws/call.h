/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One signed call of an AWS service: endpoint, credentials, signature, and again where that may
 * help: full jitter, within the deadline, while the budget that all calls of a run share lasts. A
 * clock that is wrong and credentials that have run out are corrected once. AWS SDKs and Tools
 * Reference Guide, "Retry behavior".
 */
#ifndef CONTROLLER_AWS_CALL_H
#define CONTROLLER_AWS_CALL_H

#include "common/http.h"
#include "controller/aws/credentials.h"
#include "controller/aws/endpoint.h"
#include "controller/aws/fault.h"

#define CALL_TRIES      6
#define CALL_BUDGET     500 /* at the start, and at most */
#define CALL_RETRY_COST 5   /* of the budget; what a call gives back that works at once is 1 */
#define CALL_ANSWER_MAX (16 * 1024 * 1024)
#define CALL_HEADERS    6 /* that a call may add */
#define CALL_WANTED     2 /* of the answer */

/* What happens, for who watches (debug.h). What it points to holds secrets and is gone after. */
struct call_event {
	enum { CALL_SENT, CALL_ANSWERED, CALL_FAILED } what;
	const struct call *call;
	const char *url;
	const char *const *headers;         /* of the request, "Name: value", ends with NULL */
	unsigned tries;                     /* from 1 */
	const struct http_response *answer; /* CALL_ANSWERED */
	const struct err *failure;          /* CALL_FAILED: there was no answer */
};

/* What the calls of a run share. One thread at a time. */
struct call_client {
	const char *const *env;
	const struct profiles *profiles;
	const char *region;
	struct credentials_cache *credentials; /* for calls that bring none of their own */
	unsigned budget;                       /* CALL_BUDGET at the start */
	int64_t skew;                          /* seconds that AWS's clock is ahead of ours */
	/* What would change something is not done: EC2 says whether it would be allowed (query.h),
	 * other services are not asked. */
	bool dry_run;
	struct fault fault; /* of the last call; its code is "" where it has worked */
	bool unsure;        /* a try of the last call had no answer: it may have been done */
	void (*observe)(void *ctx, const struct call_event *event); /* of every try; or NULL */
	void *observer;                                             /* its ctx */
};

/* A header, of REST; it is signed. */
struct call_header {
	const char *name;
	const char *value; /* up to HTTP_HEADER_MAX */
};

struct call {
	enum endpoint_service service;
	const char *action; /* what messages call it */
	const char *target; /* X-Amz-Target of JSON 1.1; NULL: it has none */
	const char *path;   /* of REST: "/v1/describejobqueues"; NULL: it has none */
	const char *type;   /* Content-Type; NULL: it has none */
	const char *method; /* NULL: POST */
	const char *query;  /* without '?', encoded as sigv4.h has it; NULL: none */
	struct call_header header[CALL_HEADERS]; /* up to the first without a name */
	const char *wanted[CALL_WANTED]; /* headers of the answer: ret->header[i]; may be NULL */
	const char *body;
	size_t body_len;
	bool changes;                   /* something; see dry_run */
	const struct credentials *with; /* NULL: the client's */
	bool is_public;                 /* not signed */
	bool names_new; /* what has just been made: that it is not found is waited out */
	bool once;      /* done twice it is done twice: without an answer it is not tried again */
	uint64_t deadline;
};

/*
 * 0: a status of 200 to 299, *ret has the answer. -ECANCELED, kind bug: it changes something, and
 * the client is not to. Else -errno with the kind of fault_read(), and
 * its code in *ret_fault (the client's fault is the same) for who knows what it means; "SERVICE
 * ACTION: CODE: MESSAGE". The caller calls http_response_free() in every case.
 */
must_check int call(struct call_client *client, const struct call *c, struct http_response *ret,
	struct fault *ret_fault, struct err *e);

/* Tells the call from others in messages of an answer that is not as it should be: kind data,
 * "SERVICE ACTION: the answer has …". */
int call_bad_answer(const struct call *c, struct err *e, const char *what);

/* "&KEY=VALUE" of a form, without '&' where it is the first. As buf_add() returns. */
must_check int call_form_add(struct buf *form, const char *key, const char *value);

#endif
