/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unit_bus_private.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#define ASKED   4
#define SOON_US 5000000

#define BUS_OF(ev, member)                                                                         \
	((struct unit_bus *)(void *)((char *)(ev)-offsetof(struct unit_bus, member)))

int unit_bus_fail(struct err *e, int rc, const char *what)
{
	return err_set(e, ERR_TRANSIENT, -rc, "bus: %s: %s", what, strerror(-rc));
}

/* The jobs that run do not need it. */
static void lose(struct unit_bus *b)
{
	if (!b->bus)
		return;
	for (struct bus_unit *u = b->first; u; u = u->next) {
		u->start = sd_bus_slot_unref(u->start);
		u->changes = sd_bus_slot_unref(u->changes);
		u->ask = sd_bus_slot_unref(u->ask);
	}
	if (b->fd >= 0)
		epoll_ctl(b->loop, EPOLL_CTL_DEL, b->fd, NULL);
	b->fd = -1;
	b->jobs = sd_bus_slot_unref(b->jobs);
	b->bus = sd_bus_close_unref(b->bus);
}

/* What the loop is to wait for. What was read while an answer was waited for is due at once. */
void unit_bus_rearm(struct unit_bus *b)
{
	struct epoll_event event = {.data.ptr = &b->on_bus};
	struct itimerspec t = {.it_value = {0}};
	int events = b->bus ? sd_bus_get_events(b->bus) : -ENOTCONN;
	uint64_t due = UINT64_MAX;

	if (events < 0 || sd_bus_get_timeout(b->bus, &due) < 0) {
		lose(b);
		return;
	}
	event.events = (uint32_t)events;
	if (event.events != b->events && epoll_ctl(b->loop, EPOLL_CTL_MOD, b->fd, &event) == 0)
		b->events = event.events;
	if (due == b->due)
		return;
	b->due = due;
	if (due != UINT64_MAX) {
		/* 0 would be never. */
		t.it_value.tv_sec = (time_t)(due / 1000000);
		t.it_value.tv_nsec = (long)(due % 1000000 * 1000) + (due == 0);
	}
	timerfd_settime(b->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

static void process(struct unit_bus *b)
{
	int rc = 1;

	while (b->bus && rc > 0)
		rc = sd_bus_process(b->bus, NULL);
	if (rc < 0)
		lose(b);
	else
		unit_bus_rearm(b);
}

static void on_bus(struct executor_event *ev, uint32_t events)
{
	(void)events;
	process(BUS_OF(ev, on_bus));
}

static void on_timer(struct executor_event *ev, uint32_t events)
{
	struct unit_bus *b = BUS_OF(ev, on_timer);
	uint64_t ticks;

	(void)events;
	if (read(b->timer, &ticks, sizeof(ticks)) < 0)
		return;
	b->due = UINT64_MAX;
	process(b);
}

/* A question is lost when the service manager executes itself anew just then. */
static int ask_version(struct unit_bus *b, char **ret)
{
	int rc = -ETIMEDOUT;

	for (int i = 0; i < ASKED && (rc == -ETIMEDOUT || rc == -EBUSY); i++)
		rc = sd_bus_get_property_string(
			b->bus, BUS_SERVICE, BUS_PATH, BUS_MANAGER, "Version", NULL, ret);
	return rc;
}

static int read_version(struct unit_bus *b, struct err *e)
{
	auto_free char *text = NULL;
	int rc;

	sd_bus_set_method_call_timeout(b->bus, SOON_US);
	rc = ask_version(b, &text);
	sd_bus_set_method_call_timeout(b->bus, 0);
	if (rc < 0)
		return unit_bus_fail(e, rc, "the service manager does not answer");
	/* "252.39-1~deb12u1", "v255-4.el9" */
	b->version = (unsigned)strtoul(text + strcspn(text, "0123456789"), NULL, 10);
	if (b->version < UNIT_BUS_VERSION)
		return err_set(e, ERR_SYSTEM, EOPNOTSUPP,
			"bus: systemd %u is too old for jobs as units", b->version);
	return 0;
}

static int connect_bus(struct unit_bus *b, struct err *e)
{
	int rc = sd_bus_open_system(&b->bus);

	if (rc < 0)
		return unit_bus_fail(e, rc, "cannot connect");
	rc = read_version(b, e);
	if (rc < 0)
		return rc;
	rc = sd_bus_call_method(
		b->bus, BUS_SERVICE, BUS_PATH, BUS_MANAGER, "Subscribe", NULL, NULL, "");
	return rc < 0 ? unit_bus_fail(e, rc, "cannot subscribe") : 0;
}

int unit_bus_reopen(struct unit_bus *b, struct err *e)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &b->on_bus};
	int rc;

	if (b->bus)
		return 0;
	rc = connect_bus(b, e);
	if (rc == 0) {
		b->fd = sd_bus_get_fd(b->bus);
		b->events = EPOLLIN;
		b->due = UINT64_MAX;
		if (epoll_ctl(b->loop, EPOLL_CTL_ADD, b->fd, &event) < 0)
			rc = err_errno(e, "bus: cannot wait for it");
	}
	if (rc < 0)
		lose(b);
	else
		unit_bus_rearm(b);
	return rc;
}

