/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs as children of recorders, which are forked from the watcher without execve(2). A recorder
 * runs one job after the other: the watcher sends it the next ID over a socket, it answers with how
 * that ended. The end of the socket (the watcher died, or has no use for it) ends it after its job.
 */
#include "agent/executor.h"

#include "agent/recorder.h"
#include "agent/rundir.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define FDS_MAX 4096

struct message {
	char id[SPOOL_ID];
	struct executor_grant grant;
};

/* One recorder: a child of ours, or, of a job that was attached to, somebody else's. */
struct runner {
	struct executor_event ev; /* first */
	struct executor *x;
	struct runner *next;
	pid_t pid;
	int fd; /* socket of a child, pidfd of another, -1: neither */
	bool child;
	bool leaving;      /* told to end */
	char id[SPOOL_ID]; /* "": idle */
};

struct executor {
	struct executor_setup setup;
	struct runner *first;
};

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void close_from(unsigned from, unsigned to)
{
	/* Before Linux 5.9; more than these the watcher has not. */
	if (close_range(from, to, 0) < 0)
		for (unsigned fd = from; fd <= to && fd < FDS_MAX; fd++)
			close((int)fd);
}

/* Closes all but these and the standard ones: what the watcher has open is not the recorder's, and
 * would keep the sockets of other recorders from ending. */
static void keep_only(int *fd, size_t n)
{
	unsigned from = 3;

	qsort(fd, n, sizeof(*fd), compare);
	for (size_t i = 0; i < n; i++) {
		if (fd[i] < (int)from)
			continue;
		if (fd[i] > (int)from)
			close_from(from, (unsigned)fd[i] - 1);
		from = (unsigned)fd[i] + 1;
	}
	close_from(from, ~0U);
}

static void serve(struct recorder *r, int fd)
{
	struct executor_ended ended;
	struct message m;
	ssize_t n;

	for (;;) {
		struct err e = ERR_INIT;

		do {
			n = recv(fd, &m, sizeof(m), 0);
		} while (n < 0 && errno == EINTR);
		if (n != (ssize_t)sizeof(m))
			return;
		if (recorder_run(r, m.id, &m.grant, &ended, &e) < 0) {
			ended = (struct executor_ended){.known = false};
			memcpy(ended.id, m.id, sizeof(ended.id));
			snprintf(ended.why, sizeof(ended.why), "%.*s", (int)sizeof(ended.why) - 1,
				e.msg);
		}
		if (send(fd, &ended, sizeof(ended), MSG_NOSIGNAL) < 0 && errno != EPIPE)
			return;
	}
}

static void __attribute__((noreturn)) be_recorder(struct executor *x, int fd)
{
	const struct spool *s = x->setup.spool;
	int kept[] = {
		fd, x->setup.root, s->fd, s->tmp, s->new, s->run, s->done, s->failed, s->cancel};
	struct recorder *r = calloc(1, sizeof(*r));
	struct err e = ERR_INIT;

	setsid();
	prctl(PR_SET_NAME, "shared-prep-rec");
	keep_only(kept, ARRAY_LEN(kept));
	if (!r)
		_exit(4);
	if (recorder_open(&x->setup, false, r, &e) == 0)
		serve(r, fd);
	recorder_close(r);
	free(r);
	_exit(e.kind == ERR_NONE ? 0 : 4);
}

/* To close it is not enough for epoll: a recorder that was just forked may have it yet. */
static void unlink_runner(struct executor *x, struct runner *r)
{
	struct runner **p = &x->first;

	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
	if (r->fd >= 0)
		epoll_ctl(x->setup.loop, EPOLL_CTL_DEL, r->fd, NULL);
	auto_close_fn(&r->fd);
	free(r);
}

static void tell_end(struct executor *x, const struct executor_ended *ended)
{
	x->setup.ended(ended, x->setup.ctx);
}

/* It died, or another's has ended: the folder tells what became of the job. */
static void runner_gone(struct runner *r)
{
	struct executor_ended ended = {.known = false};
	struct executor *x = r->x;

	memcpy(ended.id, r->id, sizeof(ended.id));
	if (r->child)
		while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
			;
	unlink_runner(x, r);
	if (*ended.id)
		tell_end(x, &ended);
}

static void on_ready(struct executor_event *ev, uint32_t events)
{
	struct runner *r = (struct runner *)ev;
	struct executor_ended ended;
	ssize_t n;

	(void)events;
	n = r->child ? recv(r->fd, &ended, sizeof(ended), MSG_DONTWAIT) : 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != (ssize_t)sizeof(ended)) {
		runner_gone(r);
		return;
	}
	*r->id = '\0';
	tell_end(r->x, &ended);
}

static int add_runner(struct executor *x, struct runner *r, struct err *e)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &r->ev};

	if (r->fd >= 0 && epoll_ctl(x->setup.loop, EPOLL_CTL_ADD, r->fd, &event) < 0)
		return err_errno(e, "cannot wait for a recorder");
	r->x = x;
	r->ev.ready = on_ready;
	r->next = x->first;
	x->first = r;
	return 0;
}

