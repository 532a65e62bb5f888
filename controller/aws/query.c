/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/query.h"

#include "controller/aws/xml.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NAME_TEXT  128
#define TOKEN_TEXT 4096

static const char *version_of(enum endpoint_service service)
{
	switch (service) {
	case ENDPOINT_EC2:
		return "2016-11-15";
	case ENDPOINT_AUTOSCALING:
		return "2011-01-01";
	case ENDPOINT_IAM:
		return "2010-05-08";
	default:
		return "2011-06-15";
	}
}

void query_start(struct query *q, enum endpoint_service service, const char *action,
	uint64_t deadline, bool changes)
{
	*q = (struct query){
		.call = {.service = service,
			.action = action,
			.type = "application/x-www-form-urlencoded; charset=utf-8",
			.changes = changes,
			.deadline = deadline},
		.form = BUF_INIT(QUERY_FORM_MAX),
	};
	/* A secret may follow: no copies are left behind. */
	q->failed = buf_reserve(&q->form, QUERY_FORM_MAX);
	query_add(q, "Action", action);
	query_add(q, "Version", version_of(service));
}

void query_add(struct query *q, const char *name, const char *value)
{
	if (value && q->failed == 0)
		q->failed = call_form_add(&q->form, name, value);
}

void query_add_number(struct query *q, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	query_add(q, name, text);
}

void query_add_flag(struct query *q, const char *name, bool value)
{
	query_add(q, name, value ? "true" : "false");
}

void query_addf(struct query *q, const char *value, const char *fmt, ...)
{
	char name[NAME_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	query_add(q, name, value);
}

void query_add_list(struct query *q, const char *name, const char *const *values)
{
	for (size_t i = 0; values && values[i]; i++)
		query_addf(q, values[i], "%s.%zu", name, i + 1);
}

void query_free(struct query *q)
{
	secret_buf_free(&q->form);
}

/* <ActionResponse><ActionResult>…, but for EC2, which has no <ActionResult>. */
static int find_result(const struct query *q, struct query_answer *ret, struct err *e)
{
	const struct _xmlNode *root, *result;
	char name[NAME_TEXT];
	int rc =
		xml_parse(buf_str(&ret->response.body), ret->response.body.len, "it", &ret->doc, e);

	if (rc < 0)
		return err_ctx(e, "the answer of %s %s", endpoint_service_name(q->call.service),
			q->call.action);
	root = xml_root(ret->doc);
	snprintf(name, sizeof(name), "%sResponse", q->call.action);
	if (strcmp(xml_name(root), name) != 0)
		return call_bad_answer(&q->call, e, "another name");
	snprintf(name, sizeof(name), "%sResult", q->call.action);
	result = xml_child(root, name);
	ret->result = result ? result : root;
	return 0;
}

int query_call(struct call_client *client, struct query *q, struct query_answer *ret, struct err *e)
{
	bool dry = client->dry_run && q->call.changes && q->call.service == ENDPOINT_EC2;
	struct fault fault;
	int rc;

	*ret = (struct query_answer){0};
	if (dry)
		query_add_flag(q, "DryRun", true);
	if (q->failed < 0)
		return err_set(e, q->failed == -EFBIG ? ERR_DATA : ERR_SYSTEM, -q->failed,
			"%s %s: the request is too large", endpoint_service_name(q->call.service),
			q->call.action);
	q->call.body = q->form.data;
	q->call.body_len = q->form.len;
	rc = call(client, &q->call, &ret->response, &fault, e);
	if (dry && rc < 0 && strcmp(fault.code, "DryRunOperation") == 0) {
		*e = (struct err)ERR_INIT;
		return 1;
	}
	if (dry && rc == 0)
		return call_bad_answer(&q->call, e, "no sign that it was not done");
	return rc == 0 ? find_result(q, ret, e) : rc;
}

int query_do(struct call_client *client, struct query *q, const char *const *already, struct err *e)
{
	auto_query_answer struct query_answer a = {0};
	int rc = query_call(client, q, &a, e);

	for (size_t i = 0; rc < 0 && already && already[i]; i++) {
		if (strcmp(client->fault.code, already[i]) == 0) {
			*e = (struct err)ERR_INIT;
			rc = 0;
		}
	}
	return rc;
}

void query_answer_free(struct query_answer *a)
{
	xml_free(&a->doc);
	http_response_free(&a->response);
}

static int take_page(const struct query *q, const struct query_pages *p,
	const struct _xmlNode *result, struct err *e)
{
	const char *name = q->call.service == ENDPOINT_EC2 ? "item" : "member";
	const struct _xmlNode *set = xml_child(result, p->set);
	int rc = 0;

	if (!set)
		return err_set(e, ERR_DATA, EPROTO, "%s %s: the answer has no %s",
			endpoint_service_name(q->call.service), q->call.action, p->set);
	for (const struct _xmlNode *i = xml_child(set, name); rc == 0 && i; i = xml_next(i, name))
		rc = p->take(p->ctx, i, e);
	return rc < 0 ? err_ctx(e, "%s %s", endpoint_service_name(q->call.service), q->call.action)
		      : 0;
}

/* 1: there is one more, and token is for it. */
static int next_page(const struct query *q, const struct _xmlNode *result,
	char token[static TOKEN_TEXT], struct err *e)
{
	bool ec2 = q->call.service == ENDPOINT_EC2;
	const char *next = xml_text(result, ec2 ? "nextToken" : "NextToken");

	if (!next || !*next)
		return 0;
	if (strlen(next) >= TOKEN_TEXT || strcmp(next, token) == 0)
		return call_bad_answer(&q->call, e, "no way to its next page");
	snprintf(token, TOKEN_TEXT, "%s", next);
	return 1;
}

int query_list(
	struct call_client *client, struct query *q, const struct query_pages *p, struct err *e)
{
	size_t form = q->form.len;
	char token[TOKEN_TEXT] = "";
	int rc = 1;

	for (unsigned page = 0; rc > 0; page++) {
		auto_query_answer struct query_answer a = {0};

		if (page == QUERY_PAGES)
			return call_bad_answer(&q->call, e, "no end");
		q->form.len = form;
		query_add(q, "NextToken", *token ? token : NULL);
		rc = query_call(client, q, &a, e);
		if (rc == 0)
			rc = take_page(q, p, a.result, e);
		if (rc == 0)
			rc = next_page(q, a.result, token, e);
	}
	return rc;
}
