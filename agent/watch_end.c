/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/job.h"
#include "agent/watch_private.h"
#include "common/fs.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct watch_running *watch_find(struct watch *w, const char *id)
{
	for (size_t i = 0; i < w->n_running; i++)
		if (strcmp(w->running[i].id, id) == 0)
			return &w->running[i];
	return NULL;
}

struct watch_running *watch_add_running(struct watch *w, const char *id)
{
	struct watch_running *r = w->running;

	if (w->n_running == w->max_running) {
		r = reallocarray(r, 2 * w->max_running + 16, sizeof(*r));
		if (!r)
			return NULL;
		w->running = r;
		w->max_running = 2 * w->max_running + 16;
	}
	r = &w->running[w->n_running++];
	*r = (struct watch_running){.pinned = false};
	snprintf(r->id, sizeof(r->id), "%s", id);
	return r;
}

/* What it has is taken from others, or given back. */
void watch_account(struct watch *w, const struct watch_running *r, bool runs)
{
	w->used.cpus += runs ? r->demand.cpus : -r->demand.cpus;
	w->used.mem += runs ? r->demand.mem : -r->demand.mem;
	if (r->pinned)
		cores_mark(&w->capacity.cores, &r->set, runs);
}

/* Gives back what it had; *ret says what it was. */
static bool remove_running(struct watch *w, const char *id, struct watch_running *ret)
{
	struct watch_running *r = watch_find(w, id);

	if (!r)
		return false;
	*ret = *r;
	watch_account(w, r, false);
	*r = w->running[--w->n_running];
	return true;
}

void watch_put_away(
	struct watch *w, const char *id, enum job_state state, const char *why, uint64_t kept)
{
	struct err e = ERR_INIT;
	int rc = spool_finish(&w->spool, id, state == JOB_DONE, &e);

	if (rc < 0 && rc != -ENOENT) {
		log_warning("%s", e.msg);
		return;
	}
	watch_say(state == JOB_FAILED ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, id, "job '%s' %s%s%s",
		id, job_state_name(state), *why ? ": " : "", why);
	w->metrics.ended[state]++;
	w->changed = true;
	watch_forget(w, id);
	retention_add(&w->retention, kept);
	if (retention_is_due(&w->retention) && retention_enforce(&w->retention, &e) < 0)
		log_warning("%s", e.msg);
	watch_job_ended(w, id);
	if (w->interruption && interruption_is_near(w->interruption))
		interruption_turn(w->interruption);
}

/* How often a job of this ID has been queued again. */
static struct watch_requeue *requeue_of(struct watch *w, const char *id)
{
	struct watch_requeue *q;

	for (size_t i = 0; i < WATCH_REQUEUE_IDS; i++)
		if (strcmp(w->requeued[i].id, id) == 0)
			return &w->requeued[i];
	q = &w->requeued[w->next_requeued++ % WATCH_REQUEUE_IDS];
	*q = (struct watch_requeue){.times = 0};
	snprintf(q->id, sizeof(q->id), "%s", id);
	return q;
}

/* Back into new/ under its name, with nothing left of the first time. The file goes first: whoever
 * was told to start the job late finds none then. */
static bool queue_by_name(struct watch *w, const char *id)
{
	char from[SPOOL_ID + sizeof("/submitted")];
	struct err e = ERR_INIT;

	snprintf(from, sizeof(from), "%s/submitted", id);
	if (!spool_is_name(id) ||
		renameat2(w->spool.run, from, w->spool.new, id, RENAME_NOREPLACE) < 0)
		return false;
	if (fs_remove_tree(w->spool.run, id, &e) < 0)
		log_warning("%s", e.msg);
	watch_enqueue(w, id);
	return true;
}

/* It stays claimed: there is another job of its name in new/, or it has an ID of its own. */
static bool queue_claimed(struct watch *w, const char *id)
{
	struct err ignored = ERR_INIT;
	auto_close int dir = -1;

	if (rundir_open(w->spool.run, id, &dir, &ignored) < 0 || !rundir_has_job(dir) ||
		rundir_reset(dir, &ignored) < 0)
		return false;
	watch_enqueue_claimed(w, id);
	return true;
}

