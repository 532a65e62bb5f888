/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/build/worker_step.h"

#include "common/auto.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/build/artifact.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* A digest, and room to see that it is more. */
#define ANSWER_MAX 256

/* What the worker's own timeout(1) should have ended by then. */
#define GRACE (60 * NSEC_PER_SEC)

/* Of timeout(1): it was enough, or it had to be SIGKILL. */
#define TIMED_OUT        124
#define TIMED_OUT_KILLED 137

void worker_fd_drop(int *fd)
{
	auto_close_fn(fd);
	*fd = -1;
}

static const struct build *any_build(const struct worker *w)
{
	return w->build ? w->build : w->crew->build[0];
}

/* Of the build, or of the worker where it is at none. */
int worker_step_log(struct worker *w, struct err *e)
{
	char path[PATH_MAX];
	int rc;

	worker_fd_drop(&w->log);
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
		/* A machine that is not what it should be writes no more than that. */
		w->answer = memfd_create("digest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (w->answer < 0 || ftruncate(w->answer, ANSWER_MAX) < 0 ||
			fcntl(w->answer, F_ADD_SEALS, F_SEAL_GROW) < 0)
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

int worker_step_begin(struct worker *w, struct err *e)
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
	w->said = lseek(w->log, 0, SEEK_END);
	w->since = clock_now();
	w->deadline = clock_deadline(step_limit(w));
	rc = machine_run(w->machine, &c, &w->pid, e);
	if (rc < 0)
		return rc;
	/* Where the kernel has none, the clock alone tells when to look. */
	w->pidfd = pidfd_open(w->pid, 0);
	return w->pidfd < 0 && errno != ENOSYS ? err_errno(e, "pidfd_open") : 0;
}

void worker_step_end(struct worker *w)
{
	if (w->pid > 0) {
		kill(-w->pid, SIGKILL);
		while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	w->pid = 0;
	worker_fd_drop(&w->pidfd);
}

/* true: it has ended, *ret_status as a shell has it. */
bool worker_step_ended(struct worker *w, int *ret_status)
{
	int status;
	pid_t pid = waitpid(w->pid, &status, WNOHANG);

	if (pid == 0 || (pid < 0 && errno == EINTR))
		return false;
	w->pid = 0;
	worker_fd_drop(&w->pidfd);
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

static int take_digest(struct worker *w, struct err *e)
{
	char *digest = w->build->digest;
	size_t size = sizeof(w->build->digest);

	if (pread(w->answer, digest, size - 1, 0) != (ssize_t)(size - 1))
		digest[0] = '\0';
	worker_fd_drop(&w->answer);
	if (strspn(digest, "0123456789abcdef") != size - 1)
		return err_set(e, ERR_DATA, EBADMSG, "the worker's sha256sum answered nonsense");
	return 0;
}

/* The step ended with 0: what it brought. */
int worker_step_take(struct worker *w, struct err *e)
{
	int rc;

	switch (steps[w->step].output) {
	case OUTPUT_DIGEST:
		return take_digest(w, e);
	case OUTPUT_ARCHIVE:
		rc = artifact_keep(w->shop->dist, w->build, w->archive, e);
		if (rc < 0)
			worker_step_drop(w);
		worker_fd_drop(&w->archive);
		return rc;
	case OUTPUT_LOG:
		break;
	}
	if (w->build && steps[w->step].limit == 0)
		w->build->took = clock_now() - w->since;
	return 0;
}

bool worker_step_timed_out(const struct worker *w, int status)
{
	return steps[w->step].limit == 0 && (status == TIMED_OUT || status == TIMED_OUT_KILLED) &&
	       clock_now() - w->since >= w->build->app->timeout;
}

void worker_step_drop(struct worker *w)
{
	worker_fd_drop(&w->answer);
	if (w->archive >= 0)
		artifact_drop(w->shop->dist, w->build);
	worker_fd_drop(&w->archive);
}
