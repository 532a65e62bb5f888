/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/interruption.h"

#include "agent/hooks.h"
#include "agent/interrupt.h"
#include "agent/leave.h"
#include "common/clock.h"
#include "common/date.h"
#include "common/log.h"
#include "common/num.h"

#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#define REASON_MAX 160

#define SAVING_MAX   (3600 * NSEC_PER_SEC) /* one run */
#define SAVING_AGAIN (60 * NSEC_PER_SEC)   /* after one that failed */

struct interruption {
	struct interruption_setup setup;
	struct notice_facts facts;
	char instance_id[IDENTITY_TEXT];
	struct interrupt *poller; /* NULL: nothing can come */
	struct leave leave;
	struct hooks *hooks; /* NULL: none run */
	struct saving {
		struct hooks *run; /* NULL: it does not */
		int64_t begun;     /* date of what runs */
		int64_t until;     /* what ended before this date is saved */
		bool done;         /* what runs has saved all */
		uint64_t again;    /* clock.h: not before */
	} saving;
	char reason[REASON_MAX];
	int loop, timer;
	bool turning; /* a deed may end a job at once, which calls here again */
};

static const char *describe(struct interruption *i)
{
	const struct leave *l = &i->leave;
	const struct notice *n = &l->notice;
	const char *kind = notice_kind_name(n->kind);
	const bool more = *n->event && strcmp(n->event, kind) != 0;
	char date[DATE_TEXT];

	snprintf(i->reason, sizeof(i->reason), "%s%s%s%s%s%s", kind, more ? " (" : "",
		more ? n->event : "", more ? ")" : "", l->time ? " at " : "",
		l->time ? date_text(l->time, date) : "");
	return i->reason;
}

static void publish(struct interruption *i)
{
	struct err e = ERR_INIT;

	if (leave_publish(i->setup.rootfd, i->setup.settings->path, &i->leave, &e) < 0)
		log_warning("%s", e.msg);
}

static void on_notice(struct interruption *i, const struct notice *n)
{
	const struct leave_now now = {.date = date_now(), .clock = clock_now()};

	if (!leave_notice(&i->leave, n, i->setup.settings->rebalance, now))
		return;
	log_warning("%s announces: %s; no more jobs are begun", notice_source_name(n->source),
		describe(i));
	i->setup.jobs.hold(i->setup.jobs.ctx, i->reason);
	publish(i);
	if (i->hooks)
		hooks_hurry(i->hooks, i->leave.hooks_by);
	if (i->saving.run && i->leave.state >= LEAVE_LEAVES)
		hooks_hurry(i->saving.run, i->leave.hooks_by);
}

static void on_over(struct interruption *i, const struct notice *n)
{
	struct err e = ERR_INIT;

	if (!leave_over(&i->leave, n->source))
		return;
	log_warning("%s took its notice back: jobs are begun again", notice_source_name(n->source));
	i->setup.jobs.hold(i->setup.jobs.ctx, NULL);
	if (leave_unpublish(i->setup.rootfd, i->setup.settings->path, &e) < 0)
		log_warning("%s", e.msg);
}

static void on_report(struct interruption *i, const struct interrupt_report *r)
{
	switch (r->news) {
	case INTERRUPT_NOTICE:
		on_notice(i, &r->notice);
		break;
	case INTERRUPT_OVER:
		on_over(i, &r->notice);
		break;
	case INTERRUPT_TROUBLE:
		log_warning("a notice of interruption might be missed: %s", r->text);
		break;
	case INTERRUPT_WELL:
		log_info("notices of interruption can be read again");
		break;
	}
}

static bool watch(const struct interruption *i, int fd, struct err *e)
{
	struct epoll_event ev = {.events = EPOLLIN};

	if (epoll_ctl(i->loop, EPOLL_CTL_ADD, fd, &ev) == 0)
		return true;
	err_errno(e, "cannot watch for interruption");
	return false;
}

/* NULL after an error, which has been said. */
static struct hooks *start_hooks(
	struct interruption *i, const struct leave *l, const char *only, uint64_t deadline)
{
	const struct leave_context c = {
		.leave = l,
		.spool = i->setup.spool,
		.instance_id = i->instance_id,
		.persist_to = i->setup.settings->persist_to,
	};
	struct hooks_request r = {.rootfd = i->setup.rootfd, .only = only, .deadline = deadline};
	struct hooks *h = NULL;
	struct err e = ERR_INIT;
	struct leave_env env;
	int rc = leave_environment(&c, &env, &e);

	r.env = env.var;
	if (rc == 0)
		rc = hooks_start(&r, &h, &e);
	if (rc == 0 && watch(i, hooks_fd(h), &e))
		return h;
	log_error("hooks: %s", e.msg);
	hooks_free(h);
	return NULL;
}

static void say_hook(const struct hooks_event *ev)
{
	switch (ev->what) {
	case HOOKS_SKIPPED:
		log_warning("hook '%s' is not run: %s", ev->name, ev->why);
		break;
	case HOOKS_BEGUN:
		log_info("hook '%s' runs", ev->name);
		break;
	case HOOKS_DONE:
		log_info("hook '%s' is done", ev->name);
		break;
	case HOOKS_FAILED:
		log_error("hook '%s' failed: %s", ev->name, ev->why);
		break;
	case HOOKS_KILLED:
		log_error("hook '%s' was killed at the deadline", ev->name);
		break;
	case HOOKS_NOT_STARTED:
		log_error("hook '%s' is not run: no time is left", ev->name);
		break;
	}
}

