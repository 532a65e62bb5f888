/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes: our child, the keeper, makes the namespaces' first process, `cat`, which waits for
 * the end of a pipe from us; when it ends, the kernel ends all else there, and then the keeper
 * ends. A command is a child that enters the namespaces (local_run.c).
 */
#include "controller/machine/machine_local.h"

#include "common/clock.h"
#include "controller/child.h"
#include "controller/machine/local_root.h"
#include "controller/machine/local_run.h"
#include "controller/machine/local_users.h"
#include "controller/machine/root_enter.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

struct local {
	struct machine m;
	bool no_network;
	char *root;   /* NULL: what the host has */
	char *marker; /* of that */
	unsigned lacks;
	struct child keeper;
	int life;   /* closed: they end */
	int status; /* reports of the keeper and the first process */
	pid_t first;
	struct local_spaces spaces;
};

/* Written at once: shorter than PIPE_BUF. */
struct report {
	enum { REPORT_FIRST, REPORT_READY, REPORT_ERROR } what;
	pid_t pid; /* of the first process */
	struct err err;
};

/* Descriptors of the keeper and the first process. */
enum { FD_LIFE = 3, FD_STATUS = 4 };

static struct local *local_of(struct machine *m)
{
	return (struct local *)m;
}

static _Noreturn void report(const struct report *r)
{
	ssize_t n = write(FD_STATUS, r, sizeof(*r));

	_exit(n == (ssize_t)sizeof(*r) ? 0 : 1);
}

static _Noreturn void report_error(struct err *e)
{
	struct report r = {.what = REPORT_ERROR, .err = *e};

	if (e->num == EPERM || e->num == EACCES || e->num == ENOSPC || e->num == EUSERS)
		(void)err_set(&r.err, ERR_SYSTEM, e->num,
			"%s: are user namespaces allowed here? (sysctl user.max_user_namespaces, "
			"kernel.unprivileged_userns_clone, "
			"kernel.apparmor_restrict_unprivileged_userns): allow them, or use "
			"provider=ssh",
			e->msg);
	report(&r);
}

static int loopback_up(struct err *e)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &r) < 0)
		return err_errno(e, "cannot use a network of its own");
	return 0;
}

/* Replaced by another program, as its memory is a copy of ours, and what works there may look at
 * it. */
static _Noreturn void be_first(const struct local *l, bool users, int go)
{
	static const char *const argv[] = {"cat", NULL};
	struct report r = {.what = REPORT_READY};
	struct err e = ERR_INIT;
	char c;
	int rc;

	if (!local_tie(go) || read(go, &c, 1) != 1)
		_exit(1);
	rc = l->root ? root_enter(l->root, l->marker, &e) : local_root_enter(&e);
	if (rc == 0 && l->no_network)
		rc = loopback_up(&e);
	if (rc == 0 && users)
		rc = local_users_lock(&e);
	if (rc == 0)
		rc = local_root_share(&e);
	if (rc < 0)
		report_error(&e);
	if (write(FD_STATUS, &r, sizeof(r)) != (ssize_t)sizeof(r) || dup2(FD_LIFE, 0) < 0)
		_exit(1);
	/* Then the kernel reaps what is left to it. */
	signal(SIGCHLD, SIG_IGN);
	child_exec(argv, local_environment);
}

