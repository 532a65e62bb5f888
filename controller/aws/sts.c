/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/sts.h"

#include "common/secret.h"
#include "controller/aws/cred_private.h"
#include "controller/aws/xml.h"

#include <errno.h>
#include <string.h>

#define FORM_MAX  (256 * 1024)
#define FORM_TYPE "application/x-www-form-urlencoded; charset=utf-8"
#define VERSION   "2011-06-15"

static int start(struct buf *form, const char *action)
{
	/* A token may follow: no copies are left behind. */
	int rc = buf_reserve(form, FORM_MAX);

	if (rc == 0)
		rc = call_form_add(form, "Action", action);
	return rc == 0 ? call_form_add(form, "Version", VERSION) : rc;
}

/* Calls, and finds ACTIONResult of the answer. */
static int ask(struct call_client *client, struct call *c, struct http_response *r,
	struct _xmlDoc **ret_doc, const struct _xmlNode **ret, struct err *e)
{
	struct fault f;
	char name[64];
	int rc;

	c->service = ENDPOINT_STS;
	c->type = FORM_TYPE;
	snprintf(name, sizeof(name), "%sResult", c->action);
	rc = call(client, c, r, &f, e);
	if (rc == 0)
		rc = xml_parse(buf_str(&r->body), r->body.len, "the answer of sts", ret_doc, e);
	if (rc < 0)
		return rc;
	*ret = xml_child(xml_root(*ret_doc), name);
	return *ret ? 0 : err_set(e, ERR_DATA, EPROTO, "the answer of sts has no %s", name);
}

static int take_text(
	const struct _xmlNode *node, const char *name, char *out, size_t size, struct err *e)
{
	const char *text = xml_text(node, name);

	if (!text || !*text || strlen(text) >= size)
		return err_set(e, ERR_DATA, EPROTO, "the answer of sts has no %s", name);
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

int sts_identity(
	struct call_client *client, uint64_t deadline, struct sts_identity *ret, struct err *e)
{
	auto_buf struct buf form = BUF_INIT(FORM_MAX);
	auto_http_response struct http_response r = {0};
	auto_xml struct _xmlDoc *doc = NULL;
	const struct _xmlNode *result;
	struct call c = {.action = "GetCallerIdentity", .deadline = deadline};
	int rc;

	if (start(&form, c.action) < 0)
		return err_oom(e);
	c.body = form.data;
	c.body_len = form.len;
	rc = ask(client, &c, &r, &doc, &result, e);
	if (rc == 0)
		rc = take_text(result, "Account", ret->account, sizeof(ret->account), e);
	return rc == 0 ? take_text(result, "Arn", ret->arn, sizeof(ret->arn), e) : rc;
}

static int add_role(struct buf *form, const struct credentials_role *role)
{
	int rc = call_form_add(form, "RoleArn", role->arn);

	if (rc == 0)
		rc = call_form_add(form, "RoleSessionName", role->session);
	if (rc == 0 && role->external_id)
		rc = call_form_add(form, "ExternalId", role->external_id);
	if (rc == 0 && role->duration)
		rc = call_form_add(form, "DurationSeconds", role->duration);
	if (rc == 0 && role->web_token)
		rc = call_form_add(form, "WebIdentityToken", secret_reveal(role->web_token));
	return rc;
}

static int take_credentials(const struct _xmlNode *result, struct credentials *ret, struct err *e)
{
	const struct _xmlNode *c = xml_child(result, "Credentials");
	const char *id = c ? xml_text(c, "AccessKeyId") : NULL;
	const char *secret = c ? xml_text(c, "SecretAccessKey") : NULL;
	const char *token = c ? xml_text(c, "SessionToken") : NULL;
	const char *expires = c ? xml_text(c, "Expiration") : NULL;
	int rc;

	if (!id || !secret || !token || !expires)
		return err_set(e, ERR_DATA, EPROTO, "the answer of sts has no Credentials");
	rc = cred_set(id, secret, token, ret, e);
	if (rc == 0)
		rc = cred_time(expires, &ret->expires, e);
	explicit_bzero((char *)secret, strlen(secret));
	explicit_bzero((char *)token, strlen(token));
	return rc;
}

int sts_assume(void *ctx, const struct credentials_role *role, const struct credentials *with,
	struct credentials *ret, struct err *e)
{
	auto_secret_buf struct buf form = BUF_INIT(FORM_MAX);
	auto_http_response struct http_response r = {0};
	auto_xml struct _xmlDoc *doc = NULL;
	const struct _xmlNode *result;
	struct call c = {
		.action = role->web_token ? "AssumeRoleWithWebIdentity" : "AssumeRole",
		.with = with,
		.is_public = role->web_token != NULL,
		.deadline = role->deadline,
	};
	int rc = start(&form, c.action);

	if (rc == 0)
		rc = add_role(&form, role);
	if (rc < 0)
		return err_set(
			e, ERR_CONFIG, EFBIG, "role '%.100s' cannot be asked for", role->arn);
	c.body = form.data;
	c.body_len = form.len;
	rc = ask(ctx, &c, &r, &doc, &result, e);
	if (rc == 0)
		rc = take_credentials(result, ret, e);
	return rc < 0 ? err_ctx(e, "role '%.200s'", role->arn) : 0;
}
