/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/interrupt.h"

#include "agent/endpoint.h"
#include "agent/imds.h"
#include "common/clock.h"
#include "common/date.h"
#include "common/http.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

/* For all that is asked at one time. */
#define BUDGET      (5 * NSEC_PER_SEC)
#define ANSWER_MAX  (256 * KIB)
#define HEADERS_MAX 3

/* The first list of Azure's events may take two minutes: it turns the service on. */
#define FIRST_EVENTS (150 * NSEC_PER_SEC)

_Static_assert(sizeof(struct interrupt_report) <= PIPE_BUF, "a report is written at once");

/* One failure is no trouble yet. */
#define TROUBLE 3

/* What is known of one source. */
struct watched {
	uint64_t due;       /* clock.h */
	struct notice said; /* kind NONE: nothing */
	unsigned gone;      /* answers since that say nothing */
	unsigned failures;  /* in a row */
};

struct interrupt {
	pthread_t thread;
	int in, out; /* of the pipe */
	struct interrupt_setup setup;
	struct settings settings; /* what notice_decide() looks at, nothing it points to */
	struct endpoint service;
	atomic_bool stop;
	pthread_mutex_t lock; /* of stopped */
	pthread_cond_t stopping;
	bool stopped;
	/* The thread's own: */
	struct metadata_client client;
	struct imds_token token;
	struct notice_plan plan;
	struct watched watched[NOTICE_SOURCES];
	unsigned failures; /* in a row, before any source could be asked */
	bool in_trouble;   /* said */
	bool asked_events;
};

/* A full pipe is one that nobody reads; what does not get in is posted again after the next answer.
 */
static bool post(struct interrupt *i, const struct interrupt_report *r)
{
	return write(i->in, r, sizeof(*r)) == (ssize_t)sizeof(*r);
}

static void post_trouble(struct interrupt *i, const struct err *e)
{
	struct interrupt_report r = {.news = INTERRUPT_TROUBLE};

	if (i->in_trouble)
		return;
	snprintf(r.text, sizeof(r.text), "%.*s", (int)sizeof(r.text) - 1, e->msg);
	i->in_trouble = post(i, &r);
}

static void post_well(struct interrupt *i)
{
	const struct interrupt_report r = {.news = INTERRUPT_WELL};
	bool well = i->failures == 0;

	for (size_t k = 0; k < i->plan.len; k++)
		well = well && i->watched[i->plan.poll[k].source].failures == 0;
	if (well && i->in_trouble)
		i->in_trouble = !post(i, &r);
}

static bool is_same(const struct notice *a, const struct notice *b)
{
	return a->kind == b->kind && a->time == b->time && strcmp(a->event, b->event) == 0;
}

/* What a good answer of one source changes. */
static void take_notice(struct interrupt *i, const struct notice *n)
{
	struct watched *w = &i->watched[n->source];
	struct interrupt_report r = {.news = INTERRUPT_NOTICE, .notice = *n};

	if (notice_is_due(n, date_now())) {
		w->gone = 0;
		if (!is_same(&w->said, n) && post(i, &r))
			w->said = *n;
		return;
	}
	if (w->said.kind == NOTICE_NONE || ++w->gone < INTERRUPT_GONE)
		return;
	r = (struct interrupt_report){.news = INTERRUPT_OVER, .notice = w->said};
	if (post(i, &r))
		w->said = (struct notice){0};
}

struct answer {
	enum notice_source source;
	const struct notice_facts *facts;
	struct notice notice;
};

static int take_answer(const struct buf *body, void *ctx, struct err *e)
{
	struct answer *a = ctx;

	return notice_parse(a->source, a->facts, buf_str(body), body->len, &a->notice, e);
}

static uint64_t time_for(const struct interrupt *i, enum notice_source s)
{
	return s == NOTICE_AZURE_EVENTS && !i->asked_events ? FIRST_EVENTS : METADATA_REQUEST;
}

/* One source, one request. */
static bool ask(struct interrupt *i, enum notice_source s, struct err *e)
{
	const char *const guard[] = {
		[CLOUD_EC2] = i->token.header,
		[CLOUD_AZURE] = "Metadata: true",
		[CLOUD_GCP] = "Metadata-Flavor: Google",
	};
	const char *const headers[HEADERS_MAX] = {guard[i->setup.facts.cloud], NULL};
	struct answer answer = {.source = s, .facts = &i->setup.facts, .notice = {.source = s}};
	const struct metadata_want want = {
		.method = "GET",
		.path = notice_source_path(s),
		.headers = headers,
		.request_ns = time_for(i, s),
		.max_body = ANSWER_MAX,
		.take = take_answer,
		.ctx = &answer,
		.once = true,
	};
	enum metadata_state state;

	i->service.at.deadline = clock_deadline(want.request_ns + BUDGET);
	state = metadata_ask(&i->client, &want, e);
	if (state != METADATA_OK && state != METADATA_ABSENT)
		return false;
	i->asked_events = true;
	take_notice(i, &answer.notice);
	return true;
}

/* EC2: whether there is a token. */
static bool is_ready(struct interrupt *i, struct err *e)
{
	i->service.at.deadline = clock_deadline(BUDGET);
	return i->setup.facts.cloud != CLOUD_EC2 || imds_ready(&i->client, e) == METADATA_OK;
}

/* Where the service does not say what was paid for, it is on demand. */
static bool learn(struct interrupt *i, struct err *e)
{
	struct notice_facts *f = &i->setup.facts;
	struct metadata m = {0};
	enum metadata_state state;

	if (f->cloud == CLOUD_EC2) {
		state = imds_lifecycle(&i->client, m.lifecycle, e);
		if (state != METADATA_OK && state != METADATA_ABSENT)
			return false;
	} else if (i->service.fetch(&i->service.at, &m, e) != METADATA_OK) {
		return false;
	}
	if (!*f->lifecycle)
		snprintf(f->lifecycle, sizeof(f->lifecycle), "%s",
			*m.lifecycle ? m.lifecycle : "on-demand");
	if (!*f->name)
		snprintf(f->name, sizeof(f->name), "%s", *m.name ? m.name : "-");
	i->plan = notice_decide(f, &i->settings, &i->setup.pace);
	return true;
}

