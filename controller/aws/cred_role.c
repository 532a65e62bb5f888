/* SPDX-License-Identifier: Apache-2.0 */
/* role_arn= with source_profile= or credential_source=: the role is assumed with what the source
 * has, which may be a role again. */
#include "controller/aws/cred_private.h"

#include <errno.h>
#include <string.h>

#define CHAIN_MAX       8
#define DEFAULT_SESSION "shared-prep"

/* The profiles on the way, the first one first. */
struct chain {
	const struct cred_ask *a;
	const struct profiles *p;
	const char *name[CHAIN_MAX];
	size_t n;
};

static bool is_role(const struct chain *c, const char *name)
{
	return profiles_get(c->p, name, "role_arn") &&
	       !profiles_get(c->p, name, "web_identity_token_file");
}

static bool has_keys(const struct chain *c, const char *name)
{
	return profiles_get(c->p, name, "aws_access_key_id") ||
	       profiles_get(c->p, name, "aws_secret_access_key");
}

static int bad(const char *name, const char *cause, struct err *e)
{
	return err_set(e, ERR_CONFIG, EINVAL, "profile '%s': %s", name, cause);
}

static int check_source(struct chain *c, const char *name, const char *source, struct err *e)
{
	bool seen = false;

	if (!profiles_have(c->p, source))
		return err_set(e, ERR_CONFIG, ENOENT,
			"profile '%s': its source_profile '%s' is neither in '%s' nor in '%s'",
			name, source, c->p->config.path, c->p->credentials.path);
	for (size_t i = 0; i < c->n; i++)
		seen = seen || strcmp(c->name[i], source) == 0;
	/* A profile may be its own source where it has keys. */
	if (seen && (strcmp(name, source) != 0 || !has_keys(c, source)))
		return err_set(e, ERR_CONFIG, ELOOP,
			"profile '%s': its source_profile '%s' leads back to itself", name, source);
	if (c->n == CHAIN_MAX)
		return bad(name, "too many profiles lead to it", e);
	c->name[c->n++] = source;
	return 0;
}

static int assume(struct chain *c, const char *name, struct credentials *ret, struct err *e);

static int from_profile(struct chain *c, const char *source, struct credentials *ret, struct err *e)
{
	struct cred_ask of = *c->a;
	int rc;

	if (is_role(c, source) && !has_keys(c, source))
		return assume(c, source, ret, e);
	of.profile = source;
	of.env = false;
	rc = cred_profile(&of, ret, e);
	return rc == 0 ? bad(source, "it is a source_profile, but has no credentials", e) : rc;
}

static int from_name(struct chain *c, const char *profile, const char *name,
	struct credentials *ret, struct err *e)
{
	struct cred_ask of = *c->a;
	int rc;

	of.env = true;
	rc = cred_named(&of, name, ret, e);
	if (rc < 0)
		return err_ctx(e, "profile '%s': credential_source", profile);
	return rc == 0 ? err_set(e, ERR_CONFIG, ENOENT,
				 "profile '%s': its credential_source '%s' has no credentials",
				 profile, name)
		       : rc;
}

static int find_source(struct chain *c, const char *name, struct credentials *ret, struct err *e)
{
	const char *profile = profiles_get(c->p, name, "source_profile");
	const char *named = profiles_get(c->p, name, "credential_source");
	int rc;

	if (profile && named)
		return bad(name, "source_profile and credential_source exclude each other", e);
	if (!profile && !named)
		return bad(name, "role_arn needs source_profile or credential_source", e);
	if (named)
		return from_name(c, name, named, ret, e);
	rc = check_source(c, name, profile, e);
	return rc == 0 ? from_profile(c, profile, ret, e) : rc;
}

static int assume(struct chain *c, const char *name, struct credentials *ret, struct err *e)
{
	auto_credentials struct credentials with = {0};
	const char *session = profiles_get(c->p, name, "role_session_name");
	const char *duration = profiles_get(c->p, name, "duration_seconds");
	const struct credentials_sts *sts = c->a->source->sts;
	struct credentials_role role = {
		.arn = profiles_get(c->p, name, "role_arn"),
		.session = session ? session : DEFAULT_SESSION,
		.external_id = profiles_get(c->p, name, "external_id"),
		.deadline = c->a->deadline,
	};
	int rc;

	if (profiles_get(c->p, name, "mfa_serial"))
		return bad(name,
			"mfa_serial: nobody is asked for a code: use 'aws sts get-session-token' "
			"or a credential_process",
			e);
	/* What is no number is ignored, as by the AWS CLI. */
	if (duration && *duration && strspn(duration, "0123456789") == strlen(duration))
		role.duration = duration;
	rc = find_source(c, name, &with, e);
	if (rc > 0)
		rc = sts->assume(sts->ctx, &role, &with, ret, e);
	if (rc < 0)
		return rc;
	return 1;
}

int cred_role(const struct cred_ask *a, struct credentials *ret, struct err *e)
{
	struct chain c = {.a = a, .p = a->source->profiles, .name = {a->profile}, .n = 1};

	return is_role(&c, a->profile) ? assume(&c, a->profile, ret, e) : 0;
}
