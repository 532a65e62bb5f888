/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EC2 instance metadata: one GET of the instance identity document, which holds all but the
 * purchasing option. EC2 User Guide, "Instance identity documents", "Instance metadata categories".
 */
#include "agent/imds.h"

#include "common/clock.h"

#include <errno.h>
#include <string.h>

/* The pause after a token was refused while the old one lives on. */
#define RENEW_AGAIN (60 * NSEC_PER_SEC)

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

void imds_token_wipe(struct imds_token *t)
{
	explicit_bzero(t, sizeof(*t));
}

static int take_token(const struct buf *body, void *ctx, struct err *e)
{
	struct imds_token *t = ctx;
	const char *token = buf_str(body);
	size_t good = strspn(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789+/=_-");

	if (good == 0 || good != body->len)
		return err_set(e, ERR_DATA, EPROTO, "the answer is no token");
	snprintf(t->header, sizeof(t->header), "X-aws-ec2-metadata-token: %s", token);
	t->renew_at = clock_deadline(IMDS_TOKEN_TTL * NSEC_PER_SEC / 10 * 8);
	return 0;
}

static enum metadata_state get_token(struct metadata_client *c, struct err *e)
{
	static const char *const headers[] = {
		"X-aws-ec2-metadata-token-ttl-seconds: " STRING(IMDS_TOKEN_TTL), NULL};
	const struct metadata_want want = {
		.method = "PUT",
		.path = "/latest/api/token",
		.headers = headers,
		.request_ns = 2 * METADATA_REQUEST,
		.max_body = IMDS_TOKEN_MAX,
		.take = take_token,
		.ctx = c->ctx,
	};
	enum metadata_state s;

	/* The token itself cannot be renewed: 401 here is final. */
	c->renew = NULL;
	s = metadata_ask(c, &want, e);
	c->renew = get_token;
	return s;
}

void imds_client(
	struct metadata_client *ret, const struct metadata_endpoint *at, struct imds_token *token)
{
	*ret = (struct metadata_client){.at = at, .renew = get_token, .ctx = token};
}

enum metadata_state imds_ready(struct metadata_client *c, struct err *e)
{
	struct imds_token *t = c->ctx;
	bool there = *t->header != '\0';
	enum metadata_state s;

	if (there && clock_left(t->renew_at) > 0)
		return METADATA_OK;
	s = get_token(c, e);
	if (s == METADATA_OK || !there)
		return s;
	t->renew_at = clock_deadline(RENEW_AGAIN);
	return METADATA_OK;
}

static int take_document(const struct buf *body, void *ctx, struct err *e)
{
	struct metadata *m = ctx;
	struct metadata found = {0};
	auto_json json_t *doc = NULL;
	int rc = json_parse(buf_str(body), body->len, "instance identity document", &doc, e);

	if (rc < 0)
		return rc;
	if (!metadata_member(doc, "instanceType", found.instance_type) ||
		!metadata_member(doc, "instanceId", found.instance_id) ||
		!metadata_member(doc, "region", found.region))
		return err_set(e, ERR_DATA, EPROTO,
			"the instance identity document has no instanceType, instanceId or region");
	metadata_member(doc, "availabilityZone", found.zone);
	metadata_member(doc, "imageId", found.image_id);
	*m = found;
	return 0;
}

static int take_lifecycle(const struct buf *body, void *ctx, struct err *e)
{
	char *out = ctx;
	const char *text = buf_str(body);

	if (strspn(text, "abcdefghijklmnopqrstuvwxyz-") != body->len ||
		!metadata_value(text, out, IDENTITY_TEXT))
		return err_set(e, ERR_DATA, EPROTO, "the answer is no life cycle");
	return 0;
}

enum metadata_state imds_lifecycle(
	struct metadata_client *c, char out[static IDENTITY_TEXT], struct err *e)
{
	const struct imds_token *token = c->ctx;
	const char *const headers[] = {token->header, NULL};
	const struct metadata_want want = {
		.method = "GET",
		.path = "/latest/meta-data/instance-life-cycle",
		.headers = headers,
		.request_ns = METADATA_REQUEST,
		.max_body = METADATA_BODY,
		.take = take_lifecycle,
		.ctx = out,
		.optional = true,
	};

	return metadata_ask(c, &want, e);
}

enum metadata_state imds_fetch(
	const struct metadata_endpoint *at, struct metadata *ret, struct err *e)
{
	auto_imds_token struct imds_token token = {.header = ""};
	const char *const headers[] = {token.header, NULL};
	struct metadata_client c;
	const struct metadata_want want = {
		.method = "GET",
		.path = "/latest/dynamic/instance-identity/document",
		.headers = headers,
		.request_ns = METADATA_REQUEST,
		.max_body = METADATA_BODY,
		.take = take_document,
		.ctx = ret,
	};
	enum metadata_state s;

	imds_client(&c, at, &token);
	s = imds_ready(&c, e);
	if (s == METADATA_OK)
		s = metadata_ask(&c, &want, e);
	if (s != METADATA_OK)
		return s;
	*e = (struct err)ERR_INIT;
	(void)imds_lifecycle(&c, ret->lifecycle, e);
	return METADATA_OK;
}
