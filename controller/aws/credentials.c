/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/credentials.h"

#include "controller/aws/cred_private.h"

#include <errno.h>
#include <string.h>

/* In this order. */
static const struct {
	const char *name;
	cred_provider_fn *load;
	bool of_profile;    /* serves source_profile= too */
	const char *source; /* what credential_source= calls it */
} chain[] = {
	{"environment", cred_environment, false, "Environment"},
	{"role", cred_role, false, NULL},
	{"web identity", cred_web_identity, true, NULL},
	{"SSO", cred_sso, true, NULL},
	{"credentials file", cred_credentials_file, true, NULL},
	{"credential_process", cred_process, true, NULL},
	{"config file", cred_config_file, true, NULL},
	{"container", cred_container, false, "EcsContainer"},
	{"instance metadata", cred_instance, false, "Ec2InstanceMetadata"},
};

void credentials_free(struct credentials *c)
{
	secret_free(&c->secret);
	secret_free(&c->token);
	*c = (struct credentials){0};
}

static int load(size_t i, const struct cred_ask *a, struct credentials *ret, struct err *e)
{
	int rc = chain[i].load(a, ret, e);

	if (rc < 0) {
		credentials_free(ret);
		return err_ctx(e, "credentials by %s", chain[i].name);
	}
	if (rc > 0)
		ret->provider = chain[i].name;
	return rc;
}

int cred_profile(const struct cred_ask *a, struct credentials *ret, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(chain); i++) {
		if (chain[i].of_profile)
			rc = load(i, a, ret, e);
	}
	return rc;
}

int cred_named(const struct cred_ask *a, const char *name, struct credentials *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(chain); i++) {
		if (chain[i].source && strcmp(chain[i].source, name) == 0)
			return load(i, a, ret, e);
	}
	return err_set(e, ERR_CONFIG, EINVAL,
		"'%s' is none of Environment, EcsContainer, Ec2InstanceMetadata", name);
}

static int none(const struct credentials_source *s, struct err *e)
{
	const struct profiles *p = s->profiles;

	if (profiles_get(p, p->name, "login_session"))
		return err_set(e, ERR_CONFIG, ENOTSUP,
			"profile '%s': login_session is not supported: use 'aws configure "
			"export-credentials' as its credential_process",
			p->name);
	return err_set(e, ERR_CONFIG, ENOENT,
		"no credentials in the environment, for profile '%s' in '%s' and '%s', of a "
		"container or an instance: run 'aws configure', or see AWS_PROFILE",
		p->name, p->config.path, p->credentials.path);
}

int credentials_find(const struct credentials_source *s, uint64_t deadline, struct credentials *ret,
	struct err *e)
{
	struct cred_ask a = {
		.source = s, .profile = s->profiles->name, .env = true, .deadline = deadline};
	int rc = 0;

	*ret = (struct credentials){0};
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(chain); i++) {
		if (s->chosen && chain[i].load == cred_environment)
			continue;
		rc = load(i, &a, ret, e);
	}
	if (rc == 0)
		return none(s, e);
	return rc < 0 ? rc : 0;
}

int credentials_get(struct credentials_cache *c, int64_t now, uint64_t deadline,
	const struct credentials **ret, struct err *e)
{
	const struct credentials *old = &c->current;
	struct credentials new;
	int rc;

	if (!*old->id || (old->expires && old->expires - now <= CREDENTIALS_AHEAD)) {
		rc = credentials_find(c->source, deadline, &new, e);
		if (rc == 0 && new.expires &&new.expires <= now) {
			rc = err_set(e, ERR_CONFIG, EACCES,
				"credentials by %s have expired: renew them", new.provider);
			credentials_free(&new);
		}
		if (rc < 0)
			return rc;
		credentials_free(&c->current);
		c->current = new;
	}
	*ret = &c->current;
	return 0;
}
