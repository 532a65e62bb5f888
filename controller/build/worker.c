/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/build/worker.h"

#include "common/clock.h"
#include "common/num.h"
#include "controller/build/artifact.h"
#include "controller/build/worker_step.h"

#include <errno.h>
#include <string.h>

/* A command may end with its connection a moment before that is known to have ended. */
#define DOUBT (3 * NSEC_PER_SEC)

static void set_state(struct worker *w, enum worker_state state)
{
	w->state = state;
	w->since = clock_now();
}

int worker_start(struct worker *w, struct err *e)
{
	set_state(w, WORKER_STARTING);
	w->deadline = clock_deadline(w->shop->patience);
	return machine_start(w->machine, e);
}

static void stick(struct worker *w, const struct err *e)
{
	w->err = *e;
	set_state(w, WORKER_STUCK);
}

/* --- from one step to the next */

static size_t first_of(enum step_scope scope)
{
	size_t i = 0;

	while (i < n_steps && steps[i].scope != scope)
		i++;
	return i;
}

static size_t last_each(void)
{
	return first_of(STEP_LAST) - 1;
}

/* The next build of the crew, or what comes after all of them. */
static void take_build(struct worker *w)
{
	w->build = NULL;
	for (size_t i = 0; i < w->crew->n && !w->build; i++) {
		if (w->crew->build[i]->state == BUILD_WAITING)
			w->build = w->crew->build[i];
	}
	w->step = first_of(w->build ? STEP_EACH : STEP_LAST);
	if (!w->build)
		return;
	w->build->state = BUILD_RUNNING;
	w->build->attempts++;
	snprintf(w->build->place, sizeof(w->build->place), "%s", w->machine->place);
}

static int go_on(struct worker *w, struct err *e)
{
	const struct build *before = w->build;

	if (w->build && w->step == last_each()) {
		if (w->build->state == BUILD_RUNNING)
			w->build->state = BUILD_DONE;
		take_build(w);
	} else if (++w->step == first_of(STEP_EACH)) {
		take_build(w);
	}
	if (w->step == n_steps) {
		worker_fd_drop(&w->log);
		set_state(w, WORKER_IDLE);
		return 0;
	}
	if (w->build != before) {
		int rc = worker_step_log(w, e);

		if (rc < 0)
			return rc;
	}
	return worker_step_begin(w, e);
}

static void set_failed(struct build *b, const char *why)
{
	snprintf(b->why, sizeof(b->why), "%.*s", MATRIX_WHY - 1, why);
	b->state = BUILD_FAILED;
}

/* A step of the build has failed: the next build may do better. */
static int fail_build(struct worker *w, const char *why, struct err *e)
{
	set_failed(w->build, why);
	if (w->shop->keep) {
		set_state(w, WORKER_KEPT);
		return 0;
	}
	w->step = last_each();
	return worker_step_begin(w, e);
}

/* What every build needs has failed; the machine is left as it was. */
static int fail_crew(struct worker *w, const char *why, struct err *e)
{
	for (size_t i = 0; i < w->crew->n; i++) {
		struct build *b = w->crew->build[i];

		if (b->state == BUILD_WAITING)
			set_failed(b, why);
	}
	w->step = first_of(STEP_LAST);
	return worker_step_begin(w, e);
}

static int step_failed(struct worker *w, int status, struct err *e)
{
	char why[MATRIX_WHY], last[160], limit[NUM_TEXT];

	artifact_last_line(w->log, w->said, last, sizeof(last));
	worker_step_drop(w);
	if (worker_step_timed_out(w, status))
		snprintf(why, sizeof(why), "%s: took longer than %s (timeout=)",
			steps[w->step].name, num_duration_text(w->build->app->timeout, limit));
	else
		snprintf(why, sizeof(why), "%s: ended with %d%s%s", steps[w->step].name, status,
			*last ? ": " : "", last);
	/* What is brought home already is not lost by untidiness. */
	if (w->step >= last_each())
		return go_on(w, e);
	return w->build ? fail_build(w, why, e) : fail_crew(w, why, e);
}

static int step_ended(struct worker *w, int status, struct err *e)
{
	struct err bad = ERR_INIT;

	if (status == MACHINE_BROKEN) {
		w->doubt = clock_deadline(DOUBT);
		return 0;
	}
	if (status != 0)
		return step_failed(w, status, e);
	if (worker_step_take(w, &bad) < 0)
		return w->build ? fail_build(w, bad.msg, e) : fail_crew(w, bad.msg, e);
	return go_on(w, e);
}

/* --- the whole */