static pid_t clone_process(int flags)
{
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

static _Noreturn void keep(const struct local *l)
{
	const int spaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
			   (l->no_network ? CLONE_NEWNET : 0);
	struct report r = {.what = REPORT_FIRST};
	struct err e = ERR_INIT;
	/* A root file system has owners of its own. */
	bool users = !l->root;
	int go[2], rc;

	if (pipe2(go, O_CLOEXEC) < 0)
		_exit(1);
	/* For root too: it may then not load modules, make devices or mount what is not its own. */
	r.pid = clone_process(spaces | (users ? CLONE_NEWUSER : 0));
	if (r.pid < 0 && users && geteuid() == 0) {
		users = false;
		r.pid = clone_process(spaces);
	}
	if (r.pid == 0) {
		close(go[1]);
		be_first(l, users, go[0]);
	}
	rc = r.pid < 0 ? err_errno(&e, "cannot make namespaces") : 0;
	if (rc == 0 && users)
		rc = local_users_map(r.pid, &e);
	if (rc < 0)
		report_error(&e);
	if (write(FD_STATUS, &r, sizeof(r)) != (ssize_t)sizeof(r) || write(go[1], "", 1) != 1)
		_exit(1);
	close(FD_STATUS);
	close(FD_LIFE);
	/* Not reaped, so that its number is nobody else's while we live. */
	while (waitid(P_PID, (id_t)r.pid, &(siginfo_t){0}, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	if (l->root)
		root_leave(l->root, l->lacks);
	_exit(0);
}

static int start(struct machine *m, struct err *e)
{
	struct local *l = local_of(m);
	int life[2], status[2], rc;
	auto_close int life_end = -1;
	auto_close int status_end = -1;

	if (pipe2(life, O_CLOEXEC) < 0)
		return err_errno(e, "%s", m->name);
	life_end = life[0];
	l->life = life[1];
	if (pipe2(status, O_CLOEXEC) < 0)
		return err_errno(e, "%s", m->name);
	status_end = status[1];
	l->status = status[0];
	if (fcntl(l->status, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(e, "%s", m->name);
	if (l->root)
		l->lacks = root_lacks(l->root);
	rc = child_fork(&(struct child_files){.in = -1,
				.out = -1,
				.err = -1,
				.keep = (int[]){life_end, status_end},
				.n_keep = 2},
		&l->keeper.pid, e);
	if (rc < 0)
		return err_ctx(e, "%s", m->name);
	if (l->keeper.pid == 0)
		keep(l);
	m->state = MACHINE_STARTING;
	m->started = clock_now();
	return 0;
}

static int take_report(struct local *l, const struct report *r, struct err *e)
{
	int rc;

	if (r->what == REPORT_ERROR) {
		*e = r->err;
		return err_ctx(e, "%s", l->m.name);
	}
	if (r->what == REPORT_FIRST) {
		l->first = r->pid;
		return 0;
	}
	rc = local_spaces_open(l->first, &l->spaces, e);
	/* Its number was its own then only if the keeper is still there. */
	if (rc < 0 || child_ended(&l->keeper))
		return err_set(e, ERR_SYSTEM, ESRCH, "%s: its first process has ended", l->m.name);
	l->m.state = MACHINE_READY;
	return 0;
}

static int poll_starting(struct local *l, struct err *e)
{
	const bool ended = child_ended(&l->keeper);
	struct report r;

	while (l->m.state == MACHINE_STARTING && read(l->status, &r, sizeof(r)) == sizeof(r)) {
		int rc = take_report(l, &r, e);

		if (rc < 0)
			return rc;
	}
	if (ended)
		return err_set(e, ERR_SYSTEM, ECHILD, "%s: its processes ended at once", l->m.name);
	return 0;
}

static int poll_local(struct machine *m, struct err *e)
{
	struct local *l = local_of(m);

	if (m->state == MACHINE_STARTING)
		return poll_starting(l, e);
	if (child_ended(&l->keeper))
		machine_ended(m);
	return 0;
}

static int run(struct machine *m, const struct machine_command *c, pid_t *ret, struct err *e)
{
	const struct local *l = local_of(m);

	if (m->state != MACHINE_READY)
		return err_set(e, ERR_TRANSIENT, ENOTCONN, "%s is not there", m->name);
	return local_run(&l->spaces, c, ret, e);
}

static void close_life(struct local *l)
{
	auto_close_fn(&l->life);
	l->life = -1;
}

static int stop(struct machine *m, struct err *e)
{
	(void)e;
	close_life(local_of(m));
	if (m->state != MACHINE_GONE)
		m->state = MACHINE_STOPPING;
	return 0;
}

static void free_local(struct machine *m)
{
	struct local *l = local_of(m);

	close_life(l);
	child_kill(&l->keeper);
	if (l->root && l->m.state != MACHINE_GONE)
		root_leave(l->root, l->lacks);
	auto_close_fn(&l->status);
	local_spaces_close(&l->spaces);
	free(l->root);
	free(l->marker);
	free(l);
}

static const struct machine_ops ops = {start, poll_local, run, stop, free_local};

int machine_local_new(const struct machine_local_options *o, struct machine **ret, struct err *e)
{
	struct local *l = calloc(1, sizeof(*l));
	struct utsname u;

	if (!l)
		return err_oom(e);
	l->m.ops = &ops;
	l->life = -1;
	l->status = -1;
	l->no_network = o->no_network;
	if (o->root) {
		l->root = strdup(o->root);
		l->marker = strdup(o->marker);
		if (!l->root || !l->marker) {
			free_local(&l->m);
			return err_oom(e);
		}
	}
	snprintf(l->m.name, sizeof(l->m.name), "%s", o->name);
	snprintf(l->m.place, sizeof(l->m.place), "local");
	if (uname(&u) == 0)
		snprintf(l->m.arch, sizeof(l->m.arch), "%.15s", u.machine);
	*ret = &l->m;
	return 0;
}
