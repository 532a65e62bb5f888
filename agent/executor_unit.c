/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cores.h"
#include "agent/recorder.h"
#include "agent/unit_runner.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/syscall.h>

#define EVENTS_TEXT 16384
#define LOCK        "lock"

static struct runner *find(const struct executor *x, const char *id)
{
	struct runner *r = x->first;

	while (r && strcmp(r->id, id) != 0)
		r = r->next;
	return r;
}

static struct runner *find_wd(const struct executor *x, int wd)
{
	struct runner *r = x->first;

	while (r && r->wd != wd)
		r = r->next;
	return r;
}

/* The event comes before the lock is released: for as long as the kernel takes to close a file. */
static void await_lock(const struct runner *r)
{
	char path[SPOOL_ID + sizeof("/" LOCK)];
	auto_close int fd = -1;

	snprintf(path, sizeof(path), "%s/" LOCK, r->id);
	fd = openat(r->x->setup.spool->run, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	while (fd >= 0 && flock(fd, LOCK_SH) < 0 && errno == EINTR)
		;
}

static void on_inotify(struct executor_event *ev, uint32_t events)
{
	static char text[EVENTS_TEXT] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct executor *x = (struct executor *)ev;
	ssize_t n = read(x->inotify, text, sizeof(text));

	(void)events;
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *i = (const void *)(text + at);
		struct runner *r = find_wd(x, i->wd);

		at += (ssize_t)(sizeof(*i) + i->len);
		if (!r || i->len == 0 || strcmp(i->name, LOCK) != 0)
			continue;
		await_lock(r);
		runner_look(r, NULL);
	}
}

static void unit_close(struct executor *x)
{
	while (x->first)
		runner_free(x->first);
	unit_bus_close(x->bus);
	result_machine_free(&x->machine);
	auto_close_fn(&x->inotify);
	free(x);
}

/* Failed ones of which nothing is to be learnt any more. */
static void forget_failed(const char *name, void *ctx)
{
	struct runner r = {.x = ctx};
	auto_close int dir = -1;
	const struct bus_listener none = {.news = NULL};
	enum rundir_state state;
	struct rundir_lock lock;
	struct bus_unit *u;
	struct err e = ERR_INIT;

	if (!unit_name_parse(name, r.id))
		return;
	if (runner_folder(&r, &dir, &state, &lock, &e) == 0 && state != RUNDIR_ENDED)
		return;
	if (bus_unit_new(r.x->bus, name, &none, &u, &e) < 0)
		return;
	bus_unit_reset(u);
	bus_unit_free(u);
}

static int find_program(struct executor *x, struct err *e)
{
	static const char deleted[] = " (deleted)";
	ssize_t n = readlink("/proc/self/exe", x->program, sizeof(x->program) - 1);
	char *tail;

	if (n < 0)
		return err_errno(e, "cannot find the program");
	x->program[n] = '\0';
	/* Of an upgraded one, the new. */
	tail = strstr(x->program, deleted);
	if (tail && tail[strlen(deleted)] == '\0')
		*tail = '\0';
	return 0;
}

static int open_all(struct executor *x, struct err *e)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &x->on_inotify};
	int rc = find_program(x, e);

	if (rc == 0)
		rc = unit_bus_open(x->setup.loop, &x->bus, e);
	if (rc == 0)
		rc = unit_bus_each_failed(x->bus, forget_failed, x, e);
	if (rc < 0)
		return rc;
	x->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (x->inotify < 0 || epoll_ctl(x->setup.loop, EPOLL_CTL_ADD, x->inotify, &event) < 0)
		return err_errno(e, "cannot watch jobs");
	snprintf(x->variable, sizeof(x->variable), "SHARED_PREP_SPOOL=%s", x->setup.spool->path);
	result_machine_read(x->setup.root, &x->machine);
	return 0;
}

static int unit_open(const struct executor_setup *setup, struct executor **ret, struct err *e)
{
	struct executor *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return err_oom(e);
	*x = (struct executor){.on_inotify = {on_inotify}, .setup = *setup, .inotify = -1};
	rc = open_all(x, e);
	if (rc < 0)
		unit_close(x);
	else
		*ret = x;
	return rc;
}

/* What cannot be read or understood is for the recorder to refuse. */
static void props_of(const struct executor *x, const char *id, const struct executor_grant *g,
	struct unit_props *ret)
{
	auto_buf struct buf text = BUF_INIT(SPOOL_JOB_MAX + 1);
	auto_job struct job j = {.words = NULL};
	struct err ignored = ERR_INIT;
	auto_close int dir = -1;
	struct stat st;
	int rc = rundir_open(x->setup.spool->run, id, &dir, &ignored);

	if (rc == 0)
		rc = rundir_read_submitted(dir, "submitted", &text, &st, &ignored);
	if (rc == 0)
		rc = job_parse(buf_str(&text), text.len, &j, &ignored);
	unit_props_of(g, rc == 0 ? &j : NULL, ret);
}

