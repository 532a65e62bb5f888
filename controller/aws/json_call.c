/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/json_call.h"

#include <errno.h>
#include <string.h>

#define BODY_MAX (1024 * 1024)

static const char *action_of(const struct json_call *c)
{
	const char *dot = strrchr(c->target, '.');

	return dot ? dot + 1 : c->target;
}

static int ask(struct call_client *client, const struct json_call *c, const json_t *in,
	json_t **ret, struct err *e)
{
	auto_http_response struct http_response r = {0};
	auto_buf struct buf body = BUF_INIT(BODY_MAX);
	struct call call_ = {.service = c->service,
		.action = action_of(c),
		.target = c->path ? NULL : c->target,
		.path = c->path,
		.type = c->path ? "application/json" : "application/x-amz-json-1.1",
		.changes = c->changes,
		.deadline = c->deadline};
	struct fault fault;
	int rc = json_text(in, &body, e);

	if (rc < 0)
		return rc;
	call_.body = buf_str(&body);
	call_.body_len = body.len;
	rc = call(client, &call_, &r, &fault, e);
	if (rc < 0)
		return rc;
	if (json_parse(buf_str(&r.body), r.body.len, "it", ret, e) < 0 || !json_is_object(*ret))
		return call_bad_answer(&call_, e, "no JSON object");
	return 0;
}

int json_call(struct call_client *client, const struct json_call *c, json_t *in, json_t **ret,
	struct err *e)
{
	auto_json json_t *mine = in;
	auto_json json_t *answer = NULL;
	int rc = mine ? ask(client, c, mine, &answer, e) : err_oom(e);

	if (rc == 0)
		*ret = take_ptr(answer);
	return rc;
}

/* 1: in is for the next page. */
static int turn(const struct json_call *c, json_t *in, const json_t *answer, struct err *e)
{
	const char *name = c->path ? "nextToken" : "NextToken";
	const char *next = json_string_value(json_object_get(answer, name));
	const char *last = json_string_value(json_object_get(in, name));

	if (!next || !*next)
		return 0;
	if (last && strcmp(next, last) == 0)
		return call_bad_answer(
			&(struct call){.service = c->service, .action = action_of(c)}, e,
			"no way to its next page");
	return json_object_set_new(in, name, json_string(next)) < 0 ? err_oom(e) : 1;
}

int json_call_pages(struct call_client *client, const struct json_call *c, json_t *in,
	const struct json_pages *p, struct err *e)
{
	auto_json json_t *mine = in;
	int rc = mine ? 1 : err_oom(e);

	for (unsigned page = 0; rc > 0; page++) {
		auto_json json_t *answer = NULL;

		if (page == JSON_CALL_PAGES)
			return call_bad_answer(
				&(struct call){.service = c->service, .action = action_of(c)}, e,
				"no end");
		rc = ask(client, c, mine, &answer, e);
		if (rc == 0)
			rc = p->take(p->ctx, answer, e);
		if (rc == 0)
			rc = turn(c, mine, answer, e);
	}
	return rc;
}
