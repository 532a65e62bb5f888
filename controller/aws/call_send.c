/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/date.h"
#include "common/num.h"
#include "controller/aws/call_private.h"
#include "controller/aws/sigv4.h"
#include "controller/aws/transport.h"

#include <errno.h>
#include <string.h>

#define CONNECT (5 * NSEC_PER_SEC)
#define TIME    (70 * NSEC_PER_SEC) /* of one try */

int call_address(struct attempt *a, struct err *e)
{
	const char *path = a->c->path ? a->c->path : "";
	const char *query = a->c->query ? a->c->query : "";
	int made = snprintf(
		a->url, sizeof(a->url), "%s%s%s%s", a->at.url, path, *query ? "?" : "", query);
	const char *host = strstr(a->url, "://");
	size_t len;

	if (!host || made < 0 || (size_t)made >= sizeof(a->url))
		return err_set(e, ERR_BUG, EINVAL, "'%.100s' is no address", a->url);
	host += strlen("://");
	len = strcspn(host, "/?");
	snprintf(a->host, sizeof(a->host), "Host: %.*s", (int)len, host);
	host += len;
	snprintf(a->path, sizeof(a->path), "%.*s", (int)strcspn(host, "?"), host);
	if (!*a->path)
		snprintf(a->path, sizeof(a->path), "/");
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

static const char *method_of(const struct call *c)
{
	return c->method ? c->method : "POST";
}

/* EBS, like S3, takes bodies that are not signed, and is told which this is. */
static unsigned flags_of(enum endpoint_service service)
{
	if (service == ENDPOINT_S3)
		return SIGV4_S3;
	return service == ENDPOINT_EBS ? SIGV4_CONTENT_SHA256 : 0;
}

static int sign(struct attempt *a, struct sigv4_signed *ret, struct err *e)
{
	struct sigv4_header headers[3 + CALL_HEADERS] = {{"Host", a->host + strlen("Host: ")}};
	const struct credentials *with;
	size_t n = 1;
	int rc = find_key(a, &with, e);

	if (rc < 0)
		return rc;
	if (a->c->type)
		headers[n++] = (struct sigv4_header){"Content-Type", a->c->type};
	if (a->c->target)
		headers[n++] = (struct sigv4_header){"X-Amz-Target", a->c->target};
	for (size_t i = 0; i < CALL_HEADERS && a->c->header[i].name; i++)
		headers[n++] = (struct sigv4_header){a->c->header[i].name, a->c->header[i].value};
	return sigv4_sign(
		&(struct sigv4_request){
			.method = method_of(a->c),
			.path = a->path,
			.query = a->c->query,
			.headers = headers,
			.n_headers = n,
			.body = a->c->body,
			.body_len = a->c->body_len,
		},
		&(struct sigv4_key){with->id, &with->secret, &with->token},
		&(struct sigv4_scope){
			.region = a->at.region,
			.service = a->at.service,
			.time = date_now() + a->client->skew,
			.flags = flags_of(a->c->service),
		},
		ret, e);
}

/* The headers of a request, ready to send. */
struct lines {
	char text[2 + CALL_HEADERS][HTTP_HEADER_MAX + 64];
	const char *line[8 + CALL_HEADERS];
	size_t n;
};

static int add_line(struct lines *l, size_t i, const char *name, const char *value, struct err *e)
{
	int len = snprintf(l->text[i], sizeof(l->text[i]), "%s: %s", name, value);

	if (len < 0 || (size_t)len >= sizeof(l->text[i]))
		return err_set(e, ERR_BUG, EINVAL, "the header %s of a request is too long", name);
	l->line[l->n++] = l->text[i];
	return 0;
}

static int make_lines(
	const struct attempt *a, const struct sigv4_signed *s, struct lines *l, struct err *e)
{
	int rc = 0;

	l->line[l->n++] = a->host;
	if (a->c->type)
		rc = add_line(l, 0, "Content-Type", a->c->type, e);
	if (rc == 0 && a->c->target)
		rc = add_line(l, 1, "X-Amz-Target", a->c->target, e);
	for (size_t i = 0; rc == 0 && i < CALL_HEADERS && a->c->header[i].name; i++)
		rc = add_line(l, 2 + i, a->c->header[i].name, a->c->header[i].value, e);
	if (rc < 0 || a->c->is_public)
		return rc;
	l->line[l->n++] = s->date;
	l->line[l->n++] = buf_str(&s->authorization);
	if (*s->content_sha256)
		l->line[l->n++] = s->content_sha256;
	if (secret_is_set(&s->token))
		l->line[l->n++] = secret_reveal(&s->token);
	return 0;
}

static void tell(const struct attempt *a, struct call_event event)
{
	event.call = a->c;
	event.url = a->url;
	event.tries = a->tries;
	if (a->client->observe)
		a->client->observe(a->client->observer, &event);
}

static int send(struct attempt *a, const struct lines *l, struct http_response *ret, struct err *e)
{
	const char *const wanted[] = {a->c->wanted[0] ? a->c->wanted[0] : "-",
		a->c->wanted[1] ? a->c->wanted[1] : "-", "Date", "x-amzn-ErrorType"};
	uint64_t limit = clock_deadline(TIME);
	struct http_request r = {
		.method = method_of(a->c),
		.url = a->url,
		.headers = l->line,
		.connect_ns = CONNECT,
		.deadline = a->c->deadline < limit ? a->c->deadline : limit,
		.max_body = CALL_ANSWER_MAX,
		.body = a->c->body,
		.body_len = a->c->body_len,
		.wanted = wanted,
	};
	int rc;

	transport_set(a->client->env, a->client->profiles, &r);
	tell(a, (struct call_event){.what = CALL_SENT, .headers = l->line});
	rc = http_call(&r, ret, e);
	tell(a, (struct call_event){.what = rc < 0 ? CALL_FAILED : CALL_ANSWERED,
			.headers = l->line,
			.answer = rc < 0 ? NULL : ret,
			.failure = rc < 0 ? e : NULL});
	return rc;
}

int call_send(struct attempt *a, struct http_response *ret, struct err *e)
{
	auto_sigv4_signed struct sigv4_signed s = {0};
	struct lines l = {.n = 0};
	int rc = a->c->is_public ? 0 : sign(a, &s, e);

	if (rc == 0)
		rc = make_lines(a, &s, &l, e);
	return rc == 0 ? send(a, &l, ret, e) : rc;
}