static int start_unit(struct runner *r, const struct executor_grant *g, struct err *e)
{
	char list[CORES_LIST], pin[CORES_LIST + sizeof("--pin=")], cpus[48], mem[48], scratch[48],
		about[SPOOL_ID + 8];
	const char *argv[] = {r->x->program, "run-unit", cpus, mem, scratch, r->id, NULL, NULL};
	const struct bus_command command = {
		.description = about, .argv = argv, .variable = r->x->variable};
	struct unit_props props;

	snprintf(about, sizeof(about), "Job %s", r->id);
	snprintf(cpus, sizeof(cpus), "--cpus=%llu", (unsigned long long)g->cpus);
	snprintf(mem, sizeof(mem), "--mem=%llu", (unsigned long long)g->mem);
	snprintf(scratch, sizeof(scratch), "--scratch=%llu", (unsigned long long)g->scratch);
	if (g->pinned) {
		cores_print_list(&g->set, list);
		snprintf(pin, sizeof(pin), "--pin=%s", list);
		argv[5] = pin;
		argv[6] = r->id;
	}
	props_of(r->x, r->id, g, &props);
	return bus_unit_start(r->unit, &command, &props, e);
}

static int unit_start(
	struct executor *x, const char *id, const struct executor_grant *grant, struct err *e)
{
	struct runner *r;
	int rc = unit_bus_reopen(x->bus, e);

	if (rc == 0)
		rc = runner_new(x, id, &r, e);
	if (rc < 0)
		return rc;
	unit_bus_listen(x->bus, true);
	rc = start_unit(r, grant, e);
	if (rc < 0)
		runner_free(r);
	return rc;
}

/* A recorder of process mode: that holds the lock before and after the descriptor is made. */
static int end_recorder(struct runner *r, bool now, struct err *e)
{
	enum rundir_state state;
	struct rundir_lock lock;
	auto_close int dir = -1;
	auto_close int fd = -1;
	int rc = runner_folder(r, &dir, &state, &lock, e);

	if (rc < 0)
		return rc;
	if (state == RUNDIR_RUNNING)
		fd = (int)syscall(SYS_pidfd_open, lock.pid, 0);
	if (fd < 0)
		return err_set(e, ERR_SYSTEM, ESRCH, "'%s' does not run", r->id);
	rc = rundir_state(dir, &state, &lock, e);
	if (rc == 0 && state == RUNDIR_RUNNING &&
		syscall(SYS_pidfd_send_signal, fd, recorder_signal(now), NULL, 0) < 0)
		return err_errno(e, "cannot end '%s'", r->id);
	return rc;
}

static int unit_stop(struct executor *x, const char *id, bool now, struct err *e)
{
	struct runner *r = find(x, id);

	if (!r)
		return err_set(e, ERR_SYSTEM, ESRCH, "'%s' does not run", id);
	return r->unit ? bus_unit_signal(r->unit, recorder_signal(now), e)
		       : end_recorder(r, now, e);
}

/* Without an answer of the bus it is taken over, and looked at when there is one. */
static int unit_attach(struct executor *x, const char *id, struct err *e)
{
	struct err unknown = ERR_INIT;
	enum rundir_state state;
	struct rundir_lock lock;
	auto_close int dir = -1;
	struct runner *r;
	int rc = runner_new(x, id, &r, e);
	int exists;

	if (rc < 0)
		return rc;
	exists = bus_unit_exists(r->unit, &unknown);
	rc = runner_folder(r, &dir, &state, &lock, e);
	if (rc == 0 && (state == RUNDIR_ENDED || (exists == 0 && state != RUNDIR_RUNNING)))
		rc = err_set(e, ERR_SYSTEM, ESRCH, "'%s' does not run", id);
	if (rc < 0) {
		runner_free(r);
		return rc;
	}
	if (exists == 0) {
		bus_unit_free(r->unit);
		r->unit = NULL;
	}
	if (r->unit && state != RUNDIR_RUNNING)
		runner_follow(r);
	return 0;
}

static void unit_idle(struct executor *x)
{
	unit_bus_listen(x->bus, false);
}

static void unit_check(struct executor *x)
{
	struct err ignored = ERR_INIT;
	struct runner *next;

	/* While it is lost, starting a job says so. */
	if (unit_bus_reopen(x->bus, &ignored) == 0 && x->first)
		unit_bus_listen(x->bus, true);
	for (struct runner *r = x->first; r; r = next) {
		next = r->next;
		runner_look(r, NULL);
	}
}

const struct executor_ops executor_unit = {
	.name = "unit",
	.open = unit_open,
	.start = unit_start,
	.stop = unit_stop,
	.attach = unit_attach,
	.idle = unit_idle,
	.check = unit_check,
	.close = unit_close,
};
