/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EC2 instance metadata, version 2 only: a session token by PUT, then one GET of the instance
 * identity document, which holds all but the purchasing option. Where the token is refused nothing
 * is asked without one. EC2 User Guide, "Use the Instance Metadata Service", "Instance identity
 * documents", "Instance metadata categories".
 */
#include "agent/metadata.h"

#include <errno.h>
#include <string.h>

#define TOKEN_MAX 512
#define TOKEN_TTL "X-aws-ec2-metadata-token-ttl-seconds: 21600"

/* The token as the header that carries it; wiped on scope exit, and no message may hold it. */
struct secret_header {
	char text[sizeof("X-aws-ec2-metadata-token: ") + TOKEN_MAX];
};

static void secret_wipe(struct secret_header *s)
{
	explicit_bzero(s, sizeof(*s));
}

static int take_token(const struct buf *body, void *ctx, struct err *e)
{
	struct secret_header *s = ctx;
	const char *token = buf_str(body);
	size_t good = strspn(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789+/=_-");

	if (good == 0 || good != body->len)
		return err_set(e, ERR_DATA, EPROTO, "the answer is no token");
	snprintf(s->text, sizeof(s->text), "X-aws-ec2-metadata-token: %s", token);
	return 0;
}

static enum metadata_state get_token(struct metadata_client *c, struct err *e)
{
	static const char *const headers[] = {TOKEN_TTL, NULL};
	const struct metadata_want want = {
		.method = "PUT",
		.path = "/latest/api/token",
		.headers = headers,
		.request_ns = 2 * METADATA_REQUEST,
		.max_body = TOKEN_MAX,
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
	struct metadata *m = ctx;
	const char *text = buf_str(body);

	if (strspn(text, "abcdefghijklmnopqrstuvwxyz-") != body->len ||
		!metadata_value(text, m->lifecycle, sizeof(m->lifecycle)))
		return err_set(e, ERR_DATA, EPROTO, "the answer is no life cycle");
	return 0;
}

enum metadata_state imds_fetch(
	const struct metadata_endpoint *at, struct metadata *ret, struct err *e)
{
	__attribute__((cleanup(secret_wipe))) struct secret_header token = {.text = ""};
	struct metadata_client c = {.at = at, .renew = get_token, .ctx = &token};
	const char *const headers[] = {token.text, NULL};
	struct metadata_want want = {
		.method = "GET",
		.path = "/latest/dynamic/instance-identity/document",
		.headers = headers,
		.request_ns = METADATA_REQUEST,
		.max_body = METADATA_BODY,
		.take = take_document,
		.ctx = ret,
	};
	enum metadata_state s = get_token(&c, e);

	if (s == METADATA_OK)
		s = metadata_ask(&c, &want, e);
	if (s != METADATA_OK)
		return s;
	want.path = "/latest/meta-data/instance-life-cycle";
	want.take = take_lifecycle;
	want.optional = true;
	*e = (struct err)ERR_INIT;
	(void)metadata_ask(&c, &want, e);
	return METADATA_OK;
}
