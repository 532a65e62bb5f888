/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/call.h"

#include "common/clock.h"
#include "common/date.h"
#include "common/num.h"
#include "controller/aws/sigv4.h"
#include "controller/aws/transport.h"
#include "controller/aws/uri.h"

#include <errno.h>
#include <string.h>

/* At most, before the second try; doubled each time. */
#define PAUSE           (100 * NSEC_PER_MSEC)
#define PAUSE_THROTTLED (500 * NSEC_PER_MSEC)
#define PAUSE_MAX       (20 * NSEC_PER_SEC)
#define CONNECT         (5 * NSEC_PER_SEC)
#define TIME            (70 * NSEC_PER_SEC) /* of one try */

/* Less is no reason to refuse a signature, which may be 5 minutes old. */
#define SKEW_MIN 240

/* One call on its way. */
struct attempt {
	struct call_client *client;
	const struct call *c;
	struct endpoint at;
	char url[2 * ENDPOINT_URL_MAX];
	char host[ENDPOINT_URL_MAX + 8]; /* "Host: …" */
	const char *path;                /* in url */
	unsigned tries;
	bool clock_set, renewed; /* once each */
};

static int make_url(struct attempt *a, struct err *e)
{
	int made =
		snprintf(a->url, sizeof(a->url), "%s%s", a->at.url, a->c->path ? a->c->path : "");
	const char *host = strstr(a->url, "://");
	size_t len;

	if (!host || made < 0 || (size_t)made >= sizeof(a->url))
		return err_set(e, ERR_BUG, EINVAL, "'%.100s' is no address", a->url);
	host += strlen("://");
	len = strcspn(host, "/");
	a->path = host[len] ? host + len : "/";
	snprintf(a->host, sizeof(a->host), "Host: %.*s", (int)len, host);
	return 0;
}

static int find_key(struct attempt *a, const struct credentials **ret, struct err *e)
{
	*ret = a->c->with;
	if (*ret)
		return 0;
	return credentials_get(
		a->client->credentials, date_now() + a->client->skew, a->c->deadline, ret, e);
}

static int sign(struct attempt *a, struct sigv4_signed *ret, struct err *e)
{
	const struct sigv4_header headers[] = {
		{"Host", a->host + strlen("Host: ")},
		{"Content-Type", a->c->type},
		{"X-Amz-Target", a->c->target},
	};
	const struct credentials *with;
	int rc = find_key(a, &with, e);

	if (rc < 0)
		return rc;
	return sigv4_sign(
		&(struct sigv4_request){
			.method = "POST",
			.path = a->path,
			.headers = headers,
			.n_headers = ARRAY_LEN(headers) - !a->c->target,
			.body = a->c->body,
			.body_len = a->c->body_len,
		},
		&(struct sigv4_key){with->id, &with->secret, &with->token},
		&(struct sigv4_scope){
			.region = a->at.region,
			.service = a->at.service,
			.time = date_now() + a->client->skew,
		},
		ret, e);
}

/* In the order of wanted below. */
enum { HEADER_DATE, HEADER_ERROR_TYPE };

static int send(
	struct attempt *a, const struct sigv4_signed *s, struct http_response *ret, struct err *e)
{
	static const char *const wanted[] = {"Date", "x-amzn-ErrorType", NULL};
	char type[128], target[128];
	const char *headers[8] = {a->host, type};
	uint64_t limit = clock_deadline(TIME);
	struct http_request r = {
		.method = "POST",
		.url = a->url,
		.headers = headers,
		.connect_ns = CONNECT,
		.deadline = a->c->deadline < limit ? a->c->deadline : limit,
		.max_body = CALL_ANSWER_MAX,
		.body = a->c->body,
		.body_len = a->c->body_len,
		.wanted = wanted,
	};
	size_t n = 2;

	snprintf(type, sizeof(type), "Content-Type: %s", a->c->type);
	snprintf(target, sizeof(target), "X-Amz-Target: %s", a->c->target ? a->c->target : "");
	if (a->c->target)
		headers[n++] = target;
	if (!a->c->is_public) {
		headers[n++] = s->date;
		headers[n++] = buf_str(&s->authorization);
		if (secret_is_set(&s->token))
			headers[n++] = secret_reveal(&s->token);
	}
	transport_set(a->client->env, a->client->profiles, &r);
	return http_call(&r, ret, e);
}

static int try_once(struct attempt *a, struct http_response *ret, struct err *e)
{
	auto_sigv4_signed struct sigv4_signed s = {0};
	int rc = a->c->is_public ? 0 : sign(a, &s, e);

	return rc == 0 ? send(a, &s, ret, e) : rc;
}

