/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/job.h"
#include "agent/watch_private.h"
#include "common/log.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

static void entry_free(struct watch_entry *x)
{
	for (size_t i = 0; i < x->n_after; i++)
		free(x->after[i]);
	free(x->after);
	*x = (struct watch_entry){.n_after = 0};
}

static void insert(
	struct watch *w, size_t at, const struct watch_entry *x, const struct schedule_demand *d)
{
	memmove(&w->window[at + 1], &w->window[at], (w->n_window - at) * sizeof(w->window[0]));
	memmove(&w->demand[at + 1], &w->demand[at], (w->n_window - at) * sizeof(w->demand[0]));
	w->window[at] = *x;
	w->demand[at] = *d;
	w->n_window++;
}

static struct watch_entry take(struct watch *w, size_t at)
{
	struct watch_entry x = w->window[at];

	w->n_window--;
	memmove(&w->window[at], &w->window[at + 1], (w->n_window - at) * sizeof(w->window[0]));
	memmove(&w->demand[at], &w->demand[at + 1], (w->n_window - at) * sizeof(w->demand[0]));
	return x;
}

void watch_forget_window(struct watch *w)
{
	while (w->n_window > 0)
		entry_free(&w->window[--w->n_window]);
	idset_reset(&w->awaited);
	w->n_omitted = 0;
	w->again = false;
	w->further = false;
	*w->reached = '\0';
}

bool watch_is_idle(const struct watch *w)
{
	return w->n_running == 0 && w->n_window == 0 && w->n_omitted == 0 && w->queue.n == 0 &&
	       !w->queue.more;
}

/* What has been looked at and comes after this name goes back, so that the order holds. */
static void put_back(struct watch *w, const char *name)
{
	for (size_t i = w->n_window; i > 0; i--) {
		struct watch_entry x;

		if (w->window[i - 1].claimed || w->demand[i - 1].waits)
			continue;
		if (strcmp(name, w->window[i - 1].name) > 0)
			return;
		x = take(w, i - 1);
		queue_add(&w->queue, x.name);
		entry_free(&x);
	}
}

void watch_enqueue(struct watch *w, const char *name)
{
	put_back(w, name);
	queue_add(&w->queue, name);
	w->changed = true;
}

