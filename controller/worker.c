/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/worker.h"

#include "common/auto.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/artifact.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

/* What the worker's own timeout(1) should have ended. */
#define GRACE (60 * NSEC_PER_SEC)

/* A command may end with its connection a moment before that is known to have ended. */
#define DOUBT (3 * NSEC_PER_SEC)

static void drop(int *fd)
{
	auto_close_fn(fd);
	*fd = -1;
}

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

/* --- one step */

static const struct build *any_build(const struct worker *w)
{
	return w->build ? w->build : w->crew->build[0];
}

/* Of the build, or of the worker where it is at none. */
static int open_log(struct worker *w, struct err *e)
{
	char path[PATH_MAX];
	int rc;

	drop(&w->log);
	if (w->build)
		return artifact_log(w->shop->dist, w->build, &w->log, e);
	if (snprintf(path, sizeof(path), "%s/worker-%u.log", w->shop->dist, w->number) >=
		(int)sizeof(path))
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "'%s' is too long", w->shop->dist);
	rc = fs_mkdir_p(AT_FDCWD, w->shop->dist, 0755, e);
	return rc < 0 ? rc
		      : fs_open(AT_FDCWD, path,
				O_RDWR | O_CREAT | O_NOFOLLOW | (w->step ? O_APPEND : O_TRUNC),
				0644, &w->log, e);
}

static int open_input(struct worker *w, int *ret, struct err *e)
{
	const struct worker_shop *shop = w->shop;

	switch (steps[w->step].input) {
	case INPUT_AGENT:
		return shop->agent(shop->ctx, w->machine->arch, ret, e);
	case INPUT_SOURCE:
		return shop->source(shop->ctx, w->crew->build[0]->app, ret, e);
	case INPUT_NONE:
		break;
	}
	return 0;
}

/* *ret is one of the worker's. */
static int open_output(struct worker *w, int *ret, struct err *e)
{
	int rc;

	switch (steps[w->step].output) {
	case OUTPUT_DIGEST:
		w->answer = memfd_create("digest", MFD_CLOEXEC);
		if (w->answer < 0)
			return err_errno(e, "a file in memory");
		*ret = w->answer;
		return 0;
	case OUTPUT_ARCHIVE:
		rc = artifact_begin(w->shop->dist, w->build, &w->archive, e);
		*ret = w->archive;
		return rc;
	case OUTPUT_LOG:
		break;
	}
	*ret = w->log;
	return 0;
}

static uint64_t step_limit(const struct worker *w)
{
	const struct step *s = &steps[w->step];

	return s->limit ? s->limit : w->build->app->timeout + GRACE;
}

static int begin_step(struct worker *w, struct err *e)
{
	auto_buf struct buf script = BUF_INIT(STEP_SCRIPT_MAX);
	auto_close int in = -1;
	struct machine_command c = {.in = -1};
	int rc;

	if ((rc = step_script(&steps[w->step], any_build(w), w->shop->run, &script, e)) < 0 ||
		(rc = open_input(w, &in, e)) < 0 || (rc = open_output(w, &c.out, e)) < 0)
		return rc;
	c.shell = buf_str(&script);
	c.in = in;
	c.err = w->log;
	dprintf(w->log, "== %s on %s\n", steps[w->step].name, w->machine->place);
	w->since = clock_now();
	w->deadline = clock_deadline(step_limit(w));
	rc = machine_run(w->machine, &c, &w->pid, e);
	if (rc < 0)
		return rc;
	w->pidfd = pidfd_open(w->pid, 0);
	return w->pidfd < 0 ? err_errno(e, "pidfd_open") : 0;
}

static void end_process(struct worker *w)
{
	if (w->pid > 0) {
		kill(-w->pid, SIGKILL);
		while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	w->pid = 0;
	drop(&w->pidfd);
}

/* true: it has ended, *ret_status as a shell has it. */
static bool has_ended(struct worker *w, int *ret_status)
{
	int status;
	pid_t pid = waitpid(w->pid, &status, WNOHANG);

	if (pid == 0 || (pid < 0 && errno == EINTR))
		return false;
	w->pid = 0;
	drop(&w->pidfd);
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
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
		drop(&w->log);
		set_state(w, WORKER_IDLE);
		return 0;
	}
	if (w->build != before) {
		int rc = open_log(w, e);

		if (rc < 0)
			return rc;
	}
	return begin_step(w, e);
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
	return begin_step(w, e);
}

