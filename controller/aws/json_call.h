/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of AWS JSON 1.1 (SSM, Pricing, Service Quotas, ECR) and of REST-JSON (Batch, EBS): an
 * object goes there, an object comes back. Names of members are those of the official API models.
 */
#ifndef CONTROLLER_AWS_JSON_CALL_H
#define CONTROLLER_AWS_JSON_CALL_H

#include "common/json.h"
#include "controller/aws/call.h"

#define JSON_CALL_PAGES 1000

struct json_call {
	enum endpoint_service service;
	const char *target; /* "AmazonSSM.GetParameter"; of REST the action: "StartSnapshot" */
	const char *path;   /* of REST: "/snapshots"; else NULL */
	bool changes;       /* call.h */
	uint64_t deadline;
};

/* in is the call's, in every case; NULL: there was no memory for it. *ret is the caller's to give
 * back. As call() returns; kind data: the answer is no object. */
must_check int json_call(struct call_client *client, const struct json_call *c, json_t *in,
	json_t **ret, struct err *e);

/* The same for all pages (NextToken, of REST nextToken); take gets the answer of each. */
struct json_pages {
	int (*take)(void *ctx, const json_t *answer, struct err *e);
	void *ctx;
};

must_check int json_call_pages(struct call_client *client, const struct json_call *c, json_t *in,
	const struct json_pages *p, struct err *e);

#endif
