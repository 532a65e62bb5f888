/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/instance.h"

#include "common/clock.h"
#include "common/num.h"
#include "common/secret.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define IPV4       "http://169.254.169.254"
#define IPV6       "http://[fd00:ec2::254]"
#define TOKEN_MAX  512
#define ANSWER_MAX 65536
#define URL_MAX    1024
#define CONNECT    NSEC_PER_SEC
#define TIME       (4 * NSEC_PER_SEC)
#define TRIES      3
#define PAUSE      (200 * NSEC_PER_MSEC)

static const char *setting(
	const char *const *env, const struct profiles *p, const char *variable, const char *key)
{
	const char *value = profile_getenv(env, variable);

	return value ? value : profiles_get(p, p->name, key);
}

static const char *base(const char *const *env, const struct profiles *p)
{
	const char *url = setting(
		env, p, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
	const char *mode = setting(env, p, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
		"ec2_metadata_service_endpoint_mode");

	if (url && *url)
		return url;
	return mode && strcasecmp(mode, "ipv6") == 0 ? IPV6 : IPV4;
}

/* 1: status 200; 0: another answer, or nobody there. */
static int ask(const struct http_request *r, struct http_response *ret, struct err *e)
{
	for (unsigned n = 1;; n++) {
		int rc = http_call(r, ret, e);
		bool nobody = rc == -EHOSTUNREACH || rc == -ENETUNREACH || rc == -ECONNREFUSED;

		if (rc == 0 && ret->status == 200)
			return 1;
		if (rc == 0 && ret->status < 500 && ret->status != 429)
			return 0;
		/* Outside EC2 the first request runs into its time. */
		if (nobody || rc == -ETIMEDOUT)
			return 0;
		if (n == TRIES || clock_left(r->deadline) == 0)
			return rc < 0 ? rc
				      : err_set(e, ERR_TRANSIENT, EAGAIN, "the answer is status %u",
						ret->status);
		http_response_free(ret);
		clock_sleep(clock_jitter(PAUSE << n), r->deadline);
	}
}

static int get_token(const char *url, uint64_t deadline, struct secret *ret, struct err *e)
{
	static const char *const headers[] = {"X-aws-ec2-metadata-token-ttl-seconds: 300", NULL};
	static const char name[] = "X-aws-ec2-metadata-token: ";
	auto_http_response struct http_response r = {0};
	auto_secret_buf struct buf text = BUF_INIT(TOKEN_MAX + sizeof(name));
	char full[URL_MAX];
	int rc;

	snprintf(full, sizeof(full), "%s/latest/api/token", url);
	rc = ask(
		&(struct http_request){
			.method = "PUT",
			.url = full,
			.headers = headers,
			.connect_ns = CONNECT,
			.deadline = deadline,
			.max_body = TOKEN_MAX,
		},
		&r, e);
	if (rc <= 0)
		return rc;
	if (r.body.len == 0 || strpbrk(buf_str(&r.body), "\r\n <"))
		return err_set(e, ERR_DATA, EPROTO, "the answer is no token");
	if (buf_reserve(&text, r.body.len + sizeof(name)) < 0 || buf_adds(&text, name) < 0 ||
		buf_adds(&text, buf_str(&r.body)) < 0)
		return err_oom(e);
	secret_take(ret, &text);
	return 1;
}

int instance_get(const char *const *env, const struct profiles *p, const char *path,
	uint64_t deadline, struct http_response *ret, struct err *e)
{
	const char *off = profile_getenv(env, "AWS_EC2_METADATA_DISABLED");
	uint64_t limit = clock_deadline(TIME);
	auto_secret struct secret token = {0};
	const char *url = base(env, p);
	char full[URL_MAX];
	int rc;

	if (off && strcasecmp(off, "true") == 0)
		return 0;
	if (strlen(url) + strlen(path) + 32 > sizeof(full))
		return err_set(e, ERR_CONFIG, EINVAL, "the address of the metadata is too long");
	limit = deadline < limit ? deadline : limit;
	rc = get_token(url, limit, &token, e);
	if (rc > 0) {
		const char *const headers[] = {secret_reveal(&token), NULL};

		snprintf(full, sizeof(full), "%s%s", url, path);
		rc = ask(
			&(struct http_request){
				.method = "GET",
				.url = full,
				.headers = headers,
				.connect_ns = CONNECT,
				.deadline = limit,
				.max_body = ANSWER_MAX,
			},
			ret, e);
	}
	if (rc < 0)
		return err_ctx(e, "instance metadata at '%.200s'", url);
	*e = (struct err)ERR_INIT;
	return rc;
}

int instance_region(const char *const *env, const struct profiles *p, uint64_t deadline,
	char ret[static ENDPOINT_REGION_MAX], struct err *e)
{
	auto_http_response struct http_response r = {0};
	int rc = instance_get(env, p, "/latest/meta-data/placement/region", deadline, &r, e);

	if (rc <= 0)
		return rc;
	if (r.body.len == 0 || r.body.len >= ENDPOINT_REGION_MAX ||
		strspn(buf_str(&r.body), "abcdefghijklmnopqrstuvwxyz0123456789-") != r.body.len)
		return err_set(e, ERR_DATA, EPROTO, "what the metadata says is no region");
	memcpy(ret, buf_str(&r.body), r.body.len + 1);
	return 1;
}