/* What every build needs has failed. */
static int fail_crew(struct worker *w, const char *why)
{
	for (size_t i = 0; i < w->crew->n; i++) {
		struct build *b = w->crew->build[i];

		if (b->state == BUILD_WAITING)
			set_failed(b, why);
	}
	drop(&w->log);
	set_state(w, WORKER_IDLE);
	return 0;
}

static int take_digest(struct worker *w, struct err *e)
{
	char *digest = w->build->digest;
	size_t size = sizeof(w->build->digest);

	if (pread(w->answer, digest, size - 1, 0) != (ssize_t)(size - 1))
		digest[0] = '\0';
	drop(&w->answer);
	if (strspn(digest, "0123456789abcdef") != size - 1)
		return err_set(e, ERR_DATA, EBADMSG, "the worker's sha256sum answered nonsense");
	return 0;
}

/* The step ended with 0: what it brought. */
static int take_output(struct worker *w, struct err *e)
{
	int rc;

	switch (steps[w->step].output) {
	case OUTPUT_DIGEST:
		return take_digest(w, e);
	case OUTPUT_ARCHIVE:
		rc = artifact_keep(w->shop->dist, w->build, w->archive, e);
		drop(&w->archive);
		return rc;
	case OUTPUT_LOG:
		break;
	}
	if (w->build && steps[w->step].limit == 0)
		w->build->took = clock_now() - w->since;
	return 0;
}

static int step_failed(struct worker *w, int status, struct err *e)
{
	char why[MATRIX_WHY], last[160];

	artifact_last_line(w->log, last, sizeof(last));
	drop(&w->answer);
	drop(&w->archive);
	if (status == STEP_TIMED_OUT)
		snprintf(why, sizeof(why), "%s: took longer than timeout=", steps[w->step].name);
	else
		snprintf(why, sizeof(why), "%s: ended with %d%s%s", steps[w->step].name, status,
			*last ? ": " : "", last);
	/* What is brought home already is not lost by untidiness. */
	if (w->step >= last_each())
		return go_on(w, e);
	return w->build ? fail_build(w, why, e) : fail_crew(w, why);
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
	if (take_output(w, &bad) < 0)
		return w->build ? fail_build(w, bad.msg, e) : fail_crew(w, bad.msg);
	return go_on(w, e);
}

/* --- the whole */

static int poll_starting(struct worker *w, struct err *e)
{
	struct err bad = ERR_INIT;

	if (machine_poll(w->machine, &bad) < 0) {
		stick(w, &bad);
	} else if (w->machine->state == MACHINE_READY) {
		w->state = WORKER_BUSY;
		w->step = 0;
		if (open_log(w, e) < 0)
			return -e->num;
		return begin_step(w, e);
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
	if (has_ended(w, &status))
		return step_ended(w, status, e);
	if (clock_left(w->deadline) == 0) {
		err_set(&bad, ERR_TRANSIENT, ETIMEDOUT, "%s: %s did not end in time",
			w->machine->place, steps[w->step].name);
		end_process(w);
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
	case WORKER_IDLE:
	case WORKER_KEPT:
	case WORKER_STUCK:
	case WORKER_GONE:
		break;
	}
	return 0;
}

void worker_stop(struct worker *w)
{
	struct err bad = ERR_INIT;

	end_process(w);
	drop(&w->log);
	drop(&w->answer);
	drop(&w->archive);
	if (w->build && w->build->state == BUILD_RUNNING) {
		w->build->state = BUILD_WAITING;
		if (w->build->attempts >= MATRIX_ATTEMPTS) {
			set_failed(w->build, w->err.msg);
			w->build->kind = w->err.kind;
		}
	}
	w->build = NULL;
	set_state(w, WORKER_STOPPING);
	if (machine_stop(w->machine, &bad) < 0) {
		w->err = bad;
		set_state(w, WORKER_GONE);
	}
}

void worker_free(struct worker *w)
{
	end_process(w);
	drop(&w->log);
	drop(&w->answer);
	drop(&w->archive);
	machine_free(w->machine);
	*w = (struct worker)WORKER_INIT;
}
