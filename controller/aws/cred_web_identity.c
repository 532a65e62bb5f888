/* SPDX-License-Identifier: Apache-2.0 */
/* A token in a file, as Kubernetes and others write it, for a role. */
#include "controller/aws/cred_private.h"

#include <errno.h>

#define DEFAULT_SESSION "shared-prep"

static const char *setting(const struct cred_ask *a, const char *variable, const char *key)
{
	const char *value = a->env ? profile_getenv(a->source->env, variable) : NULL;

	return value ? value : profiles_get(a->source->profiles, a->profile, key);
}

int cred_web_identity(const struct cred_ask *a, struct credentials *ret, struct err *e)
{
	const char *path = setting(a, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
	const char *session = setting(a, "AWS_ROLE_SESSION_NAME", "role_session_name");
	const struct credentials_sts *sts = a->source->sts;
	auto_secret struct secret token = {0};
	const struct credentials_role role = {
		.arn = setting(a, "AWS_ROLE_ARN", "role_arn"),
		.session = session ? session : DEFAULT_SESSION,
		.web_token = &token,
		.deadline = a->deadline,
	};
	int rc;

	if (!path || !*path)
		return 0;
	if (!role.arn || !*role.arn)
		return err_set(e, ERR_CONFIG, EINVAL,
			"the token file '%s' has no role: set AWS_ROLE_ARN or role_arn", path);
	rc = cred_read_token(a->source->env, path, &token, e);
	if (rc == 0)
		rc = sts->assume(sts->ctx, &role, NULL, ret, e);
	return rc < 0 ? rc : 1;
}