static uint64_t jittered(uint64_t pause)
{
	return clock_deadline(pause - pause / 4 + clock_jitter(pause / 2));
}

static void ask_one(struct interrupt *i, const struct notice_poll *p)
{
	struct watched *w = &i->watched[p->source];
	struct err e = ERR_INIT;

	if (ask(i, p->source, &e)) {
		w->failures = 0;
	} else if (!atomic_load(&i->stop) && ++w->failures >= TROUBLE) {
		post_trouble(i, &e);
	}
	w->due = jittered(notice_pause(p->every, w->failures));
}

/* All that is due now, or so soon that another wake-up is not worth it. */
static void ask_all(struct interrupt *i)
{
	for (size_t k = 0; k < i->plan.len && !atomic_load(&i->stop); k++) {
		const struct notice_poll *p = &i->plan.poll[k];

		if (i->watched[p->source].due <= clock_deadline(i->plan.poll[0].every / 2))
			ask_one(i, p);
	}
}

static uint64_t next_due(const struct interrupt *i)
{
	uint64_t due = CLOCK_FOREVER;

	for (size_t k = 0; k < i->plan.len; k++) {
		if (i->watched[i->plan.poll[k].source].due < due)
			due = i->watched[i->plan.poll[k].source].due;
	}
	return due;
}

/* Returns when to wake again. */
static uint64_t look(struct interrupt *i)
{
	struct err e = ERR_INIT;

	if (is_ready(i, &e) && (!i->plan.learn || learn(i, &e))) {
		i->failures = 0;
		ask_all(i);
		post_well(i);
		return next_due(i);
	}
	if (!atomic_load(&i->stop) && ++i->failures >= TROUBLE)
		post_trouble(i, &e);
	return jittered(notice_pause(i->setup.pace.fast, i->failures));
}

static bool wait_until(struct interrupt *i, uint64_t deadline)
{
	const struct timespec until = {
		.tv_sec = (time_t)(deadline / NSEC_PER_SEC),
		.tv_nsec = (long)(deadline % NSEC_PER_SEC),
	};
	int rc = 0;
	bool stopped;

	pthread_mutex_lock(&i->lock);
	while (!i->stopped && rc == 0)
		rc = deadline == CLOCK_FOREVER
			     ? pthread_cond_wait(&i->stopping, &i->lock)
			     : pthread_cond_timedwait(&i->stopping, &i->lock, &until);
	stopped = i->stopped;
	pthread_mutex_unlock(&i->lock);
	return !stopped;
}

static void *run(void *ctx)
{
	struct interrupt *i = ctx;

	while (wait_until(i, look(i)))
		;
	imds_token_wipe(&i->token);
	return NULL;
}

/* Signals are for the threads that wait for them. */
static int start_thread(struct interrupt *i)
{
	pthread_condattr_t attr;
	sigset_t all, old;
	int rc;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&i->lock, NULL);
	pthread_cond_init(&i->stopping, &attr);
	pthread_condattr_destroy(&attr);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&i->thread, NULL, run, i);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

static void close_pipe(struct interrupt *i)
{
	close(i->in);
	close(i->out);
}

static int start(struct interrupt *i, struct err *e)
{
	int fds[2], rc;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_errno(e, "cannot watch for interruption");
	i->out = fds[0];
	i->in = fds[1];
	rc = start_thread(i);
	if (rc == 0)
		return 0;
	close_pipe(i);
	errno = rc;
	return err_errno(e, "cannot start the thread that watches for interruption");
}

int interrupt_start(const struct interrupt_setup *s, struct interrupt **ret, struct err *e)
{
	struct notice_plan plan = notice_decide(&s->facts, s->settings, &s->pace);
	auto_free struct interrupt *i = NULL;
	int rc;

	*ret = NULL;
	if (plan.len == 0 && !plan.learn)
		return 0;
	i = calloc(1, sizeof(*i));
	if (!i)
		return err_oom(e);
	i->setup = *s;
	i->setup.settings = NULL;
	i->settings =
		(struct settings){.poll = s->settings->poll, .rebalance = s->settings->rebalance};
	i->plan = plan;
	rc = endpoint_choose(s->facts.cloud, &i->service, e);
	if (rc == 0)
		rc = http_setup(e);
	if (rc < 0)
		return rc;
	i->service.at.stop = &i->stop;
	imds_client(&i->client, &i->service.at, &i->token);
	if (s->facts.cloud != CLOUD_EC2)
		i->client.renew = NULL;
	rc = start(i, e);
	if (rc == 0)
		*ret = take_ptr(i);
	return rc;
}

int interrupt_fd(const struct interrupt *i)
{
	return i ? i->out : -1;
}

bool interrupt_next(struct interrupt *i, struct interrupt_report *ret)
{
	return read(i->out, ret, sizeof(*ret)) == (ssize_t)sizeof(*ret);
}

void interrupt_free(struct interrupt *i)
{
	if (!i)
		return;
	atomic_store(&i->stop, true);
	pthread_mutex_lock(&i->lock);
	i->stopped = true;
	pthread_cond_signal(&i->stopping);
	pthread_mutex_unlock(&i->lock);
	pthread_join(i->thread, NULL);
	pthread_cond_destroy(&i->stopping);
	pthread_mutex_destroy(&i->lock);
	close_pipe(i);
	free(i);
}