static int fork_runner(struct executor *x, struct runner **ret, struct err *e)
{
	auto_free struct runner *r = calloc(1, sizeof(*r));
	auto_close int theirs = -1;
	auto_close int ours = -1;
	int fds[2];
	int rc;

	if (!r)
		return err_oom(e);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(e, "cannot make a recorder");
	ours = fds[0];
	theirs = fds[1];
	r->child = true;
	r->fd = ours;
	rc = add_runner(x, r, e);
	if (rc < 0)
		return rc;
	r->pid = fork();
	if (r->pid == 0)
		be_recorder(x, theirs);
	if (r->pid < 0) {
		rc = err_errno(e, "cannot make a recorder");
		x->first = r->next;
		return rc;
	}
	take_fd(&ours);
	*ret = take_ptr(r);
	return 0;
}

static int process_open(const struct executor_setup *setup, struct executor **ret, struct err *e)
{
	struct executor *x = calloc(1, sizeof(*x));

	if (!x)
		return err_oom(e);
	x->setup = *setup;
	*ret = x;
	return 0;
}

static int process_start(
	struct executor *x, const char *id, const struct executor_grant *grant, struct err *e)
{
	struct message m = {.grant = *grant};
	struct runner *r = x->first;
	int rc = 0;

	while (r && (!r->child || r->leaving || *r->id))
		r = r->next;
	if (!r)
		rc = fork_runner(x, &r, e);
	if (rc < 0)
		return rc;
	snprintf(m.id, sizeof(m.id), "%s", id);
	if (send(r->fd, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		rc = err_errno(e, "cannot reach a recorder");
		r->leaving = true;
		return rc;
	}
	memcpy(r->id, m.id, sizeof(r->id));
	return 0;
}

static struct runner *find(const struct executor *x, const char *id)
{
	struct runner *r = x->first;

	while (r && strcmp(r->id, id) != 0)
		r = r->next;
	return r;
}

static int process_stop(struct executor *x, const char *id, bool now, struct err *e)
{
	const struct runner *r = find(x, id);
	const int number = recorder_signal(now);
	int rc;

	if (!r)
		return err_set(e, ERR_SYSTEM, ESRCH, "'%s' does not run", id);
	if (r->child || r->fd < 0)
		rc = kill(r->pid, number);
	else
		rc = (int)syscall(SYS_pidfd_send_signal, r->fd, number, NULL, 0);
	return rc < 0 ? err_errno(e, "cannot end '%s'", id) : 0;
}

static int lock_of(const struct executor *x, const char *id, enum rundir_state *ret,
	struct rundir_lock *ret_lock, struct err *e)
{
	auto_close int dir = -1;
	int rc = rundir_open(x->setup.spool->run, id, &dir, e);

	return rc < 0 ? rc : rundir_state(dir, ret, ret_lock, e);
}

static int process_attach(struct executor *x, const char *id, struct err *e)
{
	auto_free struct runner *r = calloc(1, sizeof(*r));
	enum rundir_state state;
	struct rundir_lock lock;
	auto_close int fd = -1;
	int rc;

	if (!r)
		return err_oom(e);
	rc = lock_of(x, id, &state, &lock, e);
	if (rc == 0 && state == RUNDIR_RUNNING)
		fd = (int)syscall(SYS_pidfd_open, lock.pid, 0);
	/* Held still: then this process is the one that holds it, and no other of its number. */
	if (rc == 0 && fd >= 0)
		rc = lock_of(x, id, &state, &lock, e);
	if (rc == 0 && state != RUNDIR_RUNNING)
		return err_set(e, ERR_SYSTEM, ESRCH, "'%s' does not run", id);
	if (rc < 0)
		return rc;
	/* Before Linux 5.3 only the lock tells, which process_check() looks at. */
	r->fd = fd;
	r->pid = lock.pid;
	snprintf(r->id, sizeof(r->id), "%s", id);
	rc = add_runner(x, r, e);
	if (rc < 0)
		return rc;
	take_fd(&fd);
	r = NULL;
	return 0;
}

static void process_idle(struct executor *x)
{
	for (struct runner *r = x->first; r; r = r->next) {
		if (!r->child || r->leaving || *r->id)
			continue;
		r->leaving = true;
		shutdown(r->fd, SHUT_WR);
	}
}

static void process_check(struct executor *x)
{
	struct runner *next;

	for (struct runner *r = x->first; r; r = next) {
		enum rundir_state state;
		struct rundir_lock lock;
		struct err e = ERR_INIT;

		next = r->next;
		if (!r->child && r->fd < 0 &&
			(lock_of(x, r->id, &state, &lock, &e) < 0 || state != RUNDIR_RUNNING))
			runner_gone(r);
	}
}

static void process_close(struct executor *x)
{
	while (x->first)
		unlink_runner(x, x->first);
	free(x);
}

const struct executor_ops executor_process = {
	.name = "process",
	.open = process_open,
	.start = process_start,
	.stop = process_stop,
	.attach = process_attach,
	.idle = process_idle,
	.check = process_check,
	.close = process_close,
};
