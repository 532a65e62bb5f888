/* SPDX-License-Identifier: Apache-2.0 */
/* IAM Identity Center: the token that 'aws sso login' left in ~/.aws/sso/cache buys the credentials
 * of a role. AWS SDKs and Tools Reference Guide, "IAM Identity Center credential provider"; AWS SSO
 * Portal API Reference, GetRoleCredentials. */
#include "common/clock.h"
#include "common/date.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/aws/cred_private.h"
#include "controller/aws/endpoint.h"
#include "controller/aws/transport.h"
#include "controller/aws/uri.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>

#define CONNECT (5 * NSEC_PER_SEC)
#define TIME    (30 * NSEC_PER_SEC)
#define URL_MAX 4096

struct sso {
	const char *session; /* NULL: the form without one */
	const char *start_url, *region, *role, *account;
};

static int bad(const struct cred_ask *a, const char *what, struct err *e)
{
	return err_set(e, ERR_CONFIG, EINVAL, "profile '%s': %s", a->profile, what);
}

/* A key that stands in the session's section, in the profile, or alike in both. */
static int shared(const struct cred_ask *a, const struct sso *s, const char *key, const char **ret,
	struct err *e)
{
	const struct profiles *p = a->source->profiles;
	const char *own = profiles_get(p, a->profile, key);
	const char *common = s->session ? profiles_get_session(p, s->session, key) : NULL;

	if (own && common && strcmp(own, common) != 0)
		return err_set(e, ERR_CONFIG, EINVAL,
			"profile '%s': %s is '%s' here, but '%s' in sso-session '%s'", a->profile,
			key, own, common, s->session);
	*ret = common ? common : own;
	if (*ret && **ret)
		return 0;
	return err_set(e, ERR_CONFIG, ENOENT, "profile '%s': %s is missing", a->profile, key);
}

/* 0: the profile is not one of these. */
static int configured(const struct cred_ask *a, struct sso *ret, struct err *e)
{
	const struct profiles *p = a->source->profiles;
	int rc;

	if (!profiles_get(p, a->profile, "sso_role_name") &&
		!profiles_get(p, a->profile, "sso_account_id"))
		return 0;
	ret->session = profiles_get(p, a->profile, "sso_session");
	if (ret->session && !profiles_have_session(p, ret->session))
		return err_set(e, ERR_CONFIG, ENOENT,
			"profile '%s': there is no [sso-session %s] in '%s'", a->profile,
			ret->session, p->config.path);
	rc = shared(a, ret, "sso_start_url", &ret->start_url, e);
	if (rc == 0)
		rc = shared(a, ret, "sso_region", &ret->region, e);
	if (rc == 0)
		rc = shared(a, ret, "sso_role_name", &ret->role, e);
	if (rc == 0)
		rc = shared(a, ret, "sso_account_id", &ret->account, e);
	return rc < 0 ? rc : 1;
}

/* The file is named by the SHA-1 of the session's name, or of the address. */
static int cache_path(
	const struct cred_ask *a, const struct sso *s, char out[static PATH_MAX], struct err *e)
{
	const char *key = s->session ? s->session : s->start_url;
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char name[2 * EVP_MAX_MD_SIZE + 32] = "~/.aws/sso/cache/";
	size_t at = strlen(name);

	if (!EVP_Digest(key, strlen(key), sum, &len, EVP_sha1(), NULL))
		return err_set(e, ERR_SYSTEM, ENOTSUP, "libcrypto has no SHA-1");
	for (unsigned i = 0; i < len; i++)
		at += (size_t)snprintf(name + at, sizeof(name) - at, "%02x", sum[i]);
	snprintf(name + at, sizeof(name) - at, ".json");
	return profile_path(a->source->env, name, out, e);
}

static int login(const struct cred_ask *a, const char *cause, struct err *e)
{
	return err_set(
		e, ERR_CONFIG, EACCES, "%s: run 'aws sso login --profile %s'", cause, a->profile);
}

