/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/metadata.h"

#include "common/clock.h"
#include "common/http.h"

#include <errno.h>
#include <string.h>

#define URL_MAX 1024
#define HURRY   (100 * NSEC_PER_MSEC)

/* What an answer, or none, asks for. */
enum verdict {
	VERDICT_TAKE,    /* look at the body */
	VERDICT_AGAIN,   /* until the deadline */
	VERDICT_WINDOW,  /* until the propagation window closes */
	VERDICT_SUSPECT, /* a few times */
	VERDICT_RENEW,   /* once, with a new token */
	VERDICT_FINAL,
};

struct rule {
	int first; /* statuses first … last, or one -errno of http_call() */
	int last;
	enum verdict verdict;
	enum metadata_state state; /* where it ends if nothing better comes */
};

/* The first that matches; metadata.h says why. */
static const struct rule rules[] = {
	{200, 200, VERDICT_TAKE, METADATA_OK},
	{401, 401, VERDICT_RENEW, METADATA_DISABLED},
	{403, 403, VERDICT_FINAL, METADATA_DISABLED},
	{404, 404, VERDICT_WINDOW, METADATA_ABSENT},
	{408, 408, VERDICT_AGAIN, METADATA_TIMEOUT},
	{410, 410, VERDICT_AGAIN, METADATA_TIMEOUT},
	{425, 425, VERDICT_AGAIN, METADATA_TIMEOUT},
	{429, 429, VERDICT_AGAIN, METADATA_TIMEOUT},
	{500, 599, VERDICT_AGAIN, METADATA_TIMEOUT},
	{-ECONNREFUSED, -ECONNREFUSED, VERDICT_AGAIN, METADATA_UNREACHABLE},
	{-ENETUNREACH, -ENETUNREACH, VERDICT_AGAIN, METADATA_UNREACHABLE},
	{-EHOSTUNREACH, -EHOSTUNREACH, VERDICT_AGAIN, METADATA_UNREACHABLE},
	{-ETIMEDOUT, -ETIMEDOUT, VERDICT_AGAIN, METADATA_TIMEOUT},
	{-EPIPE, -EPIPE, VERDICT_AGAIN, METADATA_TIMEOUT},
	{-ECANCELED, -ECANCELED, VERDICT_FINAL, METADATA_TIMEOUT},
	{-EFBIG, -EFBIG, VERDICT_SUSPECT, METADATA_INVALID},
	{-EPROTO, -EPROTO, VERDICT_SUSPECT, METADATA_INVALID},
};

static const struct rule otherwise = {0, 0, VERDICT_FINAL, METADATA_INVALID};
static const struct rule unfit = {0, 0, VERDICT_SUSPECT, METADATA_INVALID};

/* The course of one metadata_ask(). */
struct asking {
	uint64_t deadline;
	uint64_t pause;
	bool renewed;              /* 401 was the last answer, and there is a new token */
	enum metadata_state state; /* the most telling so far */
	struct err why;            /* and its error */
};

static const struct rule *rule_find(int answer)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (answer >= rules[i].first && answer <= rules[i].last)
			return &rules[i];
	}
	return &otherwise;
}

static unsigned telling(enum metadata_state s)
{
	switch (s) {
	case METADATA_NONE:
	case METADATA_PENDING:
		return 0;
	case METADATA_UNREACHABLE:
		return 1;
	case METADATA_TIMEOUT:
		return 2;
	default:
		return 3;
	}
}

static void note(struct asking *a, enum metadata_state s, const struct err *e)
{
	if (telling(s) < telling(a->state))
		return;
	a->state = s;
	a->why = *e;
}

/* One request; returns the status, or -errno. */
static int request(struct metadata_client *c, const struct metadata_want *w, uint64_t deadline,
	struct http_response *answer, struct err *e)
{
	auto_buf struct buf url = BUF_INIT(URL_MAX);
	struct http_request r = {
		.method = w->method,
		.headers = w->headers,
		.connect_ns = c->connect_ns,
		.deadline = clock_deadline(w->request_ns),
		.stop = c->at->stop,
		.max_body = w->max_body,
	};
	int rc;

	if (r.deadline > deadline)
		r.deadline = deadline;
	rc = buf_addf(&url, "%s%s", c->at->base[c->base], w->path);
	if (rc < 0)
		return err_set(e, ERR_CONFIG, EINVAL, "the address of the service is too long");
	r.url = buf_str(&url);
	rc = http_call(&r, answer, e);
	if (rc < 0)
		return rc;
	c->reached = true;
	return (int)answer->status;
}

