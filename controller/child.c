/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/child.h"

#include "common/clock.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE (2 * NSEC_PER_SEC)

#define STREAMS 3

static void close_from(unsigned first)
{
	struct rlimit limit;

	if (syscall(SYS_close_range, first, ~0U, 0) == 0)
		return;
	/* before Linux 5.9 */
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 65536)
		limit.rlim_cur = 65536;
	for (unsigned fd = first; fd < limit.rlim_cur; fd++)
		close((int)fd);
}

/* All out of the way first: what is to be 0 may lie where 1 will be. */
static int place_files(const struct child_files *f)
{
	const int wanted[STREAMS] = {f->in, f->out, f->err};
	const int n = STREAMS + (int)f->n_keep;
	int up[STREAMS + CHILD_KEEP];

	for (int i = 0; i < n; i++) {
		int fd = i < STREAMS ? wanted[i] : f->keep[i - STREAMS];
		auto_close int null = -1;

		if (fd < 0)
			fd = null = open("/dev/null", O_RDWR | O_CLOEXEC);
		up[i] = fcntl(fd, F_DUPFD_CLOEXEC, n);
		if (up[i] < 0)
			return -errno;
	}
	for (int i = 0; i < n; i++) {
		if (dup3(up[i], i, i < STREAMS ? 0 : O_CLOEXEC) < 0)
			return -errno;
	}
	close_from((unsigned)n);
	return 0;
}

static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int become(const struct child_files *f, pid_t parent)
{
	setpgid(0, 0);
	reset_signals();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	/* It may have ended before. */
	if (getppid() != parent)
		return -ESRCH;
	return place_files(f);
}

int child_fork(const struct child_files *f, pid_t *ret, struct err *e)
{
	const pid_t parent = getpid();
	sigset_t all, old;
	pid_t pid;

	/* No handler of ours may run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0 && become(f, parent) < 0)
		_exit(127);
	if (pid != 0)
		sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return err_errno(e, "cannot make a process");
	/* Here too, so that it leads its group whoever is first. */
	if (pid > 0)
		setpgid(pid, pid);
	*ret = pid;
	return 0;
}

void child_exec(const char *const *argv, char *const *env)
{
	execvpe(argv[0], (char *const *)argv, env);
	dprintf(STDERR_FILENO, "cannot run '%s': %s\n", argv[0], strerror(errno));
	_exit(127);
}

int child_spawn(const char *const *argv, char *const *env, const struct child_files *f,
	struct child *ret, struct err *e)
{
	pid_t pid;
	int rc = child_fork(f, &pid, e);

	if (rc < 0)
		return rc;
	if (pid == 0)
		child_exec(argv, env);
	*ret = (struct child){.pid = pid};
	return 0;
}

bool child_ended(struct child *c)
{
	if (c->pid == 0)
		return true;
	if (c->kill_at && clock_left(c->kill_at) == 0)
		kill(-c->pid, SIGKILL);
	if (waitpid(c->pid, &c->status, WNOHANG) == 0)
		return false;
	c->pid = 0;
	return true;
}

void child_stop(struct child *c)
{
	if (c->pid == 0 || c->kill_at)
		return;
	kill(-c->pid, SIGTERM);
	c->kill_at = clock_deadline(GRACE);
}

void child_kill(struct child *c)
{
	if (c->pid == 0)
		return;
	kill(-c->pid, SIGKILL);
	while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
}

int child_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
