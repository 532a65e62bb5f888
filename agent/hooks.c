/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/hooks.h"

#include "agent/hooks_find.h"
#include "common/clock.h"
#include "common/num.h"
#include "common/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

/* How often the end is looked for where the kernel has no pidfd (before Linux 5.3). */
#define TICK (100 * NSEC_PER_MSEC)

struct hooks {
	struct hooks_list list;
	size_t at; /* the next to be started */
	char **env;
	size_t shared; /* entries of env that are not ours */
	int loop;      /* epoll: timer and pidfd */
	int timer;
	int pidfd; /* -1: none */
	pid_t pid; /* 0: none runs */
	bool killed;
	uint64_t deadline;
};

static bool has_name(const char *variable, const char *name, size_t len)
{
	return strncmp(variable, name, len) == 0 && variable[len] == '=';
}

/* What speaks to the service manager in our name, and what env has itself. */
static bool is_kept(const char *variable, const char *const *env)
{
	static const char *const ours[] = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
		"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};
	size_t len = strcspn(variable, "=");

	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		if (has_name(variable, ours[i], strlen(ours[i])))
			return false;
	}
	for (; *env; env++) {
		if (has_name(*env, variable, len))
			return false;
	}
	return true;
}

static size_t count(const char *const *list)
{
	size_t n = 0;

	while (list[n])
		n++;
	return n;
}

static int make_env(struct hooks *h, const char *const *env, struct err *e)
{
	size_t n = 0;

	h->env = calloc(count((const char *const *)environ) + count(env) + 1, sizeof(*h->env));
	if (!h->env)
		return err_oom(e);
	for (char **v = environ; *v; v++) {
		if (is_kept(*v, env))
			h->env[n++] = *v;
	}
	h->shared = n;
	for (; *env; env++) {
		h->env[n] = strdup(*env);
		if (!h->env[n++])
			return err_oom(e);
	}
	return 0;
}

static int watch(const struct hooks *h, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN};

	return epoll_ctl(h->loop, EPOLL_CTL_ADD, fd, &ev);
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / NSEC_PER_SEC), .tv_nsec = (long)(ns % NSEC_PER_SEC)};
}