int unit_bus_open(int loop, struct unit_bus **ret, struct err *e)
{
	struct unit_bus *b = calloc(1, sizeof(*b));
	struct epoll_event event = {.events = EPOLLIN};
	int rc = 0;

	if (!b)
		return err_oom(e);
	*b = (struct unit_bus){
		.on_bus = {on_bus}, .on_timer = {on_timer}, .loop = loop, .timer = -1, .fd = -1};
	event.data.ptr = &b->on_timer;
	b->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (b->timer < 0 || epoll_ctl(b->loop, EPOLL_CTL_ADD, b->timer, &event) < 0)
		rc = err_errno(e, "bus: cannot wait for it");
	if (rc == 0)
		rc = unit_bus_reopen(b, e);
	if (rc < 0)
		unit_bus_close(b);
	else
		*ret = b;
	return rc;
}

void unit_bus_close(struct unit_bus *b)
{
	if (!b)
		return;
	lose(b);
	auto_close_fn(&b->timer);
	free(b);
}

static struct bus_unit *find(struct unit_bus *b, const char *name)
{
	struct bus_unit *u = b->first;

	while (u && strcmp(u->name, name) != 0)
		u = u->next;
	return u;
}

/* JobRemoved: a start has come to its end. */
static int on_job(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
	struct unit_bus *b = ctx;
	const char *job, *unit, *result;
	struct bus_unit *u;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) < 0)
		return 0;
	u = find(b, unit);
	if (u && strcmp(result, "done") != 0)
		u->listener.news(NULL, result, u->listener.ctx);
	return 0;
}

void unit_bus_listen(struct unit_bus *b, bool on)
{
	if (!b->bus || on == (b->jobs != NULL))
		return;
	if (!on)
		b->jobs = sd_bus_slot_unref(b->jobs);
	/* Without it a unit that cannot be executed is seen at the next Rescan=. */
	else if (sd_bus_match_signal_async(b->bus, &b->jobs, BUS_SERVICE, BUS_PATH, BUS_MANAGER,
			 "JobRemoved", on_job, NULL, b) < 0)
		b->jobs = NULL;
	unit_bus_rearm(b);
}

int bus_unit_new(struct unit_bus *b, const char *name, const struct bus_listener *l,
	struct bus_unit **ret, struct err *e)
{
	auto_free struct bus_unit *u = calloc(1, sizeof(*u));

	if (!u)
		return err_oom(e);
	*u = (struct bus_unit){.b = b, .listener = *l, .next = b->first};
	snprintf(u->name, sizeof(u->name), "%s", name);
	if (sd_bus_path_encode(BUS_PATH "/unit", name, &u->path) < 0)
		return err_oom(e);
	b->first = u;
	*ret = take_ptr(u);
	return 0;
}

void bus_unit_free(struct bus_unit *u)
{
	struct bus_unit **p;

	if (!u)
		return;
	for (p = &u->b->first; *p != u; p = &(*p)->next)
		;
	*p = u->next;
	sd_bus_slot_unref(u->start);
	sd_bus_slot_unref(u->changes);
	sd_bus_slot_unref(u->ask);
	free(u->path);
	free(u);
}