static int keep_after(struct watch_entry *x, const char *id)
{
	char **more = reallocarray(x->after, x->n_after + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	x->after = more;
	more[x->n_after] = strdup(id);
	return more[x->n_after] ? (x->n_after++, 0) : -ENOMEM;
}

/* 0 and what is left to wait for in x; 1: it will never start, *reason says why. */
static int resolve_after(struct watch *w, const struct opt_strings *after, struct watch_entry *x,
	char reason[static RESULT_REASON])
{
	for (size_t i = 0; i < after->n; i++) {
		const char *id = after->item[i];
		enum spool_place place = spool_find(&w->spool, id);

		if (strcmp(id, x->name) == 0) {
			snprintf(reason, RESULT_REASON, "it was to run after itself");
			return 1;
		}
		if (place == SPOOL_DONE)
			continue;
		if (place == SPOOL_FAILED || place == SPOOL_NOWHERE) {
			snprintf(reason, RESULT_REASON, "it was to run after '%s', which %s", id,
				place == SPOOL_FAILED ? "is not done" : "is not known");
			return 1;
		}
		if (keep_after(x, id) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* There is no room for all that wait. */
static void omit(struct watch *w, const struct watch_entry *x)
{
	for (size_t i = 0; i < x->n_after; i++)
		idset_add(&w->awaited, x->after[i]);
	w->n_omitted++;
}

/* Reads a job file in new/ or run/ID and puts it into the window; one that is bad is refused. */
static void look_at(struct watch *w, const char *name, bool claimed, size_t at)
{
	__attribute__((cleanup(entry_free))) struct watch_entry x = {.claimed = claimed};
	char reason[RESULT_REASON], path[SPOOL_ID + sizeof("/submitted")];
	auto_job struct job j = {.words = NULL};
	struct err e = ERR_INIT;
	struct schedule_demand d;
	struct owner owner;
	struct stat st;
	int rc;

	snprintf(path, sizeof(path), claimed ? "%s/submitted" : "%s", name);
	rc = rundir_read_submitted(claimed ? w->spool.run : w->spool.new, path, &w->text, &st, &e);
	if (rc == -ENOENT)
		return;
	if (rc == 0)
		rc = owner_decide(&w->owners, st.st_uid, st.st_gid, &owner, &e);
	if (rc == 0)
		rc = job_parse(buf_str(&w->text), w->text.len, &j, &e);
	if (rc < 0 && e.kind != ERR_DATA) {
		log_warning("job '%s': %s", name, e.msg);
		w->blocked = true;
		return;
	}
	if (rc < 0) {
		watch_refuse(w, name, claimed, JOB_FAILED, e.msg);
		return;
	}
	d = schedule_demand_of(&w->capacity, &j.options);
	x.threads = j.options.threads_per_core;
	x.scratch = j.options.scratch;
	x.requeue = j.options.requeue;
	snprintf(x.name, sizeof(x.name), "%s", name);
	rc = resolve_after(w, &j.options.after, &x, reason);
	if (rc != 0) {
		if (rc > 0)
			watch_refuse(w, name, claimed, JOB_CANCELLED, reason);
		return;
	}
	d.waits = x.n_after > 0;
	if (d.waits && w->n_window >= WATCH_WAITING) {
		omit(w, &x);
		return;
	}
	insert(w, at, &x, &d);
	x = (struct watch_entry){.n_after = 0};
}

void watch_enqueue_claimed(struct watch *w, const char *id)
{
	for (size_t i = 0; i < w->n_window; i++)
		if (w->window[i].claimed && strcmp(w->window[i].name, id) == 0)
			return;
	if (w->n_window < WATCH_WINDOW)
		look_at(w, id, true, 0);
}

static void look_at_next(struct watch *w, const char *name)
{
	char copy[SPOOL_ID];

	if (strcmp(name, w->reached) > 0)
		snprintf(w->reached, sizeof(w->reached), "%s", name);
	if (!spool_is_name(name)) {
		watch_refuse(w, name, false, JOB_FAILED,
			"its name is not letters, digits, '.', '_' and '-', or too long");
		return;
	}
	snprintf(copy, sizeof(copy), "%s", name);
	look_at(w, copy, false, w->n_window);
}

void watch_job_ended(struct watch *w, const char *id)
{
	w->again = w->again || idset_has(&w->awaited, id);
	for (size_t i = 0; i < w->n_window; i++) {
		struct watch_entry *x = &w->window[i];
		size_t n = 0;

		while (n < x->n_after && strcmp(x->after[n], id) != 0)
			n++;
		w->stale = w->stale || n < x->n_after;
		x->stale = x->stale || n < x->n_after;
	}
}

/* Those that waited for a job that has ended are looked at again. One that is refused for it makes
 * others stale. */
static void look_again(struct watch *w)
{
	while (w->stale) {
		w->stale = false;
		for (size_t i = 0; i < w->n_window; i++) {
			struct watch_entry old;

			if (!w->window[i].stale)
				continue;
			old = take(w, i);
			look_at(w, old.name, old.claimed, i);
			entry_free(&old);
			w->stale = true;
			break;
		}
	}
}

void watch_forget(struct watch *w, const char *id)
{
	for (size_t i = w->n_window; i > 0; i--) {
		struct watch_entry old;

		if (strcmp(w->window[i - 1].name, id) != 0)
			continue;
		old = take(w, i - 1);
		entry_free(&old);
	}
}

/* Whether another may be looked at: there is none to decide on, or one behind may pass. */
static bool wants_more(const struct watch *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_window; i++)
		n += !w->demand[i].waits;
	return w->n_window < WATCH_WINDOW &&
	       (n == 0 || (w->settings.jobs.backfill && n < WATCH_BACKFILL));
}

/* An equal share of what is free now, for each job that the machine has room for. */
static uint64_t scratch_of(const struct watch *w, const struct watch_entry *x)
{
	struct statvfs fs;
	uint64_t share;

	if (x->scratch)
		return x->scratch;
	if (w->settings.jobs.scratch)
		return w->settings.jobs.scratch;
	if (fstatvfs(w->spool.fd, &fs) < 0 || w->capacity.cpus == 0)
		return 0;
	share = (uint64_t)fs.f_bavail * fs.f_frsize / w->capacity.cpus;
	return share > MIB ? share : MIB;
}

static struct executor_grant grant_of(
	struct watch *w, const struct watch_entry *x, const struct schedule_demand *d)
{
	struct executor_grant g = {.cpus = d->cpus,
		.mem = d->mem,
		.scratch = scratch_of(w, x),
		.pinned = d->cores > 0};
	size_t cpus;

	if (g.pinned)
		g.pinned = cores_choose(&w->capacity.cores, d->cores, x->threads, &g.set, &cpus);
	return g;
}

/* Not now, and none of those behind it. */
static bool put_off(struct watch *w, struct watch_entry *x, const struct schedule_demand *d)
{
	insert(w, 0, x, d);
	*x = (struct watch_entry){.n_after = 0};
	return false;
}

/* Its event may not have been read yet. */
static bool is_stopped_now(struct watch *w)
{
	w->is_stopped = spool_is_stopped(&w->spool);
	w->changed = w->changed || w->is_stopped;
	return w->is_stopped;
}

static int claim(struct watch *w, struct watch_entry *x, struct err *e)
{
	char id[SPOOL_ID];
	int rc = x->claimed ? 0 : spool_claim(&w->spool, x->name, id, e);

	if (rc < 0 || x->claimed)
		return rc;
	x->claimed = true;
	memcpy(x->name, id, sizeof(id));
	return 0;
}

/* false: no more jobs now. STOP counts when the claim is there to be seen: whoever makes it and
 * looks into run/ then, as drain does, misses none that starts. */
static bool start(struct watch *w, struct watch_entry *x, const struct schedule_demand *d)
{
	struct executor_grant grant = grant_of(w, x, d);
	struct watch_running *r;
	struct err e = ERR_INIT;
	int rc;

	if (is_stopped_now(w))
		return put_off(w, x, d);
	rc = claim(w, x, &e);
	if (rc == -ENOENT)
		return true;
	if (rc >= 0 && is_stopped_now(w))
		return put_off(w, x, d);
	if (rc >= 0) {
		r = watch_add_running(w, x->name);
		rc = r ? w->ops->start(w->executor, x->name, &grant, &e) : err_oom(&e);
		if (rc < 0 && r)
			w->n_running--;
	}
	if (rc < 0) {
		watch_say(LOG_LEVEL_WARNING, x->name, "job '%s' is not started yet: %s", x->name,
			e.msg);
		w->blocked = true;
		return put_off(w, x, d);
	}
	r->demand = *d;
	r->requeue = x->requeue;
	r->pinned = grant.pinned;
	r->set = grant.set;
	watch_account(w, r, true);
	w->changed = true;
	watch_say(LOG_LEVEL_DEBUG, x->name, "job '%s' started", x->name);
	return true;
}

static bool act(struct watch *w, const struct schedule_choice *c)
{
	struct schedule_demand d = w->demand[c->at];
	__attribute__((cleanup(entry_free))) struct watch_entry x = take(w, c->at);

	if (c->verdict == SCHEDULE_NEVER) {
		watch_refuse(w, x.name, x.claimed, JOB_FAILED, c->why);
		return true;
	}
	w->passes = c->passed ? w->passes + 1 : 0;
	return start(w, &x, &d);
}

/* What was left out is read when the names that were kept are used up: all of it, or, where some of
 * those before it still wait unseen, what is behind them. */
static void read_more(struct watch *w)
{
	if (w->queue.more && w->n_omitted > 0)
		w->further = true;
	else if (w->queue.more || w->again || (w->n_omitted > 0 && w->n_window == 0))
		w->rescan = true;
}

static bool look_further(struct watch *w)
{
	const char *name = wants_more(w) ? queue_take(&w->queue) : NULL;

	if (!name) {
		if (w->queue.n == 0)
			read_more(w);
		return false;
	}
	look_at_next(w, name);
	return true;
}

static bool may_start(const struct watch *w)
{
	return !w->held && !w->is_stopped && !w->blocked && w->used.cpus < w->capacity.cpus;
}

/* So many at a time that ends, requests, notices and the watchdog do not wait for a long list of
 * what is refused. */
void watch_fill(struct watch *w)
{
	w->unfinished = false;
	for (unsigned n = 0; may_start(w); n++) {
		struct schedule_choice c;

		if (n == WATCH_TURN) {
			w->unfinished = true;
			return;
		}
		look_again(w);
		c = schedule_choose(&w->capacity, &w->used, w->demand, w->n_window,
			w->settings.jobs.backfill, w->passes);
		if (c.verdict == SCHEDULE_WAIT ? !look_further(w) : !act(w, &c))
			return;
	}
}
