/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command's processes, each the parent of the next: ours, which enters the machine's namespaces;
 * one that is in them; the first process of PID and mount namespaces for this command alone; sh.
 * Each is killed with its parent, and the third takes with it whatever the command has started.
 */
#include "controller/machine/local_run.h"

#include "controller/child.h"
#include "controller/machine/local_root.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

char *const local_environment[] = {
	(char[]){"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
	(char[]){"HOME=/root"}, NULL};

static bool is_ours(const struct stat *st, const char *name)
{
	struct stat mine;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	return stat(path, &mine) == 0 && mine.st_ino == st->st_ino && mine.st_dev == st->st_dev;
}

/* Keeps *fd unless it is a namespace that we are in already. */
static int add_space(struct local_spaces *s, int *fd, const char *name, struct err *e)
{
	struct stat st;

	if (fstat(*fd, &st) < 0)
		return err_errno(e, "cannot look at a namespace");
	if (!is_ours(&st, name))
		s->fd[s->n++] = take_fd(fd);
	return 0;
}

int local_spaces_open(pid_t pid, struct local_spaces *ret, struct err *e)
{
	/* The user namespace that owns the PID namespace gives the right to enter it and others,
	 * and then its child, which owns the mounts. */
	static const char *const names[] = {"pid", "ipc", "uts", "net", "user", "mnt"};
	int rc = 0;

	ret->n = 0;
	for (size_t i = 0; i < ARRAY_LEN(names) && rc == 0; i++) {
		auto_close int fd = -1;
		auto_close int owner = -1;
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, names[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_errno(e, "cannot open '%s'", path);
		if (i == 0) {
			owner = ioctl(fd, NS_GET_USERNS);
			if (owner < 0)
				return err_errno(e, "cannot ask whose '%s' is", path);
			rc = add_space(ret, &owner, "user", e);
		}
		if (rc == 0)
			rc = add_space(ret, &fd, names[i], e);
	}
	return rc;
}

void local_spaces_close(struct local_spaces *s)
{
	while (s->n > 0)
		close(s->fd[--s->n]);
}

bool local_tie(int fd)
{
	struct pollfd p = {.fd = fd};

	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && poll(&p, 1, 0) >= 0 &&
	       !(p.revents & POLLHUP);
}

static _Noreturn void give_up(const char *what)
{
	dprintf(STDERR_FILENO, "local machine: %s: %s\n", what, strerror(errno));
	_exit(MACHINE_BROKEN);
}

/* A copy of this process, killed with it; 0 in the copy. */
static pid_t fork_tied(void)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		give_up("cannot make a pipe");
	pid = fork();
	if (pid < 0)
		give_up("cannot make a process");
	if (pid == 0) {
		close(ends[1]);
		if (!local_tie(ends[0]))
			_exit(MACHINE_BROKEN);
	}
	close(ends[0]);
	return pid;
}

/* Its streams are the command's alone, so that who reads them sees their end. */
static void close_streams(void)
{
	for (int fd = 0; fd < 3; fd++)
		close(fd);
}

/* Of a process that only hands on how the next has ended; killed is what nobody inside can be. */
static _Noreturn void follow(pid_t pid)
{
	int status;

	close_streams();
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			_exit(MACHINE_BROKEN);
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : MACHINE_BROKEN);
}

static _Noreturn void be_shell(const char *shell)
{
	const char *const argv[] = {"/bin/sh", "-c", shell, NULL};

	setsid();
	/* Not allowed where its user is the only one; it then has those that we have. */
	(void)!setgroups(0, NULL);
	umask(022);
	if (chdir("/root") < 0)
		give_up("cannot go to '/root'");
	child_exec(argv, local_environment);
}

/* The first of the command's own namespaces: reaps, and ends when the shell does. */
static _Noreturn void be_init(const char *shell)
{
	struct err e = ERR_INIT;
	pid_t pid, ended;
	int status = 0;

	if (local_root_proc(&e) < 0) {
		dprintf(STDERR_FILENO, "local machine: %s\n", e.msg);
		_exit(MACHINE_BROKEN);
	}
	pid = fork();
	if (pid < 0)
		give_up("cannot make a process");
	if (pid == 0)
		be_shell(shell);
	close_streams();
	do
		ended = wait(&status);
	while (ended != pid && (ended > 0 || errno == EINTR));
	_exit(ended == pid ? child_code(status) : MACHINE_BROKEN);
}

static _Noreturn void enter(const struct local_spaces *s, const char *shell)
{
	const pid_t parent = getppid();
	pid_t pid;

	/* Until sh is there our memory is a copy of the caller's: nobody there may look. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		give_up("cannot hide its memory");
	for (size_t i = 0; i < s->n; i++) {
		if (setns(3 + (int)i, 0) < 0)
			give_up("cannot enter its namespaces");
		close(3 + (int)i);
	}
	/* The kernel has forgotten both with the change of user namespace. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
		getppid() != parent)
		_exit(MACHINE_BROKEN);
	pid = fork_tied();
	if (pid > 0)
		follow(pid);
	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
		give_up("cannot make namespaces");
	pid = fork_tied();
	if (pid > 0)
		follow(pid);
	be_init(shell);
}

int local_run(
	const struct local_spaces *s, const struct machine_command *c, pid_t *ret, struct err *e)
{
	const struct child_files files = {
		.in = c->in, .out = c->out, .err = c->err, .keep = s->fd, .n_keep = s->n};
	pid_t pid;
	int rc = child_fork(&files, &pid, e);

	if (rc < 0)
		return rc;
	if (pid == 0)
		enter(s, c->shell);
	*ret = pid;
	return 0;
}
