/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/spawn.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define FILES_SOFT 1024 /* what select(2) bears; a program may raise it */
#define FILES_HARD 524288

/* What the child does before it is another program: each step a call, named for the message. */
enum step { STEP_SESSION, STEP_FILES, STEP_LIMITS, STEP_CPUS, STEP_USER, STEP_CWD, STEP_EXEC };

struct child {
	const struct spawn_request *r;
	pid_t parent;
	char file[PATH_MAX];
	/* Written by the child, which shares our memory until it is another program. */
	volatile enum step step;
	volatile int num;
};

/* The wrappers of the C library would change all threads of this process, whose memory it is. */
static bool change_user(const struct owner *o)
{
	return syscall(SYS_setgroups, 0, NULL) == 0 &&
	       syscall(SYS_setresgid, o->gid, o->gid, o->gid) == 0 &&
	       syscall(SYS_setresuid, o->uid, o->uid, o->uid) == 0;
}

static bool set_files(const struct spawn_request *r)
{
	for (int i = 0; i < 3; i++)
		if (dup2(r->fd[i], i) < 0)
			return false;
#ifdef SYS_close_range
	/* Ours close on exec; those of libraries may not. */
	syscall(SYS_close_range, 3, UINT_MAX, 0);
#endif
	return true;
}

static bool set_limits(const struct spawn_request *r)
{
	const struct rlimit core = {0, 0};
	const rlim_t size = r->largest_file ? r->largest_file : RLIM_INFINITY;
	const struct rlimit largest = {size, size};
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return false;
	if (files.rlim_max > FILES_HARD)
		files.rlim_max = FILES_HARD;
	files.rlim_cur = files.rlim_max < FILES_SOFT ? files.rlim_max : FILES_SOFT;
	return setrlimit(RLIMIT_NOFILE, &files) == 0 && setrlimit(RLIMIT_CORE, &core) == 0 &&
	       (size == RLIM_INFINITY || setrlimit(RLIMIT_FSIZE, &largest) == 0);
}

static void reset_signals(void)
{
	sigset_t none;

	/* Those that main() ignores; handlers are forgotten by execve(2). */
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* As execvp(3), but with the PATH of the job. Sets c->num. */
static void exec_found(struct child *c)
{
	const char *name = c->r->argv[0];
	const char *dir = c->r->path;
	bool denied = false;

	if (strchr(name, '/')) {
		execve(name, c->r->argv, c->r->envp);
		c->num = errno;
		return;
	}
	while (*dir) {
		size_t len = strcspn(dir, ":");

		if (len > 0 && len + strlen(name) + 2 <= sizeof(c->file)) {
			memcpy(c->file, dir, len);
			c->file[len] = '/';
			memcpy(c->file + len + 1, name, strlen(name) + 1);
			execve(c->file, c->r->argv, c->r->envp);
			denied = denied || errno == EACCES;
		}
		dir += len + (dir[len] == ':');
	}
	c->num = denied ? EACCES : ENOENT;
}

static bool fail_at(struct child *c, enum step step)
{
	c->step = step;
	c->num = errno;
	return false;
}

static bool become(struct child *c)
{
	const struct spawn_request *r = c->r;

	if (setsid() < 0)
		return fail_at(c, STEP_SESSION);
	if (!set_files(r))
		return fail_at(c, STEP_FILES);
	if (!set_limits(r))
		return fail_at(c, STEP_LIMITS);
	if (r->set && sched_setaffinity(0, sizeof(*r->set), r->set) < 0)
		return fail_at(c, STEP_CPUS);
	umask(022);
	if (r->owner->change && !change_user(r->owner))
		return fail_at(c, STEP_USER);
	/* After the change, which takes it away. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return fail_at(c, STEP_USER);
	if (getppid() != c->parent) {
		errno = ESRCH;
		return fail_at(c, STEP_SESSION);
	}
	if (chdir(r->cwd) < 0)
		return fail_at(c, STEP_CWD);
	c->step = STEP_EXEC;
	return true;
}

static void __attribute__((noinline, noreturn)) child(struct child *c)
{
	if (become(c)) {
		reset_signals();
		exec_found(c);
	}
	_exit(127);
}

static pid_t __attribute__((noinline)) start(struct child *c)
{
	pid_t pid = vfork();

	if (pid == 0)
		child(c);
	return pid;
}

static int describe(const struct child *c, struct err *e)
{
	static const char *const what[] = {
		[STEP_SESSION] = "cannot begin a session",
		[STEP_FILES] = "cannot set up its descriptors",
		[STEP_LIMITS] = "cannot set its limits",
		[STEP_CPUS] = "cannot pin it to its CPUs",
		[STEP_USER] = "cannot become its user",
	};

	if (c->step == STEP_EXEC)
		return err_set(e, ERR_DATA, c->num, "cannot run '%.100s': %s", c->r->argv[0],
			strerror(c->num));
	if (c->step == STEP_CWD)
		return err_set(e, ERR_DATA, c->num, "cannot start in '%.200s': %s", c->r->cwd,
			strerror(c->num));
	return err_set(e, ERR_SYSTEM, c->num, "%s: %s", what[c->step], strerror(c->num));
}

int spawn_job(const struct spawn_request *r, pid_t *ret_pid, struct err *e)
{
	struct child c = {.r = r, .parent = getpid()};
	pid_t pid = start(&c);
	int status;

	if (pid < 0)
		return err_errno(e, "cannot start a process");
	if (c.num == 0) {
		*ret_pid = pid;
		return 0;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return describe(&c, e);
}
