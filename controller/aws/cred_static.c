/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as they are: in the environment, and in either file. */
#include "controller/aws/cred_private.h"

#include <errno.h>

int cred_environment(const struct cred_ask *a, struct credentials *ret, struct err *e)
{
	const char *const *env = a->source->env;
	const char *id = profile_getenv(env, "AWS_ACCESS_KEY_ID");
	const char *secret = profile_getenv(env, "AWS_SECRET_ACCESS_KEY");
	const char *token = profile_getenv(env, "AWS_SECURITY_TOKEN");
	const char *expires = profile_getenv(env, "AWS_CREDENTIAL_EXPIRATION");
	int rc;

	if (!id || !a->env)
		return 0;
	if (!secret)
		return err_set(e, ERR_CONFIG, EINVAL,
			"AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not: set both or "
			"neither");
	if (!token)
		token = profile_getenv(env, "AWS_SESSION_TOKEN");
	rc = cred_set(id, secret, token, ret, e);
	if (rc == 0 && expires && cred_time(expires, &ret->expires, e) < 0)
		rc = err_ctx(e, "AWS_CREDENTIAL_EXPIRATION");
	return rc < 0 ? rc : 1;
}

static int from_file(const struct cred_ask *a, const struct profile_file *file,
	struct credentials *ret, struct err *e)
{
	const struct profiles *p = a->source->profiles;
	const char *id = profiles_get_of(p, file, a->profile, "aws_access_key_id");
	const char *secret = profiles_get_of(p, file, a->profile, "aws_secret_access_key");
	const char *token = profiles_get_of(p, file, a->profile, "aws_security_token");
	int rc;

	if (!id)
		return 0;
	if (!token)
		token = profiles_get_of(p, file, a->profile, "aws_session_token");
	rc = secret ? cred_set(id, secret, token, ret, e)
		    : err_set(e, ERR_CONFIG, EINVAL,
			      "aws_access_key_id without aws_secret_access_key: add it");
	return rc < 0 ? err_ctx(e, "'%s': profile '%s'", file->path, a->profile) : 1;
}

int cred_credentials_file(const struct cred_ask *a, struct credentials *ret, struct err *e)
{
	return from_file(a, &a->source->profiles->credentials, ret, e);
}

int cred_config_file(const struct cred_ask *a, struct credentials *ret, struct err *e)
{
	return from_file(a, &a->source->profiles->config, ret, e);
}
