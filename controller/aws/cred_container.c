/* SPDX-License-Identifier: Apache-2.0 */
/* The service beside a container (ECS, EKS, Greengrass): AWS SDKs and Tools Reference Guide,
 * "Container credential provider". */
#include "common/clock.h"
#include "common/num.h"
#include "controller/aws/cred_private.h"
#include "controller/aws/endpoint.h"

#include <errno.h>
#include <string.h>

#define RELATIVE   "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL       "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN      "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
#define ECS        "http://169.254.170.2"
#define URL_MAX    1024

#define CONNECT (2 * NSEC_PER_SEC)
#define TIME    (10 * NSEC_PER_SEC)

/* Those that may be asked without TLS, beside this machine. */
static bool is_known(const char *url)
{
	static const char *const hosts[] = {ECS, "http://169.254.170.23", "http://[fd00:ec2::23]"};

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		size_t len = strlen(hosts[i]);

		if (strncmp(url, hosts[i], len) == 0 && strchr(":/", url[len]))
			return true;
	}
	return false;
}

static int make_url(const struct cred_ask *a, char out[static URL_MAX], struct err *e)
{
	const char *relative = profile_getenv(a->source->env, RELATIVE);
	const char *full = profile_getenv(a->source->env, FULL);
	int len =
		relative ? snprintf(out, URL_MAX, ECS "%s%s", *relative == '/' ? "" : "/", relative)
			 : snprintf(out, URL_MAX, "%s", full);

	if (len < 0 || len >= URL_MAX)
		return err_set(e, ERR_CONFIG, EINVAL, "%s is too long", relative ? RELATIVE : FULL);
	if (!is_known(out) && !endpoint_is_safe(out))
		return err_set(e, ERR_CONFIG, EINVAL,
			FULL ": '%.200s' is neither https nor on this machine", out);
	return 0;
}

static int make_header(const struct cred_ask *a, struct secret *ret, struct err *e)
{
	static const char name[] = "Authorization: ";
	const char *path = profile_getenv(a->source->env, TOKEN_FILE);
	const char *value = profile_getenv(a->source->env, TOKEN);
	auto_secret struct secret token = {0};
	auto_secret_buf struct buf text = BUF_INIT(SECRET_MAX + sizeof(name));
	int rc = 0;

	if (path)
		rc = cred_read_token(a->source->env, path, &token, e);
	else if (value && strpbrk(value, "\r\n"))
		rc = err_set(e, ERR_CONFIG, EINVAL, TOKEN " has a line break");
	else if (value)
		rc = secret_set(&token, value, strlen(value), e);
	if (rc < 0 || !secret_is_set(&token))
		return rc;
	if (buf_reserve(&text, token.len + sizeof(name)) < 0 || buf_adds(&text, name) < 0 ||
		buf_add(&text, secret_reveal(&token), token.len) < 0)
		return err_oom(e);
	secret_take(ret, &text);
	return 0;
}

static int fetch(const struct cred_ask *a, const char *url, struct credentials *ret, struct err *e)
{
	static const struct cred_members members = {
		.id = "AccessKeyId",
		.secret = "SecretAccessKey",
		.token = "Token",
		.expires = "Expiration",
	};
	uint64_t limit = clock_deadline(TIME);
	auto_http_response struct http_response r = {0};
	auto_secret struct secret header = {0};
	auto_json json_t *j = NULL;
	int rc = make_header(a, &header, e);

	if (rc < 0)
		return rc;
	const char *const headers[] = {"Accept: application/json",
		secret_is_set(&header) ? secret_reveal(&header) : NULL, NULL};
	rc = cred_fetch(
		&(struct http_request){
			.method = "GET",
			.url = url,
			.headers = headers,
			.connect_ns = CONNECT,
			.deadline = a->deadline < limit ? a->deadline : limit,
			.max_body = CRED_ANSWER_MAX,
		},
		&r, e);
	if (rc == 0)
		rc = cred_parse(&r.body, "the answer", &j, e);
	if (rc == 0)
		rc = cred_from_json(j, &members, ret, e);
	return rc < 0 ? err_ctx(e, "'%.200s'", url) : 1;
}

int cred_container(const struct cred_ask *a, struct credentials *ret, struct err *e)
{
	char url[URL_MAX];
	int rc;

	if (!a->env || (!profile_getenv(a->source->env, RELATIVE) &&
			       !profile_getenv(a->source->env, FULL)))
		return 0;
	rc = make_url(a, url, e);
	return rc == 0 ? fetch(a, url, ret, e) : rc;
}
