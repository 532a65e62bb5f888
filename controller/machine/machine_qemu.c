/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One child, which makes the copy and then becomes QEMU (qemu_boot.c). It is ready when a first
 * command has run there; the child of that one waits at QEMU's socket all the time.
 */
#include "controller/machine/machine_qemu.h"

#include "common/clock.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/child.h"
#include "controller/disk/work_folder.h"
#include "controller/machine/qemu_boot.h"
#include "controller/machine/qemu_console.h"
#include "controller/machine/qemu_talk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define MEMORY GIB
#define CPUS   2

struct qemu {
	struct machine m;
	struct qemu_boot boot;
	char *image, *type, *folder, *log;
	int folder_fd;
	int log_fd;
	uint64_t logged;
	struct child keeper;
	int status, console, errors;    /* what we read of it; -1: ended */
	struct qemu_console seen, said; /* of the console, and of QEMU itself */
	struct child probe;
	int probe_out;
};

static struct qemu *qemu_of(struct machine *m)
{
	return (struct qemu *)m;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(take_fd(fd));
}

/* --- to start it */

static int take_folder(struct qemu *q, struct err *e)
{
	return q->folder_fd >= 0 ? 0 : work_folder_take(q->folder, &q->folder_fd, e);
}

static int open_log(struct qemu *q, struct err *e)
{
	if (!*q->log || q->log_fd >= 0)
		return 0;
	/* Others may write to it too. */
	q->log_fd = open(
		q->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
	return q->log_fd < 0 ? err_errno(e, "cannot make '%s'", q->log) : 0;
}

static int listen_in(int folder_fd, int *ret, struct err *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/socket", folder_fd);
	if (fd < 0 || (unlinkat(folder_fd, "socket", 0) < 0 && errno != ENOENT) ||
		bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 4) < 0)
		return err_errno(e, "cannot make a socket");
	*ret = take_fd(&fd);
	return 0;
}

static int pipe_of(int *ours, int *its, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, "cannot make a pipe");
	close_fd(ours);
	*ours = ends[0];
	*its = ends[1];
	return fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? err_errno(e, "cannot make a pipe") : 0;
}

static int spawn_keeper(struct qemu *q, struct err *e)
{
	auto_close int status = -1;
	auto_close int console = -1;
	auto_close int errors = -1;
	auto_close int listener = -1;
	int rc = listen_in(q->folder_fd, &listener, e);

	if (rc == 0)
		rc = pipe_of(&q->status, &status, e);
	if (rc == 0)
		rc = pipe_of(&q->console, &console, e);
	if (rc == 0)
		rc = pipe_of(&q->errors, &errors, e);
	if (rc == 0)
		rc = child_fork(&(struct child_files){.in = -1,
					.out = console,
					.err = errors,
					.keep = (int[]){status, listener},
					.n_keep = 2},
			&q->keeper.pid, e);
	if (rc == 0 && q->keeper.pid == 0)
		qemu_boot(&q->boot);
	return rc;
}

static int start(struct machine *m, struct err *e)
{
	struct qemu *q = qemu_of(m);
	int rc = take_folder(q, e);

	if (rc == 0)
		rc = open_log(q, e);
	if (rc == 0)
		rc = spawn_keeper(q, e);
	if (rc < 0)
		return err_ctx(e, "%s", m->name);
	m->state = MACHINE_STARTING;
	m->started = clock_now();
	return 0;
}

/* --- what it prints */

static void keep_log(struct qemu *q, const char *data, size_t len)
{
	if (q->log_fd < 0 || q->logged + len > QEMU_LOG_MAX)
		return;
	q->logged += len;
	/* A log that cannot be kept is no reason to stop. */
	(void)!fs_write_all(q->log_fd, data, len);
}

static void drain(struct qemu *q, int *fd, struct qemu_console *to)
{
	char chunk[4096];
	ssize_t n;

	/* A bounded part, so that a guest that never ends talking holds nobody up. */
	for (int i = 0; i < 64 && *fd >= 0; i++) {
		n = read(*fd, chunk, sizeof(chunk));
		if (n < 0)
			return;
		if (n == 0)
			close_fd(fd);
		qemu_console_add(to, chunk, (size_t)n);
		keep_log(q, chunk, (size_t)n);
	}
}

static int fail_boot(const struct qemu *q, const char *why, struct err *e)
{
	return err_set(e, ERR_DATA, EIO, "%s: the boot failed: %s%s%s%s", q->m.name, why,
		*q->log ? " (its console is in '" : "", q->log, *q->log ? "')" : "");
}

static int fail_ended(struct qemu *q, struct err *e)
{
	char line[QEMU_CONSOLE_LINE + 1];

	if (*qemu_console_last(&q->said, line))
		return err_set(e, ERR_SYSTEM, EIO, "%s: QEMU ended: %s", q->m.name, line);
	if (!*qemu_console_last(&q->seen, line))
		snprintf(line, sizeof(line), "it ended without a word");
	return fail_boot(q, line, e);
}

/* --- how far it is */

static int restart_without_kvm(struct qemu *q, struct err *e)
{
	q->boot.kvm = false;
	q->said.len = 0;
	child_kill(&q->probe);
	return spawn_keeper(q, e);
}