static bool requeue(struct watch *w, const char *id)
{
	struct watch_requeue *q = requeue_of(w, id);

	if (q->times >= WATCH_REQUEUES || (!queue_by_name(w, id) && !queue_claimed(w, id)))
		return false;
	q->times++;
	watch_say(LOG_LEVEL_INFO, id, "job '%s' interrupted, queued again", id);
	w->metrics.ended[JOB_INTERRUPTED]++;
	return true;
}

/* Its recorder was killed: what is known is little. */
static void interrupted(struct watch *w, const char *id, int dir, bool again)
{
	const char *why = "its recorder was killed";
	struct job_result r = {.state = JOB_INTERRUPTED, .exit = -1, .ended = result_now()};
	struct err e = ERR_INIT;
	struct stat st;
	gid_t group = (gid_t)-1;

	if (again && requeue(w, id))
		return;
	rundir_tidy(dir);
	if (fstatat(dir, "submitted", &st, AT_SYMLINK_NOFOLLOW) == 0) {
		r.uid = st.st_uid;
		r.submitted = (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9;
	}
	if (fstat(dir, &st) == 0 && geteuid() == 0)
		group = st.st_gid;
	snprintf(r.id, sizeof(r.id), "%s", id);
	snprintf(r.reason, sizeof(r.reason), "%s", why);
	if (result_write(dir, -1, &r, &w->machine, group, &e) < 0) {
		log_warning("%s", e.msg);
		return;
	}
	watch_put_away(w, id, JOB_INTERRUPTED, why, rundir_size(dir));
}

/* What the accounting knows of a job that was running when the watcher came. Its recorder may not
 * have come as far as its copy of the file. */
static void learn(struct watch *w, int dir, struct watch_running *r)
{
	auto_buf struct buf text = BUF_INIT(SPOOL_JOB_MAX + 1);
	auto_job struct job j = {.words = NULL};
	struct err ignored = ERR_INIT;
	auto_close int fd = openat(dir, "job", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int rc = fd < 0 ? -ENOENT : fs_read_fd(fd, "job", &text, &ignored);

	if (rc < 0 || text.len == 0)
		rc = rundir_read_submitted(dir, "submitted", &text, &st, &ignored);
	r->demand = (struct schedule_demand){.cpus = 1};
	if (rc < 0 || job_parse(buf_str(&text), text.len, &j, &ignored) < 0)
		return;
	r->demand = schedule_demand_of(&w->capacity, &j.options);
	r->requeue = j.options.requeue;
}

/* Its cores. The recorder of a unit may not have come as far as its lock, and one of an earlier
 * version has not written them: the next rescan asks again. */
static void learn_set(struct watch *w, int dir, struct watch_running *r)
{
	struct rundir_lock lock;
	enum rundir_state state;
	struct err ignored = ERR_INIT;

	if (r->demand.cores == 0 || r->pinned || rundir_state(dir, &state, &lock, &ignored) < 0 ||
		!lock.pinned)
		return;
	r->pinned = true;
	r->set = lock.set;
	cores_mark(&w->capacity.cores, &r->set, true);
}

/* -ESRCH: nobody runs it. */
static int attach(struct watch *w, const char *id, int dir)
{
	struct err e = ERR_INIT;
	struct watch_running *r = watch_add_running(w, id);
	int rc = r ? w->ops->attach(w->executor, id, &e) : err_oom(&e);

	if (rc < 0) {
		if (r)
			w->n_running--;
		if (rc != -ESRCH)
			log_warning("%s", e.msg);
		return rc;
	}
	learn(w, dir, r);
	watch_account(w, r, true);
	learn_set(w, dir, r);
	watch_say(LOG_LEVEL_INFO, id, "job '%s' runs on", id);
	return 0;
}

static void ended(struct watch *w, const char *id, int dir, bool again)
{
	struct job_result r;
	struct err e = ERR_INIT;

	if (result_read(dir, &r, &e) < 0) {
		log_warning("job '%s': %s", id, e.msg);
		r = (struct job_result){.state = JOB_FAILED};
	}
	if (r.state == JOB_INTERRUPTED && again && requeue(w, id))
		return;
	watch_put_away(w, id, r.state, r.reason, rundir_size(dir));
}

static bool wants_requeue(struct watch *w, int dir)
{
	struct watch_running r = {.requeue = false};

	learn(w, dir, &r);
	return r.requeue;
}

/* The folder of a job that is not known to run tells what is to be done. */
static void settle(struct watch *w, const char *id)
{
	struct rundir_lock lock;
	enum rundir_state state;
	struct err e = ERR_INIT;
	auto_close int dir = -1;
	int rc = rundir_open(w->spool.run, id, &dir, &e);

	if (rc == 0)
		rc = rundir_state(dir, &state, &lock, &e);
	if (rc < 0) {
		if (rc != -ENOENT)
			log_warning("job '%s': %s", id, e.msg);
		return;
	}
	/* A unit may be there before the lock is, and after it. */
	if (state != RUNDIR_EMPTY && state != RUNDIR_ENDED && attach(w, id, dir) == 0)
		return;
	if (state != RUNDIR_RUNNING && !rundir_has_job(dir)) {
		if (fs_remove_tree(w->spool.run, id, &e) < 0)
			log_warning("%s", e.msg);
		return;
	}
	switch (state) {
	case RUNDIR_EMPTY:
		break;
	case RUNDIR_CLAIMED:
		/* Its recorder could not begin: not again at once. */
		w->blocked = w->blocked || !w->recovering;
		rundir_sweep(dir);
		watch_enqueue_claimed(w, id);
		break;
	case RUNDIR_RUNNING:
		/* Just ended: seen at the next look. */
		w->rescan = true;
		break;
	case RUNDIR_DEAD:
		interrupted(w, id, dir, wants_requeue(w, dir));
		break;
	case RUNDIR_ENDED:
		ended(w, id, dir, wants_requeue(w, dir));
		break;
	}
}

void watch_on_ended(const struct executor_ended *job, void *watch)
{
	struct watch_running r;
	struct watch *w = watch;

	if (!remove_running(w, job->id, &r))
		return;
	w->changed = true;
	if (!job->known) {
		if (*job->why)
			watch_say(LOG_LEVEL_WARNING, job->id, "job '%s': %s", job->id, job->why);
		settle(w, job->id);
		return;
	}
	w->blocked = false;
	if (job->state == JOB_INTERRUPTED && r.requeue && requeue(w, job->id))
		return;
	watch_put_away(w, job->id, job->state, job->why, job->kept);
}

static int recover_one(const char *id, void *ctx)
{
	struct watch *w = ctx;
	struct watch_running *r = watch_find(w, id);
	auto_close int dir = -1;
	struct err ignored = ERR_INIT;

	if (!r)
		settle(w, id);
	else if (r->demand.cores > 0 && !r->pinned &&
		 rundir_open(w->spool.run, id, &dir, &ignored) == 0)
		learn_set(w, dir, r);
	return 0;
}

void watch_recover(struct watch *w)
{
	struct err e = ERR_INIT;

	w->recovering = true;
	if (spool_each(w->spool.run, recover_one, w, &e) < 0)
		log_warning("%s", e.msg);
	w->recovering = false;
}

void watch_stop_job(
	struct watch *w, struct watch_running *r, enum job_state state, const char *reason)
{
	struct err e = ERR_INIT;
	auto_close int dir = -1;
	int rc = rundir_open(w->spool.run, r->id, &dir, &e);

	if (rc == 0 && !r->stopped)
		rc = result_stop_write(dir, state, reason, &e);
	if (rc == 0)
		rc = w->ops->stop(w->executor, r->id, false, &e);
	if (rc < 0) {
		watch_say(LOG_LEVEL_WARNING, r->id, "job '%s' cannot be ended: %s", r->id, e.msg);
		return;
	}
	r->stopped = true;
	watch_say(LOG_LEVEL_INFO, r->id, "job '%s' is told to end: %s", r->id, reason);
}

unsigned watch_running(const struct watch *w)
{
	return (unsigned)w->n_running;
}

void watch_end_all(struct watch *w, const char *reason)
{
	for (size_t i = 0; i < w->n_running; i++)
		watch_stop_job(w, &w->running[i], JOB_INTERRUPTED, reason);
}

void watch_kill_all(struct watch *w)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < w->n_running; i++)
		if (w->ops->stop(w->executor, w->running[i].id, true, &e) < 0)
			watch_say(LOG_LEVEL_WARNING, w->running[i].id,
				"job '%s' cannot be killed: %s", w->running[i].id, e.msg);
}

void watch_hold(struct watch *w, const char *reason)
{
	w->held = reason;
	w->changed = true;
}