static int take_token(const struct cred_ask *a, json_t *j, struct secret *ret, struct err *e)
{
	static const char name[] = "x-amz-sso_bearer_token: ";
	auto_secret_buf struct buf text = BUF_INIT(SECRET_MAX + sizeof(name));
	const char *token, *expires;
	int64_t until = 0;

	if (json_get_string(j, "accessToken", &token, e) < 0 ||
		json_get_string(j, "expiresAt", &expires, e) < 0 ||
		cred_time(expires, &until, e) < 0 || strpbrk(token, "\r\n"))
		return login(a, "the token of the login cannot be read", e);
	if (until <= date_now())
		return login(a, "the login has expired", e);
	if (buf_reserve(&text, strlen(token) + sizeof(name)) < 0 || buf_adds(&text, name) < 0 ||
		buf_adds(&text, token) < 0)
		return err_oom(e);
	secret_take(ret, &text);
	explicit_bzero((char *)token, strlen(token));
	return 0;
}

static int read_token(
	const struct cred_ask *a, const struct sso *s, struct secret *ret, struct err *e)
{
	auto_secret_buf struct buf text = BUF_INIT(CRED_ANSWER_MAX);
	auto_json json_t *j = NULL;
	char path[PATH_MAX];
	int rc = cache_path(a, s, path, e);

	if (rc < 0)
		return rc;
	if (buf_reserve(&text, CRED_ANSWER_MAX) < 0)
		return err_oom(e);
	if (!fs_exists(AT_FDCWD, path))
		return login(a, "there is no login", e);
	rc = fs_read(AT_FDCWD, path, &text, e);
	if (rc == 0)
		rc = cred_parse(&text, path, &j, e);
	return rc == 0 ? take_token(a, j, ret, e) : rc;
}

static int make_url(const struct cred_ask *a, const struct sso *s, struct buf *out, struct err *e)
{
	struct endpoint at;
	int rc = endpoint_resolve(
		a->source->env, a->source->profiles, ENDPOINT_SSO, s->region, &at, e);

	if (rc < 0)
		return rc;
	rc = buf_addf(out, "%s/federation/credentials?role_name=", at.url);
	if (rc == 0)
		rc = uri_encode(out, s->role, strlen(s->role), "");
	if (rc == 0)
		rc = buf_adds(out, "&account_id=");
	if (rc == 0)
		rc = uri_encode(out, s->account, strlen(s->account), "");
	return rc < 0 ? bad(a, "sso_role_name or sso_account_id is too long", e) : 0;
}

static int fetch(const struct cred_ask *a, const char *url, const struct secret *token,
	struct credentials *ret, struct err *e)
{
	static const struct cred_members members = {
		.id = "accessKeyId",
		.secret = "secretAccessKey",
		.token = "sessionToken",
		.expires = "expiration",
		.milliseconds = true,
	};
	const char *const headers[] = {secret_reveal(token), NULL};
	auto_http_response struct http_response r = {0};
	auto_json json_t *j = NULL;
	uint64_t limit = clock_deadline(TIME);
	struct http_request request = {
		.method = "GET",
		.url = url,
		.headers = headers,
		.connect_ns = CONNECT,
		.deadline = a->deadline < limit ? a->deadline : limit,
		.max_body = CRED_ANSWER_MAX,
	};
	int rc;

	transport_set(a->source->env, a->source->profiles, &request);
	rc = cred_fetch(&request, &r, e);
	if (rc < 0 && r.status == 401)
		return login(a, "the login is not taken any more", e);
	if (rc == 0)
		rc = cred_parse(&r.body, "the answer", &j, e);
	if (rc == 0)
		rc = cred_from_json(json_object_get(j, "roleCredentials"), &members, ret, e);
	return rc < 0 ? err_ctx(e, "'%.*s'", (int)strcspn(url, "?"), url) : 0;
}

int cred_sso(const struct cred_ask *a, struct credentials *ret, struct err *e)
{
	auto_buf struct buf url = BUF_INIT(URL_MAX);
	auto_secret struct secret token = {0};
	struct sso s = {0};
	int rc = configured(a, &s, e);

	if (rc <= 0)
		return rc;
	rc = read_token(a, &s, &token, e);
	if (rc == 0)
		rc = make_url(a, &s, &url, e);
	if (rc == 0)
		rc = fetch(a, buf_str(&url), &token, ret, e);
	return rc < 0 ? rc : 1;
}
