/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/attend.h"

#include "common/clock.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/wait.h>

/* How long what a job left behind may take to die; the kernel may hold it longer. */
#define CLEAR_TIME (5 * NSEC_PER_SEC)
#define CLEAR_STEP (10 * NSEC_PER_MSEC)

/* What is still to come for the job, in this order. */
enum stage { STAGE_SIGNAL, STAGE_TERM, STAGE_KILL, STAGE_NONE };

static void signal_group(const struct attend *a, int number)
{
	kill(-a->pid, number);
	/* One that is stopped would not hear of it. */
	if (number != SIGKILL)
		kill(-a->pid, SIGCONT);
}

static uint64_t after(uint64_t t, uint64_t ns)
{
	return ns < CLOCK_FOREVER - t ? t + ns : CLOCK_FOREVER;
}

/* The course of a job with a time limit; without one nothing comes by itself. */
static void plan_limit(struct attend *a)
{
	const struct job_options *o = &a->job->options;

	a->stage = STAGE_NONE;
	a->next = CLOCK_FOREVER;
	if (o->time == 0)
		return;
	a->stage = a->job->signal ? STAGE_SIGNAL : STAGE_TERM;
	a->next = after(a->started, o->time);
	if (a->job->signal)
		a->next = after(a->started,
			o->time > a->job->signal_before ? o->time - a->job->signal_before : 0);
}

static void blame(struct attend *a, enum job_state state, const char *reason)
{
	if (a->asked)
		return;
	a->asked = true;
	a->state = state;
	snprintf(a->reason, sizeof(a->reason), "%s", reason);
}

/* The next stage is due. */
static void advance(struct attend *a)
{
	const struct job_options *o = &a->job->options;
	char reason[RESULT_REASON], text[NUM_TEXT];

	switch ((enum stage)a->stage) {
	case STAGE_SIGNAL:
		signal_group(a, a->job->signal);
		a->stage = STAGE_TERM;
		if (!a->asked)
			a->next = after(a->started, o->time);
		else
			a->next = clock_deadline(a->job->signal_before < JOB_CHECKPOINT_MAX
							 ? a->job->signal_before
							 : JOB_CHECKPOINT_MAX);
		break;
	case STAGE_TERM:
		snprintf(reason, sizeof(reason), "its time of %s was up",
			num_duration_text(o->time, text));
		blame(a, JOB_FAILED, reason);
		signal_group(a, SIGTERM);
		a->stage = STAGE_KILL;
		a->next = clock_deadline(o->grace);
		break;
	case STAGE_KILL:
		signal_group(a, SIGKILL);
		a->stage = STAGE_NONE;
		a->next = CLOCK_FOREVER;
		break;
	case STAGE_NONE:
		break;
	}
}

/* Somebody asks for the end, or wants it now. A signal of old may come late: the file is what
 * counts. */
static void on_stop(struct attend *a, bool now)
{
	char reason[RESULT_REASON];
	struct err ignored = ERR_INIT;
	enum job_state state;

	if (result_stop_read(a->dir, &state, reason, &ignored) < 0) {
		if (!a->recorder->by_hand)
			return;
		state = JOB_CANCELLED;
		snprintf(reason, sizeof(reason), "its recorder was told to end");
	}
	/* A second time, or after the time limit: nothing new. */
	if (a->asked && !now)
		return;
	blame(a, state, reason);
	if (now)
		a->stage = STAGE_KILL;
	else if (state == JOB_INTERRUPTED && a->job->signal && a->stage != STAGE_TERM)
		a->stage = STAGE_SIGNAL;
	else
		a->stage = STAGE_TERM;
	advance(a);
}

static void add_time(struct timeval *sum, const struct timeval *t)
{
	struct timeval s;

	timeradd(sum, t, &s);
	*sum = s;
}

/* All that has ended by now; false when there is nobody left to wait for. */
static bool reap(struct attend *a)
{
	for (;;) {
		struct rusage usage;
		int status;
		pid_t pid = wait4(-1, &status, WNOHANG, &usage);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid <= 0)
			return pid == 0;
		add_time(&a->usage.ru_utime, &usage.ru_utime);
		add_time(&a->usage.ru_stime, &usage.ru_stime);
		if (usage.ru_maxrss > a->usage.ru_maxrss)
			a->usage.ru_maxrss = usage.ru_maxrss;
		if (pid == a->pid) {
			a->ended = true;
			a->status = status;
		}
	}
}

static void read_signals(struct attend *a)
{
	struct signalfd_siginfo info[8];
	ssize_t n = read(a->recorder->signals, info, sizeof(info));

	for (ssize_t i = 0; i < n / (ssize_t)sizeof(info[0]); i++)
		if (info[i].ssi_signo != SIGCHLD)
			on_stop(a, info[i].ssi_signo == SIGQUIT);
}