static int start_probe(struct qemu *q, struct err *e)
{
	const struct machine_command c = {.shell = "uname -m", .in = -1, .err = -1};
	auto_close int out = -1;
	struct machine_command with = c;
	int rc = pipe_of(&q->probe_out, &out, e);

	with.out = out;
	q->probe = (struct child){0};
	return rc < 0 ? rc : qemu_talk(q->folder_fd, &with, &q->probe.pid, e);
}

static void take_arch(struct qemu *q)
{
	char text[sizeof(q->m.arch)] = "";
	ssize_t n = read(q->probe_out, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	snprintf(q->m.arch, sizeof(q->m.arch), "%s", text);
	close_fd(&q->probe_out);
}

static int poll_prepared(struct qemu *q, struct err *e)
{
	struct err from_it;
	ssize_t n = read(q->status, &from_it, sizeof(from_it));

	if (n < 0)
		return 0;
	close_fd(&q->status);
	if (n != sizeof(from_it))
		return start_probe(q, e);
	*e = from_it;
	return err_ctx(e, "%s", q->m.name);
}

static int poll_booting(struct qemu *q, bool ended, struct err *e)
{
	char line[QEMU_CONSOLE_LINE + 1];

	if (qemu_console_failed(&q->seen, line))
		return fail_boot(q, line, e);
	if (ended)
		return q->boot.kvm ? restart_without_kvm(q, e) : fail_ended(q, e);
	snprintf(q->m.remark, sizeof(q->m.remark), "%.159s", qemu_console_last(&q->seen, line));
	if (!child_ended(&q->probe))
		return 0;
	*q->m.remark = '\0';
	if (q->probe.status != 0)
		return start_probe(q, e);
	take_arch(q);
	q->m.state = MACHINE_READY;
	return 0;
}

static int poll_qemu(struct machine *m, struct err *e)
{
	struct qemu *q = qemu_of(m);
	const bool ended = child_ended(&q->keeper);

	drain(q, &q->console, &q->seen);
	drain(q, &q->errors, &q->said);
	if (m->state == MACHINE_STARTING)
		return q->status >= 0 ? poll_prepared(q, e) : poll_booting(q, ended, e);
	if (ended)
		machine_ended(m);
	return 0;
}

static int run(struct machine *m, const struct machine_command *c, pid_t *ret, struct err *e)
{
	const struct qemu *q = qemu_of(m);

	if (m->state != MACHINE_READY)
		return err_set(e, ERR_TRANSIENT, ENOTCONN, "%s is not there", m->name);
	return qemu_talk(q->folder_fd, c, ret, e);
}

/* There is nothing that it could lose. */
static int stop(struct machine *m, struct err *e)
{
	struct qemu *q = qemu_of(m);

	(void)e;
	child_kill(&q->probe);
	child_kill(&q->keeper);
	if (m->state != MACHINE_GONE)
		m->state = MACHINE_STOPPING;
	return 0;
}

static void free_qemu(struct machine *m)
{
	struct qemu *q = qemu_of(m);
	struct err ignored = ERR_INIT;

	child_kill(&q->probe);
	child_kill(&q->keeper);
	close_fd(&q->status);
	close_fd(&q->console);
	close_fd(&q->errors);
	close_fd(&q->probe_out);
	close_fd(&q->log_fd);
	if (q->folder_fd >= 0)
		(void)!fs_remove_tree(AT_FDCWD, q->folder, &ignored);
	close_fd(&q->folder_fd);
	free(q->image);
	free(q->type);
	free(q->folder);
	free(q->log);
	free(q);
}

static const struct machine_ops ops = {start, poll_qemu, run, stop, free_qemu};

static int check_type(const char *type, struct err *e)
{
	if (strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(type) &&
		strlen(type) < 64)
		return 0;
	return err_set(e, ERR_USAGE, EINVAL, "'%s' is no instance type", type);
}

int machine_qemu_new(const struct machine_qemu_options *o, struct machine **ret, struct err *e)
{
	struct qemu *q;
	int rc = check_type(o->type, e);

	if (rc < 0)
		return rc;
	q = calloc(1, sizeof(*q));
	if (!q)
		return err_oom(e);
	q->m.ops = &ops;
	q->folder_fd = q->log_fd = q->status = q->console = q->errors = q->probe_out = -1;
	snprintf(q->m.name, sizeof(q->m.name), "%s", o->name);
	snprintf(q->m.place, sizeof(q->m.place), "QEMU");
	q->image = strdup(o->image);
	q->type = strdup(o->type);
	q->folder = strdup(o->folder);
	q->log = strdup(o->log);
	if (!q->image || !q->type || !q->folder || !q->log) {
		free_qemu(&q->m);
		return err_oom(e);
	}
	q->boot = (struct qemu_boot){
		.image = q->image,
		.type = q->type,
		.folder = q->folder,
		.memory = o->memory ? o->memory : MEMORY,
		.cpus = o->cpus ? o->cpus : CPUS,
		.kvm = access("/dev/kvm", R_OK | W_OK) == 0,
	};
	*ret = &q->m;
	return 0;
}