/* One request and what is to be done about it. */
static const struct rule *try_once(
	struct metadata_client *c, const struct metadata_want *w, uint64_t deadline, struct err *e)
{
	auto_http_response struct http_response answer = {0};
	int rc = request(c, w, deadline, &answer, e);
	const struct rule *rule = rule_find(rc);

	if (rc == -EPIPE || rc == -EFBIG || rc == -EPROTO)
		c->reached = true;
	if (rc == -ETIMEDOUT && c->connect_ns < METADATA_CONNECT_MAX)
		c->connect_ns *= 2;
	if (rule->verdict == VERDICT_TAKE && w->take(&answer.body, w->ctx, e) < 0)
		rule = &unfit;
	else if (rc > 0 && rule->verdict != VERDICT_TAKE)
		err_set(e, rule->verdict == VERDICT_FINAL ? ERR_REMOTE : ERR_TRANSIENT, EIO,
			"the service answers with status %d", rc);
	if (rule->verdict != VERDICT_TAKE)
		err_ctx(e, "%s%s", c->at->base[c->base], w->path);
	return rule;
}

/* true: ask again. */
static bool judge(struct metadata_client *c, const struct metadata_want *w, struct asking *a,
	const struct rule *rule, struct err *e)
{
	bool renewed = a->renewed;
	enum metadata_state s;

	a->renewed = false;
	note(a, rule->state, e);
	switch (rule->verdict) {
	case VERDICT_AGAIN:
		return true;
	case VERDICT_SUSPECT:
		return ++c->suspects < METADATA_SUSPECTS;
	case VERDICT_WINDOW:
		if (!c->window && !w->once)
			c->window = clock_deadline(METADATA_WINDOW);
		return !w->optional && !w->once && clock_left(c->window) > 0;
	case VERDICT_RENEW:
		if (renewed || !c->renew)
			return false;
		s = c->renew(c, e);
		if (s != METADATA_OK) {
			a->state = s;
			a->why = *e;
			return false;
		}
		a->renewed = true;
		return true;
	default:
		return false;
	}
}

static bool stopped(const struct metadata_client *c)
{
	return c->at->stop && atomic_load(c->at->stop);
}

/* Turns to the next address where this one was never reached; pauses after a whole round. */
static void move_on(struct metadata_client *c, struct asking *a)
{
	if (!c->reached) {
		c->base = c->at->base[c->base + 1] ? c->base + 1 : 0;
		if (c->base != 0)
			return;
	}
	clock_sleep(clock_jitter(a->pause), a->deadline);
	a->pause = a->pause < METADATA_PAUSE_MAX / 2 ? a->pause * 2 : METADATA_PAUSE_MAX;
}

enum metadata_state metadata_ask(
	struct metadata_client *c, const struct metadata_want *want, struct err *e)
{
	struct asking a = {.pause = METADATA_PAUSE, .state = METADATA_PENDING};
	uint64_t outer = c->deadline;
	const struct rule *rule = NULL;

	err_set(&a.why, ERR_TRANSIENT, ETIMEDOUT, "%s: no time left to ask", want->path);
	a.deadline = outer ? outer : c->at->deadline;
	if (want->optional && clock_deadline(METADATA_OPTIONAL) < a.deadline)
		a.deadline = clock_deadline(METADATA_OPTIONAL);
	if (!c->connect_ns)
		c->connect_ns = METADATA_CONNECT;
	c->deadline = a.deadline;
	while (clock_left(a.deadline) > 0 && !stopped(c)) {
		/* A last request with no time for an answer tells nothing new. */
		bool hurried = a.state != METADATA_PENDING && clock_left(a.deadline) < HURRY;

		rule = try_once(c, want, a.deadline, e);
		if (rule->verdict == VERDICT_TAKE || (hurried && clock_left(a.deadline) == 0))
			break;
		if (!judge(c, want, &a, rule, e) || (want->once && !a.renewed))
			break;
		if (!a.renewed)
			move_on(c, &a);
	}
	c->deadline = outer;
	if (rule && rule->verdict == VERDICT_TAKE)
		return METADATA_OK;
	*e = a.why;
	return a.state == METADATA_PENDING ? METADATA_TIMEOUT : a.state;
}

bool metadata_value(const char *value, char *out, size_t size)
{
	size_t len = value ? strlen(value) : 0;
	size_t good = value ? strspn(value, "abcdefghijklmnopqrstuvwxyz"
					    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/-")
			    : 0;

	out[0] = '\0';
	if (len == 0 || len >= size || good != len)
		return false;
	memcpy(out, value, len + 1);
	return true;
}

bool metadata_member(const json_t *obj, const char *key, char out[static IDENTITY_TEXT])
{
	return metadata_value(json_string_value(json_object_get(obj, key)), out, IDENTITY_TEXT);
}