static int poll_starting(struct worker *w, struct err *e)
{
	struct err bad = ERR_INIT;

	if (machine_poll(w->machine, &bad) < 0) {
		stick(w, &bad);
	} else if (w->machine->state == MACHINE_READY) {
		if (strcmp(w->machine->arch, w->crew->build[0]->target.arch) != 0) {
			err_set(&bad, ERR_NO_FIT, ENOEXEC, "%s is %s, '%s' is for %s",
				w->machine->place, w->machine->arch, w->crew->build[0]->target.name,
				w->crew->build[0]->target.arch);
			stick(w, &bad);
			return 0;
		}
		w->state = WORKER_BUSY;
		w->step = 0;
		if (worker_step_log(w, e) < 0)
			return -e->num;
		return worker_step_begin(w, e);
	} else if (clock_left(w->deadline) == 0) {
		err_set(&bad, ERR_TRANSIENT, ETIMEDOUT, "%s: not ready in time", w->machine->place);
		stick(w, &bad);
	}
	return 0;
}

/* false: it is stuck. */
static bool is_there(struct worker *w)
{
	struct err bad = ERR_INIT;
	struct machine *m = w->machine;

	if (machine_poll(m, &bad) >= 0 && m->state == MACHINE_READY)
		return true;
	if (bad.kind == ERR_NONE)
		err_set(&bad, ERR_TRANSIENT, ECONNRESET, "%s: the machine is lost%s%s", m->place,
			*m->notice ? ": " : "", m->notice);
	stick(w, &bad);
	return false;
}

static int poll_busy(struct worker *w, struct err *e)
{
	struct err bad = ERR_INIT;
	int status;

	if (w->doubt) {
		if (!is_there(w) || clock_left(w->doubt) > 0)
			return 0;
		w->doubt = 0;
		return step_failed(w, MACHINE_BROKEN, e);
	}
	if (worker_step_ended(w, &status))
		return step_ended(w, status, e);
	if (clock_left(w->deadline) == 0) {
		err_set(&bad, ERR_TRANSIENT, ETIMEDOUT, "%s: %s did not end in time",
			w->machine->place, steps[w->step].name);
		worker_step_end(w);
		stick(w, &bad);
	} else {
		(void)is_there(w);
	}
	return 0;
}

static void poll_stopping(struct worker *w)
{
	struct err bad = ERR_INIT;

	if (machine_poll(w->machine, &bad) < 0 || w->machine->state == MACHINE_GONE) {
		w->err = bad;
		set_state(w, WORKER_GONE);
	}
}

static void let_go(struct worker *w)
{
	struct err bad = ERR_INIT;

	worker_step_end(w);
	worker_fd_drop(&w->log);
	set_state(w, WORKER_STOPPING);
	if (machine_stop(w->machine, &bad) < 0) {
		w->err = bad;
		set_state(w, WORKER_GONE);
	}
}

/* false: there is nothing to remove, or it cannot be done. */
static bool begin_leaving(struct worker *w)
{
	struct err ignored = ERR_INIT;

	if (!w->machine->stays || w->machine->state != MACHINE_READY || w->state != WORKER_BUSY)
		return false;
	w->step = first_of(STEP_LAST);
	if (worker_step_log(w, &ignored) < 0 || worker_step_begin(w, &ignored) < 0)
		return false;
	w->state = WORKER_LEAVING;
	return true;
}

static void poll_leaving(struct worker *w)
{
	struct err bad = ERR_INIT;
	int status;

	if (worker_step_ended(w, &status)) {
		if (++w->step == n_steps || worker_step_begin(w, &bad) < 0)
			let_go(w);
	} else if (clock_left(w->deadline) == 0 || machine_poll(w->machine, &bad) < 0 ||
		   w->machine->state != MACHINE_READY) {
		let_go(w);
	}
}

void worker_stop(struct worker *w)
{
	worker_step_end(w);
	worker_step_drop(w);
	if (w->build && w->build->state == BUILD_RUNNING) {
		w->build->state = BUILD_WAITING;
		if (w->err.kind != ERR_NONE && w->build->attempts >= MATRIX_ATTEMPTS) {
			set_failed(w->build, w->err.msg);
			w->build->kind = w->err.kind;
		}
	}
	w->build = NULL;
	if (!begin_leaving(w))
		let_go(w);
}

int worker_poll(struct worker *w, struct err *e)
{
	switch (w->state) {
	case WORKER_STARTING:
		return poll_starting(w, e);
	case WORKER_BUSY:
		return poll_busy(w, e);
	case WORKER_STOPPING:
		poll_stopping(w);
		break;
	case WORKER_LEAVING:
		poll_leaving(w);
		break;
	case WORKER_IDLE:
	case WORKER_KEPT:
	case WORKER_STUCK:
	case WORKER_GONE:
		break;
	}
	return 0;
}

void worker_free(struct worker *w)
{
	worker_step_end(w);
	worker_step_drop(w);
	worker_fd_drop(&w->log);
	machine_free(w->machine);
	*w = (struct worker)WORKER_INIT;
}