static int refused(const struct attempt *a, unsigned status, const struct fault *f, struct err *e)
{
	const char *service = endpoint_service_name(a->c->service);

	if (!*f->code)
		return err_set(e, f->kind, EREMOTEIO, "%s %s: status %u without an error of AWS",
			service, a->c->action, status);
	return err_set(e, f->kind, EREMOTEIO, "%s %s: %s%s%s", service, a->c->action, f->code,
		*f->message ? ": " : "", f->message);
}

/* The answer's date is AWS's clock. */
static bool set_clock(struct attempt *a, const char *date)
{
	struct err e = ERR_INIT;
	int64_t theirs, now = date_now();

	if (a->clock_set || date_parse(date, &theirs, &e) < 0)
		return false;
	if (llabs(theirs - now - a->client->skew) < SKEW_MIN)
		return false;
	a->client->skew = theirs - now;
	a->clock_set = true;
	return true;
}

static bool renew(struct attempt *a)
{
	if (a->renewed || a->c->with)
		return false;
	credentials_free(&a->client->credentials->current);
	a->renewed = true;
	return true;
}

/* Waits for the next try; false: there is none. */
static bool pause_before_next(struct attempt *a, uint64_t first)
{
	uint64_t most = first << (a->tries - 1);

	if (a->tries >= CALL_TRIES || a->client->budget < CALL_RETRY_COST)
		return false;
	a->client->budget -= CALL_RETRY_COST;
	clock_sleep(clock_jitter(most < PAUSE_MAX ? most : PAUSE_MAX), a->c->deadline);
	return clock_left(a->c->deadline) > 0;
}

static bool may_help(struct attempt *a, const struct http_response *r, const struct fault *f)
{
	switch (f->remedy) {
	case FAULT_RETRY:
		return pause_before_next(a, PAUSE);
	case FAULT_THROTTLED:
		return pause_before_next(a, PAUSE_THROTTLED);
	case FAULT_CLOCK:
		return set_clock(a, r->header[HEADER_DATE]);
	case FAULT_EXPIRED:
		return renew(a);
	default:
		return false;
	}
}

/* 1: once more. */
static int judge(struct attempt *a, int rc, struct http_response *r, struct fault *f, struct err *e)
{
	bool again;

	*f = (struct fault){0};
	if (rc < 0) {
		f->kind = e->kind;
		again = e->kind == ERR_TRANSIENT && rc != -ECANCELED && pause_before_next(a, PAUSE);
		return again ? 1
			     : err_ctx(e, "%s %s at '%s'", endpoint_service_name(a->c->service),
				       a->c->action, a->at.url);
	}
	if (r->status >= 200 && r->status <= 299)
		return 0;
	fault_read(r->status, r->header[HEADER_ERROR_TYPE], buf_str(&r->body), r->body.len, f);
	again = may_help(a, r, f);
	return again ? 1 : refused(a, r->status, f, e);
}

int call(struct call_client *client, const struct call *c, struct http_response *ret,
	struct fault *ret_fault, struct err *e)
{
	struct attempt a = {.client = client, .c = c};
	int rc = endpoint_resolve(
		client->env, client->profiles, c->service, client->region, &a.at, e);

	*ret = (struct http_response){0};
	*ret_fault = (struct fault){0};
	if (rc == 0)
		rc = make_url(&a, e);
	if (rc < 0)
		return rc;
	for (;;) {
		a.tries++;
		rc = try_once(&a, ret, e);
		rc = judge(&a, rc, ret, ret_fault, e);
		if (rc <= 0)
			break;
		http_response_free(ret);
	}
	if (rc == 0) {
		*e = (struct err)ERR_INIT;
		client->budget += client->budget < CALL_BUDGET && a.tries == 1;
	}
	return rc;
}

/* A blank is '+' in a form. */
static int add_encoded(struct buf *form, const char *text)
{
	size_t from = form->len;
	int rc = uri_encode(form, text, strlen(text), " ");

	for (size_t i = from; rc == 0 && i < form->len; i++) {
		if (form->data[i] == ' ')
			form->data[i] = '+';
	}
	return rc;
}

int call_form_add(struct buf *form, const char *key, const char *value)
{
	int rc = form->len > 0 ? buf_adds(form, "&") : 0;

	if (rc == 0)
		rc = add_encoded(form, key);
	if (rc == 0)
		rc = buf_adds(form, "=");
	return rc == 0 ? add_encoded(form, value) : rc;
}
