/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/watch.h"

#include "agent/notify.h"
#include "agent/watch_private.h"
#include "agent/watch_setup.h"
#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#define EVENTS       64
#define INOTIFY_TEXT 65536

/* The file of metrics is written this often at most. */
#define METRICS_STEP NSEC_PER_SEC

static int enqueue_one(const char *name, void *ctx)
{
	struct watch *w = ctx;

	queue_add(&w->queue, name);
	return 0;
}

/* The directories are the truth. */
static void rescan(struct watch *w)
{
	struct err e = ERR_INIT;

	w->rescan = false;
	w->blocked = false;
	w->is_stopped = spool_is_stopped(&w->spool);
	watch_forget_window(w);
	queue_reset(&w->queue);
	watch_recover(w);
	if (spool_each(w->spool.new, enqueue_one, w, &e) < 0)
		log_warning("%s", e.msg);
	watch_scan_cancel(w);
	w->changed = true;
}

static int enqueue_further(const char *name, void *ctx)
{
	struct watch *w = ctx;

	if (strcmp(name, w->reached) > 0)
		queue_add(&w->queue, name);
	return 0;
}

static void read_further(struct watch *w)
{
	struct err e = ERR_INIT;

	w->further = false;
	queue_reset(&w->queue);
	if (spool_each(w->spool.new, enqueue_further, w, &e) < 0)
		log_warning("%s", e.msg);
}

static void on_event(struct watch *w, const struct inotify_event *ev)
{
	if (ev->mask & IN_Q_OVERFLOW)
		w->rescan = true;
	else if (ev->wd == w->wd_new && ev->len > 0)
		watch_enqueue(w, ev->name);
	else if (ev->wd == w->wd_cancel && ev->len > 0)
		watch_cancel(w, ev->name);
	else if (ev->wd == w->wd_root && ev->len > 0 && strcmp(ev->name, SPOOL_STOP) == 0)
		w->is_stopped = spool_is_stopped(&w->spool);
}

static void on_inotify(struct executor_event *ev, uint32_t events)
{
	static char text[INOTIFY_TEXT] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct watch *w = WATCH_OF(ev, on_inotify);
	ssize_t n = read(w->inotify, text, sizeof(text));

	(void)events;
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const void *)(text + at);

		on_event(w, e);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
}

/* Watchdog, rescan and housekeeping are one wake-up. */
static void on_timer(struct executor_event *ev, uint32_t events)
{
	struct watch *w = WATCH_OF(ev, on_timer);
	struct err e = ERR_INIT;
	uint64_t ticks;

	(void)events;
	if (read(w->timer, &ticks, sizeof(ticks)) < 0)
		return;
	notify_watchdog();
	w->ops->check(w->executor);
	rescan(w);
	watch_sweep_tmp(w);
	if ((w->settings.jobs.keep.age || retention_is_due(&w->retention)) &&
		retention_enforce(&w->retention, &e) < 0)
		log_warning("%s", e.msg);
	if (watch_is_idle(w))
		w->ops->idle(w->executor);
}

static void on_signal(struct executor_event *ev, uint32_t events)
{
	struct watch *w = WATCH_OF(ev, on_signal);
	struct signalfd_siginfo info;

	(void)events;
	if (read(w->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		w->rescan = true;
	else
		w->quit = true;
}

static void write_metrics(struct watch *w)
{
	struct err e = ERR_INIT;

	w->metrics.queued = w->queue.n + w->n_window + w->n_omitted;
	w->metrics.running = w->n_running;
	w->metrics.cpus = w->capacity.cpus;
	w->metrics.cpus_used = w->used.cpus;
	w->metrics.mem = w->capacity.mem;
	w->metrics.mem_used = w->used.mem;
	w->metrics.held = w->held || w->is_stopped;
	w->changed = false;
	w->written = clock_now();
	notify_status("%zu running, %zu queued%s%s", w->n_running, (size_t)w->metrics.queued,
		w->metrics.held ? ", none is started: " : "",
		w->held         ? w->held
		: w->is_stopped ? SPOOL_STOP
				: "");
	if (metrics_write(w->root, &w->metrics, &e) < 0)
		log_debug("%s", e.msg);
}

/* In ms for epoll_wait(2): until the metrics may be written, -1 when there is nothing to write. */
static int patience(struct watch *w)
{
	uint64_t age = clock_now() - w->written;

	if (!w->changed)
		return -1;
	if (age < METRICS_STEP)
		return (int)((METRICS_STEP - age) / NSEC_PER_MSEC) + 1;
	write_metrics(w);
	return -1;
}

static int turn(struct watch *w, struct err *e)
{
	struct epoll_event event[EVENTS];
	int n, ms;

	if (w->rescan)
		rescan(w);
	if (w->further)
		read_further(w);
	watch_fill(w);
	/* Used up what was read of a longer list: the next part at once. */
	if (w->rescan || w->further)
		return 0;
	if (w->options->once && watch_is_idle(w)) {
		w->quit = true;
		return 0;
	}
	ms = patience(w);
	n = epoll_wait(w->loop, event, EVENTS, w->unfinished ? 0 : ms);
	if (n < 0 && errno != EINTR)
		return err_errno(e, "watch: cannot wait");
	for (int i = 0; i < n; i++) {
		struct executor_event *ev = event[i].data.ptr;

		ev->ready(ev, event[i].events);
	}
	return 0;
}

static int run(struct watch *w, struct err *e)
{
	char mem[NUM_TEXT];
	int rc = 0;

	w->on_inotify.ready = on_inotify;
	w->on_timer.ready = on_timer;
	w->on_signal.ready = on_signal;
	rescan(w);
	log_info("watch: '%s', %llu CPUs and %s for jobs, each a %s", w->spool.path,
		(unsigned long long)w->capacity.cpus, num_size_text(w->capacity.mem, mem),
		w->ops->name);
	notify_ready("watching");
	while (rc == 0 && !w->quit)
		rc = turn(w, e);
	if (w->changed)
		write_metrics(w);
	log_info("watch: ends, %zu jobs run on", w->n_running);
	return rc;
}

int watch_run(const struct watch_options *o, struct err *e)
{
	struct watch *w = watch_new(o, e);
	int rc = w ? watch_open(w, e) : -e->num;

	if (rc == 0)
		rc = run(w, e);
	watch_free(w);
	return rc;
}

int watch_add(struct watch *w, int fd, uint32_t events, struct executor_event *ev, struct err *e)
{
	struct epoll_event event = {.events = events, .data.ptr = ev};

	if (epoll_ctl(w->loop, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_errno(e, "watch: cannot wait for a descriptor");
	return 0;
}