static void turn_hooks(struct interruption *i)
{
	struct hooks_event ev;

	if (!i->hooks)
		return;
	while (hooks_next(i->hooks, &ev))
		say_hook(&ev);
	if (!hooks_are_over(i->hooks))
		return;
	log_info("all hooks are over");
	hooks_free(i->hooks);
	i->hooks = NULL;
}

static void turn_saving(struct interruption *i)
{
	struct saving *s = &i->saving;
	struct hooks_event ev;

	if (!s->run)
		return;
	while (hooks_next(s->run, &ev)) {
		s->done = ev.what == HOOKS_DONE;
		if (!s->done && ev.what != HOOKS_BEGUN)
			say_hook(&ev);
	}
	if (!hooks_are_over(s->run))
		return;
	if (s->done)
		s->until = s->begun;
	else
		s->again = clock_deadline(SAVING_AGAIN);
	hooks_free(s->run);
	s->run = NULL;
}

bool interruption_is_saved(struct interruption *i, int64_t ended)
{
	struct saving *s = &i->saving;

	if (!i->setup.settings->persist_to || ended < s->until)
		return true;
	if (s->run || clock_left(s->again) > 0)
		return false;
	s->begun = date_now();
	s->done = false;
	s->run = start_hooks(i, NULL, INTERRUPTION_SAVES, clock_deadline(SAVING_MAX));
	if (!s->run)
		s->again = clock_deadline(SAVING_AGAIN);
	turn_saving(i);
	return ended < s->until;
}

static void do_deed(struct interruption *i, enum leave_deed deed)
{
	const struct interruption_jobs *jobs = &i->setup.jobs;

	switch (deed) {
	case LEAVE_TERM_JOBS:
		jobs->end(jobs->ctx, describe(i));
		break;
	case LEAVE_KILL_JOBS:
		log_warning("jobs that still run are killed: hooks need the time");
		jobs->kill(jobs->ctx);
		break;
	case LEAVE_RUN_HOOKS:
		if (i->setup.settings->hooks && !i->hooks)
			i->hooks = start_hooks(i, &i->leave, NULL, i->leave.hooks_by);
		break;
	case LEAVE_WAIT:
		break;
	}
}

/* When to look again though nothing happens. */
static void set_timer(const struct interruption *i)
{
	uint64_t wake = leave_wake(&i->leave);
	const struct itimerspec off = {0};
	const struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)(wake / NSEC_PER_SEC),
			.tv_nsec = (long)(wake % NSEC_PER_SEC)},
	};

	timerfd_settime(i->timer, TFD_TIMER_ABSTIME, wake == CLOCK_FOREVER ? &off : &when, NULL);
}

void interruption_turn(struct interruption *i)
{
	const struct interruption_jobs *jobs = &i->setup.jobs;
	struct interrupt_report r;
	enum leave_deed deed;
	uint64_t ticks;

	if (i->turning)
		return;
	i->turning = true;
	if (read(i->timer, &ticks, sizeof(ticks)) < 0)
		ticks = 0;
	while (i->poller && interrupt_next(i->poller, &r))
		on_report(i, &r);
	while ((deed = leave_next(&i->leave, jobs->running(jobs->ctx), clock_now())) != LEAVE_WAIT)
		do_deed(i, deed);
	turn_hooks(i);
	turn_saving(i);
	set_timer(i);
	i->turning = false;
}

int interruption_fd(const struct interruption *i)
{
	return i->loop;
}

bool interruption_is_near(const struct interruption *i)
{
	return i->leave.state >= LEAVE_LEAVES;
}

static int open_loop(struct interruption *i, struct err *e)
{
	i->loop = epoll_create1(EPOLL_CLOEXEC);
	i->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (i->loop < 0 || i->timer < 0)
		return err_errno(e, "cannot watch for interruption");
	return watch(i, i->timer, e) && (!i->poller || watch(i, interrupt_fd(i->poller), e))
		       ? 0
		       : -e->num;
}

static int start_poller(struct interruption *i, struct err *e)
{
	const struct interrupt_setup s = {
		.facts = i->facts,
		.settings = i->setup.settings,
		.pace = notice_pace(i->setup.settings),
	};

	return interrupt_start(&s, &i->poller, e);
}

int interruption_open(const struct interruption_setup *s, struct interruption **ret, struct err *e)
{
	struct interruption *i = calloc(1, sizeof(*i));
	struct identity id;
	int rc;

	if (!i)
		return err_oom(e);
	i->setup = *s;
	i->loop = i->timer = -1;
	rc = identity_local(s->rootfd, s->settings, NULL, &id, e);
	if (rc == 0) {
		i->facts = notice_facts(&id);
		snprintf(i->instance_id, sizeof(i->instance_id), "%s", id.instance_id.value);
		rc = start_poller(i, e);
	}
	if (rc == 0)
		rc = open_loop(i, e);
	if (rc < 0)
		interruption_close(i);
	else
		*ret = i;
	return rc;
}

void interruption_close(struct interruption *i)
{
	if (!i)
		return;
	hooks_free(i->hooks);
	hooks_free(i->saving.run);
	interrupt_free(i->poller);
	if (i->timer >= 0)
		close(i->timer);
	if (i->loop >= 0)
		close(i->loop);
	free(i);
}
