/* SPDX-License-Identifier: Apache-2.0 */
#include "common/proc.h"

#include "common/clock.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

#define CHUNK 65536

/* How often we look whether the child has ended while its output is still open (a grandchild may
 * hold it): from 1 ms, doubled up to 50 ms. */
#define WAIT_FIRST NSEC_PER_MSEC
#define WAIT_MAX   (50 * NSEC_PER_MSEC)

struct child {
	pid_t pid;
	int fd; /* its standard output, -1 after the end */
	int status;
	bool ended;
};

static int set_actions(posix_spawn_file_actions_t *actions, const struct proc_spawn *s)
{
	int rc = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);

	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(actions, s->out, 1);
	if (rc == 0 && s->err >= 0)
		rc = posix_spawn_file_actions_adddup2(actions, s->err, 2);
#if __GLIBC_PREREQ(2, 34)
	/* All descriptors of ours are O_CLOEXEC; those of libraries may not be. */
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(actions, 3);
#endif
	return rc;
}

static int set_attributes(posix_spawnattr_t *attr, const struct proc_spawn *s)
{
	short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	rc = posix_spawnattr_setsigmask(attr, &none);
	if (rc == 0)
		rc = posix_spawnattr_setsigdefault(attr, &all);
	if (rc == 0 && s->group)
		rc = posix_spawnattr_setpgroup(attr, 0);
	if (s->group)
		flags |= POSIX_SPAWN_SETPGROUP;
	return rc ? rc : posix_spawnattr_setflags(attr, flags);
}

/* Returns a positive errno, as posix_spawn does. */
static int spawn(const struct proc_spawn *s, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc)
		return rc;
	rc = posix_spawnattr_init(&attr);
	if (rc == 0) {
		rc = set_actions(&actions, s);
		if (rc == 0)
			rc = set_attributes(&attr, s);
		if (rc == 0)
			rc = posix_spawnp(ret_pid, s->argv[0], &actions, &attr,
				(char *const *)s->argv, s->env ? s->env : environ);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

int proc_spawn(const struct proc_spawn *s, pid_t *ret_pid, struct err *e)
{
	int rc = spawn(s, ret_pid);

	if (rc == 0)
		return 0;
	errno = rc;
	return err_errno(e, "cannot run '%s'", s->argv[0]);
}

static int start(const struct proc_request *r, struct child *ret, struct err *e)
{
	auto_close int in = -1;
	auto_close int out = -1;
	int fds[2];
	int rc;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, "cannot run '%s'", r->argv[0]);
	in = fds[0];
	out = fds[1];
	if (fcntl(in, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(e, "cannot run '%s'", r->argv[0]);
	rc = proc_spawn(&(struct proc_spawn){.argv = r->argv, .env = r->env, .out = out, .err = -1},
		&ret->pid, e);
	if (rc == 0)
		ret->fd = take_fd(&in);
	return rc;
}

/* What can be read now. */
static int drain(struct child *c, const char *name, struct buf *out, struct err *e)
{
	char chunk[CHUNK];

	while (c->fd >= 0) {
		ssize_t n = read(c->fd, chunk, sizeof(chunk));
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return err_errno(e, "cannot read what '%s' prints", name);
		if (n == 0) {
			close(c->fd);
			c->fd = -1;
			return 0;
		}
		rc = buf_add(out, chunk, (size_t)n);
		if (rc == -EFBIG)
			return err_set(e, ERR_DATA, EFBIG, "'%s' prints more than %zu bytes", name,
				out->max);
		if (rc < 0)
			return err_oom(e);
	}
	return 0;
}

static void wait_for_output(const struct child *c, uint64_t ns, uint64_t deadline)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	uint64_t left = clock_left(deadline);
	struct timespec ts = {.tv_nsec = (long)(left < ns ? left : ns)};

	ppoll(&p, 1, &ts, NULL);
}

static int attend(struct child *c, const struct proc_request *r, struct buf *out, struct err *e)
{
	uint64_t step = WAIT_FIRST;

	for (;;) {
		/* Looked at before the last read: what was printed before the end is then there. */
		pid_t pid = waitpid(c->pid, &c->status, WNOHANG);
		int rc = pid < 0 ? err_errno(e, "cannot wait for '%s'", r->argv[0])
				 : drain(c, r->argv[0], out, e);

		c->ended = pid != 0;
		if (rc < 0 || c->ended)
			return rc;
		if (clock_left(r->deadline) == 0)
			return err_set(e, ERR_TRANSIENT, ETIMEDOUT, "'%s' did not end in time",
				r->argv[0]);
		wait_for_output(c, step, r->deadline);
		step = step * 2 < WAIT_MAX ? step * 2 : WAIT_MAX;
	}
}

static void finish(struct child *c)
{
	if (c->fd >= 0)
		close(c->fd);
	if (c->ended)
		return;
	kill(c->pid, SIGKILL);
	while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
		;
}

int proc_run(const struct proc_request *r, struct buf *out, int *ret_status, struct err *e)
{
	struct child c = {.pid = -1, .fd = -1};
	size_t before = out->len;
	int rc = start(r, &c, e);

	if (rc < 0)
		return rc;
	rc = attend(&c, r, out, e);
	finish(&c);
	if (rc < 0 && out->data) {
		out->len = before;
		out->data[before] = '\0';
	}
	if (rc == 0)
		*ret_status =
			WIFSIGNALED(c.status) ? 128 + WTERMSIG(c.status) : WEXITSTATUS(c.status);
	return rc;
}