/* At the deadline, or in ticks. */
static int set_timer(const struct hooks *h, bool ticks)
{
	struct itimerspec when = {
		.it_value = timespec_of(ticks ? clock_deadline(TICK) : h->deadline)};

	if (ticks)
		when.it_interval = timespec_of(TICK);
	/* 0 would turn it off. */
	if (when.it_value.tv_sec == 0 && when.it_value.tv_nsec == 0)
		when.it_value.tv_nsec = 1;
	return timerfd_settime(h->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static int open_loop(struct hooks *h, struct err *e)
{
	h->loop = epoll_create1(EPOLL_CLOEXEC);
	h->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (h->loop < 0 || h->timer < 0 || watch(h, h->timer) < 0 || set_timer(h, false) < 0)
		return err_errno(e, "cannot watch hooks");
	return 0;
}

int hooks_start(const struct hooks_request *r, struct hooks **ret, struct err *e)
{
	struct hooks *h = calloc(1, sizeof(*h));
	int rc;

	if (!h)
		return err_oom(e);
	h->loop = h->timer = h->pidfd = -1;
	h->deadline = r->deadline;
	rc = make_env(h, r->env, e);
	if (rc == 0)
		rc = hooks_find(r->rootfd, r->only, &h->list, e);
	if (rc == 0)
		rc = open_loop(h, e);
	if (rc < 0) {
		hooks_free(h);
		return rc;
	}
	*ret = h;
	return 0;
}

int hooks_fd(const struct hooks *h)
{
	return h->loop;
}

bool hooks_are_over(const struct hooks *h)
{
	return h->pid == 0 && h->at == h->list.len;
}

void hooks_hurry(struct hooks *h, uint64_t deadline)
{
	if (deadline >= h->deadline)
		return;
	h->deadline = deadline;
	(void)set_timer(h, h->pid > 0 && h->pidfd < 0);
}

static int open_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
	return (int)syscall(SYS_pidfd_open, pid, 0);
#else
	(void)pid;
	return -1;
#endif
}

/* The group is killed while its leader is not reaped yet: its number cannot be another's. */
static void end_group(struct hooks *h)
{
	kill(-h->pid, SIGKILL);
	while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (h->pidfd >= 0)
		close(h->pidfd);
	h->pidfd = -1;
	h->pid = 0;
}

static void describe(struct hooks_event *ev, enum hooks_what what, const char *why, int number)
{
	ev->what = what;
	if (number >= 0)
		snprintf(ev->why, sizeof(ev->why), "%s %d", why, number);
	else
		snprintf(ev->why, sizeof(ev->why), "%.*s", (int)sizeof(ev->why) - 1, why);
}

/* true: what ran has ended. */
static bool is_ended(struct hooks *h, struct hooks_event *ev)
{
	siginfo_t info = {0};
	bool seen = waitid(P_PID, (id_t)h->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;

	if (seen && info.si_pid == 0)
		return false;
	snprintf(ev->name, sizeof(ev->name), "%s", h->list.file[h->at - 1].name);
	if (h->killed)
		describe(ev, HOOKS_KILLED, "", -1);
	else if (!seen)
		describe(ev, HOOKS_FAILED, "its end was not seen", -1);
	else if (info.si_code != CLD_EXITED)
		describe(ev, HOOKS_FAILED, "signal", info.si_status);
	else if (info.si_status != 0)
		describe(ev, HOOKS_FAILED, "exit status", info.si_status);
	else
		describe(ev, HOOKS_DONE, "", -1);
	end_group(h);
	return true;
}

static int start(struct hooks *h, const struct hooks_file *f, struct err *e)
{
	const char *const argv[] = {f->path, NULL};
	const struct proc_spawn s = {
		.argv = argv, .env = h->env, .out = STDERR_FILENO, .err = -1, .group = true};
	int rc = proc_spawn(&s, &h->pid, e);

	if (rc < 0) {
		h->pid = 0;
		return rc;
	}
	h->killed = false;
	h->pidfd = open_pidfd(h->pid);
	if (h->pidfd >= 0)
		fcntl(h->pidfd, F_SETFD, FD_CLOEXEC);
	if (h->pidfd < 0 || watch(h, h->pidfd) < 0)
		(void)set_timer(h, true);
	return 0;
}

static void begin_next(struct hooks *h, struct hooks_event *ev)
{
	const struct hooks_file *f = &h->list.file[h->at++];
	struct err e = ERR_INIT;

	snprintf(ev->name, sizeof(ev->name), "%s", f->name);
	if (*f->why)
		describe(ev, HOOKS_SKIPPED, f->why, -1);
	else if (clock_left(h->deadline) == 0)
		describe(ev, HOOKS_NOT_STARTED, "", -1);
	else if (start(h, f, &e) < 0)
		describe(ev, HOOKS_FAILED, e.msg, -1);
	else
		describe(ev, HOOKS_BEGUN, "", -1);
}

bool hooks_next(struct hooks *h, struct hooks_event *ret)
{
	uint64_t ticks;

	*ret = (struct hooks_event){0};
	if (read(h->timer, &ticks, sizeof(ticks)) < 0)
		ticks = 0;
	if (h->pid > 0) {
		if (clock_left(h->deadline) == 0 && !h->killed) {
			kill(-h->pid, SIGKILL);
			h->killed = true;
		}
		return is_ended(h, ret);
	}
	if (hooks_are_over(h))
		return false;
	begin_next(h, ret);
	return true;
}

void hooks_free(struct hooks *h)
{
	if (!h)
		return;
	if (h->pid > 0)
		end_group(h);
	for (size_t i = h->shared; h->env && h->env[i]; i++)
		free(h->env[i]);
	free(h->env);
	hooks_list_free(&h->list);
	if (h->timer >= 0)
		close(h->timer);
	if (h->loop >= 0)
		close(h->loop);
	free(h);
}
