/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/date.h"
#include "common/num.h"
#include "controller/aws/call_private.h"
#include "controller/aws/uri.h"

#include <errno.h>
#include <string.h>

/* At most, before the second try; doubled each time. */
#define PAUSE           (100 * NSEC_PER_MSEC)
#define PAUSE_THROTTLED (500 * NSEC_PER_MSEC)
#define PAUSE_MAX       (20 * NSEC_PER_SEC)

/* Less is no reason to refuse a signature, which may be 5 minutes old. */
#define SKEW_MIN 240

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

/* Where the last try may have been done. */
static bool may_repeat(const struct attempt *a)
{
	return !a->c->once || a->client->dry_run;
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

/* "InvalidGroup.NotFound", "InvalidInstanceID.NotFound" */
static bool is_not_found(const struct fault *f)
{
	static const char end[] = ".NotFound";
	size_t len = strlen(f->code);

	return len >= strlen(end) && strcmp(f->code + len - strlen(end), end) == 0;
}

static bool may_help(struct attempt *a, const struct http_response *r, const struct fault *f)
{
	switch (f->remedy) {
	case FAULT_RETRY:
		return may_repeat(a) && pause_before_next(a, PAUSE);
	case FAULT_THROTTLED:
		return pause_before_next(a, PAUSE_THROTTLED);
	case FAULT_CLOCK:
		return set_clock(a, r->header[HEADER_DATE]);
	case FAULT_EXPIRED:
		return renew(a);
	case FAULT_FINAL:
		break;
	}
	/* A dry run may name what nobody has. */
	return a->c->names_new && !a->client->dry_run && is_not_found(f) &&
	       pause_before_next(a, PAUSE_THROTTLED);
}

/* 1: once more. */
static int judge(struct attempt *a, int rc, struct http_response *r, struct fault *f, struct err *e)
{
	bool again;

	*f = (struct fault){0};
	if (rc < 0) {
		a->client->unsure = true;
		f->kind = e->kind;
		again = e->kind == ERR_TRANSIENT && rc != -ECANCELED && may_repeat(a) &&
			pause_before_next(a, PAUSE);
		return again ? 1
			     : err_ctx(e, "%s %s at '%s'", endpoint_service_name(a->c->service),
				       a->c->action, a->at.url);
	}
	if (r->status >= 200 && r->status <= 299)
		return 0;
	fault_read(r->status, r->header[HEADER_ERROR_TYPE], buf_str(&r->body), r->body.len, f);
	a->client->unsure |= f->remedy == FAULT_RETRY;
	again = may_help(a, r, f);
	return again ? 1 : refused(a, r->status, f, e);
}

static int start(struct attempt *a, struct err *e)
{
	const struct call_client *client = a->client;
	int rc;

	/* Only EC2 can be asked without doing it, and its caller has said so in the form. */
	if (client->dry_run && a->c->changes && a->c->service != ENDPOINT_EC2)
		return err_set(e, ERR_BUG, ECANCELED,
			"%s %s would change something, which is not to happen",
			endpoint_service_name(a->c->service), a->c->action);
	rc = endpoint_resolve(
		client->env, client->profiles, a->c->service, client->region, &a->at, e);
	return rc == 0 ? call_address(a, e) : rc;
}

int call(struct call_client *client, const struct call *c, struct http_response *ret,
	struct fault *ret_fault, struct err *e)
{
	struct attempt a = {.client = client, .c = c};
	int rc = start(&a, e);

	*ret = (struct http_response){0};
	*ret_fault = client->fault = (struct fault){0};
	client->unsure = false;
	if (rc < 0)
		return rc;
	for (;;) {
		a.tries++;
		rc = call_send(&a, ret, e);
		rc = judge(&a, rc, ret, ret_fault, e);
		if (rc <= 0)
			break;
		http_response_free(ret);
	}
	client->fault = *ret_fault;
	if (rc == 0) {
		*e = (struct err)ERR_INIT;
		client->budget += client->budget < CALL_BUDGET && a.tries == 1;
	}
	return rc;
}

int call_bad_answer(const struct call *c, struct err *e, const char *what)
{
	return err_set(e, ERR_DATA, EPROTO, "%s %s: the answer has %s",
		endpoint_service_name(c->service), c->action, what);
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