static void keep(struct attend *a, int i, const char *data, size_t len)
{
	uint64_t room = a->recorder->settings->max_output - a->written[i];
	size_t n = len < room ? len : (size_t)room;

	if (n < len)
		a->cut = true;
	if (n == 0)
		return;
	if (fs_write_all(a->out[i], data, n) < 0) {
		a->cut = true;
		a->full = true;
		return;
	}
	a->written[i] += n;
	a->kept += n;
}

/* One read, so that neither pipe nor the clock waits for the other: 0 when there is nothing yet,
 * -1 at the end. */
static ssize_t read_pipe(struct attend *a, int i)
{
	struct recorder *r = a->recorder;
	ssize_t n = read(a->in[i], r->chunk, sizeof(r->chunk));

	if (n > 0)
		keep(a, i, r->chunk, (size_t)n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n > 0 ? n : -1;
}

static void close_pipe(struct attend *a, int i)
{
	close(a->in[i]);
	a->in[i] = -1;
}

/* What cannot be waited for must not run on unseen. */
static void give_up(struct attend *a)
{
	blame(a, JOB_FAILED, "its recorder could not wait for it");
	kill(-a->pid, SIGKILL);
	while (waitpid(a->pid, &a->status, 0) < 0 && errno == EINTR)
		;
	a->ended = true;
}

static void wait_for_events(struct attend *a)
{
	struct pollfd p[3] = {{.fd = a->recorder->signals, .events = POLLIN},
		{.fd = a->in[0], .events = POLLIN}, {.fd = a->in[1], .events = POLLIN}};
	uint64_t left = clock_left(a->next);
	struct timespec ts = {
		.tv_sec = (time_t)(left / NSEC_PER_SEC), .tv_nsec = (long)(left % NSEC_PER_SEC)};
	int n = ppoll(p, ARRAY_LEN(p), a->next == CLOCK_FOREVER ? NULL : &ts, NULL);

	if (n < 0 && errno != EINTR)
		give_up(a);
	if (n <= 0)
		return;
	for (int i = 0; i < 2; i++) {
		short events = p[i + 1].revents;

		/* Without POLLIN nothing is left in it. */
		if (events && (!(events & POLLIN) || read_pipe(a, i) < 0))
			close_pipe(a, i);
	}
	if (p[0].revents)
		read_signals(a);
}

/* The rest of what it printed. Its own writers are dead; one outside of it that was passed the
 * descriptor may write on: no more is taken than the pipe can have held. */
static void drain_pipe(struct attend *a, int i)
{
	ssize_t left = fcntl(a->in[i], F_GETPIPE_SZ);

	while (left > 0) {
		ssize_t n = read_pipe(a, i);

		if (n <= 0)
			break;
		left -= n;
	}
	close_pipe(a, i);
}

pid_t attend_next_child(const char **list)
{
	char *end;
	long pid = strtol(*list, &end, 10);

	if (end == *list || *end != ' ')
		return 0;
	*list = end + 1;
	return (pid_t)pid;
}

/* Children that we have: what the job left behind, and what that leaves behind when it is killed.
 * Needs /proc. */
static void kill_children(void)
{
	char path[64], text[4096];
	const char *list = text;
	auto_close int fd = -1;
	ssize_t n;
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return;
	text[n] = '\0';
	while ((pid = attend_next_child(&list)) > 1)
		kill(pid, SIGKILL);
}

static void wait_a_little(const struct attend *a)
{
	struct pollfd p = {.fd = a->recorder->signals, .events = POLLIN};
	struct timespec ts = {.tv_nsec = (long)CLEAR_STEP};
	struct signalfd_siginfo info[8];

	if (ppoll(&p, 1, &ts, NULL) > 0 && read(p.fd, info, sizeof(info)) < 0)
		return;
}

/* The group first: most often that is all, and there is nobody left. */
static void clear_away(struct attend *a)
{
	uint64_t deadline = clock_deadline(CLEAR_TIME);

	kill(-a->pid, SIGKILL);
	while (reap(a) && clock_left(deadline) > 0) {
		kill_children();
		wait_a_little(a);
	}
	for (int i = 0; i < 2; i++)
		if (a->in[i] >= 0)
			drain_pipe(a, i);
}

void attend_job(struct attend *a)
{
	plan_limit(a);
	while (!a->ended) {
		wait_for_events(a);
		reap(a);
		if (!a->ended && a->next != CLOCK_FOREVER && clock_left(a->next) == 0)
			advance(a);
	}
	clear_away(a);
}
