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

/* What the calls of a run share. One thread at a time. */
struct call_client {
	const char *const *env;
	const struct profiles *profiles;
	const char *region;
	struct credentials_cache *credentials; /* for calls that bring none of their own */
	unsigned budget;                       /* CALL_BUDGET at the start */
	int64_t skew;                          /* seconds that AWS's clock is ahead of ours */
};

struct call {
	enum endpoint_service service;
	const char *action; /* what messages call it */
	const char *target; /* X-Amz-Target of JSON 1.1; NULL: it has none */
	const char *path;   /* of REST: "/v1/describejobqueues"; NULL: it has none */
	const char *type;   /* Content-Type */
	const char *body;
	size_t body_len;
	const struct credentials *with; /* NULL: the client's */
	bool is_public;                 /* not signed */
	uint64_t deadline;
};

/*
 * 0: a status of 200 to 299, *ret has the answer. Else -errno with the kind of fault_read(), and
 * its code in *ret_fault for the caller who knows what it means; "SERVICE ACTION: CODE: MESSAGE".
 * The caller calls http_response_free() in every case.
 */
must_check int call(struct call_client *client, const struct call *c, struct http_response *ret,
	struct fault *ret_fault, struct err *e);

/* "&KEY=VALUE" of a form, without '&' where it is the first. As buf_add() returns. */
must_check int call_form_add(struct buf *form, const char *key, const char *value);

#endif
