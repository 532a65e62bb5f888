/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of the query protocol: a form goes there, XML comes back (EC2, IAM, STS). Amazon EC2 API
 * Reference, "Making API requests"; names of members are those of the official API models.
 *
 * What cannot be added is told by query_call(): a form is written down without looking back.
 */
#ifndef CONTROLLER_AWS_QUERY_H
#define CONTROLLER_AWS_QUERY_H

#include "controller/aws/call.h"

struct _xmlDoc;
struct _xmlNode;

#define QUERY_FORM_MAX (256 * 1024)
#define QUERY_PAGES    1000 /* of one list */

struct query {
	struct call call;
	struct buf form; /* may hold a secret */
	int failed;
};

/* changes: something that is not to change in a dry run. */
void query_start(struct query *q, enum endpoint_service service, const char *action,
	uint64_t deadline, bool changes);

/* Nothing is added for a value of NULL. */
void query_add(struct query *q, const char *name, const char *value);
void query_add_number(struct query *q, const char *name, uint64_t value);
void query_add_flag(struct query *q, const char *name, bool value);

/* The name is made of fmt: "Filter.%zu.Name". */
void query_addf(struct query *q, const char *value, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "NAME.1=…&NAME.2=…"; values ends with NULL and may be NULL. */
void query_add_list(struct query *q, const char *name, const char *const *values);

void query_free(struct query *q);

#define auto_query __attribute__((cleanup(query_free)))

struct query_answer {
	struct http_response response;
	struct _xmlDoc *doc;
	const struct _xmlNode *result; /* what holds the members of the action's output */
};

/*
 * 0: done. 1: a dry run (call.h) in which EC2 says that it would be allowed; there is no result.
 * Else as call() returns; the client has the fault. Kind data: the answer is not that of the
 * action. The caller calls query_answer_free() in every case.
 */
must_check int query_call(
	struct call_client *client, struct query *q, struct query_answer *ret, struct err *e);

/* Where nothing of the answer is wanted. already: codes of errors that say that it is so already,
 * which is success; ends with NULL, may be NULL. */
must_check int query_do(
	struct call_client *client, struct query *q, const char *const *already, struct err *e);

void query_answer_free(struct query_answer *a);

#define auto_query_answer __attribute__((cleanup(query_answer_free)))

/* A list that comes in pages, each with a nextToken (EC2) or NextToken while there are more. */
struct query_pages {
	const char *set; /* of the answer, with an <item> (EC2) or <member> for each:
			  * "reservationSet" */
	int (*take)(void *ctx, const struct _xmlNode *item, struct err *e);
	void *ctx;
};

/* Kind data also: more than QUERY_PAGES pages, or a page that leads to itself. */
must_check int query_list(
	struct call_client *client, struct query *q, const struct query_pages *p, struct err *e);

#endif
