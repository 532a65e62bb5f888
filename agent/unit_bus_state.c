/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unit_bus_private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* The properties of a service that tell how it stands. */
struct raw {
	const char *active; /* state */
	const char *result;
	int32_t code, status;
	uint32_t job; /* that waits or is done for it, 0: none */
	uint64_t cpu_ns, memory_peak, memory_max;
};

static const struct {
	const char *name;
	char type;
	size_t offset;
} properties[] = {
	{"ActiveState", 's', offsetof(struct raw, active)},
	{"Result", 's', offsetof(struct raw, result)},
	{"ExecMainCode", 'i', offsetof(struct raw, code)},
	{"ExecMainStatus", 'i', offsetof(struct raw, status)},
	{"CPUUsageNSec", 't', offsetof(struct raw, cpu_ns)},
	{"MemoryPeak", 't', offsetof(struct raw, memory_peak)}, /* since 255 */
	{"MemoryMax", 't', offsetof(struct raw, memory_max)},
};

static int read_property(sd_bus_message *m, struct raw *raw)
{
	const char *name;
	const char *path;
	int rc = sd_bus_message_read(m, "s", &name);

	if (rc >= 0 && strcmp(name, "Job") == 0)
		return sd_bus_message_read(m, "v", "(uo)", &raw->job, &path);
	for (size_t i = 0; rc >= 0 && i < ARRAY_LEN(properties); i++)
		if (strcmp(name, properties[i].name) == 0)
			return sd_bus_message_read(m, "v", (char[]){properties[i].type, '\0'},
				(char *)raw + properties[i].offset);
	return rc < 0 ? rc : sd_bus_message_skip(m, "v");
}

static int read_properties(sd_bus_message *m, struct raw *raw)
{
	int rc = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (rc >= 0 && (rc = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		rc = read_property(m, raw);
		if (rc >= 0)
			rc = sd_bus_message_exit_container(m);
	}
	return rc;
}

/* "active", "activating", "deactivating", "reloading" … live. */
static bool is_alive(const char *state)
{
	return strcmp(state, "inactive") != 0 && strcmp(state, "failed") != 0;
}

/* The largest number is none. */
static uint64_t known(uint64_t n)
{
	return n == UINT64_MAX ? 0 : n;
}

static void judge(const struct raw *raw, struct unit_state *s)
{
	*s = (struct unit_state){
		.alive = raw->job || is_alive(raw->active),
		.failed = strcmp(raw->active, "failed") == 0,
		.end = {.code = raw->code, .status = raw->status},
		.used = {.peak_memory = known(raw->memory_peak),
			.memory_max = known(raw->memory_max),
			.user_us = known(raw->cpu_ns) / 1000},
	};
	snprintf(s->end.result, sizeof(s->end.result), "%s", raw->result);
}

static int ask(struct bus_unit *u);

static int on_state(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
	struct raw raw = {.active = "inactive", .result = ""};
	struct bus_unit *u = ctx;
	struct unit_state s;

	(void)error;
	u->ask = sd_bus_slot_unref(u->ask);
	if (u->again) {
		u->again = false;
		ask(u);
		return 0;
	}
	/* No answer, as while the service manager starts itself anew: at the next Rescan=. */
	if (sd_bus_message_is_method_error(m, NULL) || read_properties(m, &raw) < 0)
		return 0;
	judge(&raw, &s);
	u->listener.news(&s, NULL, u->listener.ctx);
	return 0;
}

static int ask(struct bus_unit *u)
{
	/* Of all interfaces: some are of the unit, some of the service. */
	return sd_bus_call_method_async(u->b->bus, &u->ask, BUS_SERVICE, u->path, BUS_PROPS,
		"GetAll", on_state, u, "s", "");
}

static int on_change(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
	struct bus_unit *u = ctx;

	(void)m;
	(void)error;
	if (u->ask)
		u->again = true;
	else
		ask(u);
	return 0;
}

int bus_unit_follow(struct bus_unit *u, struct err *e)
{
	int rc = u->b->bus ? 0 : -ENOTCONN;

	if (rc == 0 && !u->changes)
		rc = sd_bus_match_signal_async(u->b->bus, &u->changes, BUS_SERVICE, u->path,
			BUS_PROPS, "PropertiesChanged", on_change, NULL, u);
	if (rc >= 0 && !u->ask)
		rc = ask(u);
	unit_bus_rearm(u->b);
	return rc < 0 ? unit_bus_fail(e, rc, "cannot ask for a unit") : 0;
}

int bus_unit_signal(struct bus_unit *u, int number, struct err *e)
{
	int rc = u->b->bus ? sd_bus_call_method_async(u->b->bus, NULL, BUS_SERVICE, BUS_PATH,
				     BUS_MANAGER, "KillUnit", NULL, NULL, "ssi", u->name, "main",
				     number)
			   : -ENOTCONN;

	unit_bus_rearm(u->b);
	return rc < 0 ? unit_bus_fail(e, rc, "cannot end a unit") : 0;
}

void bus_unit_reset(struct bus_unit *u)
{
	/* If that is lost, starting a unit of this name will say so. */
	if (u->b->bus && sd_bus_call_method_async(u->b->bus, NULL, BUS_SERVICE, BUS_PATH,
				 BUS_MANAGER, "ResetFailedUnit", NULL, NULL, "s", u->name) < 0)
		return;
	unit_bus_rearm(u->b);
}

int bus_unit_exists(struct bus_unit *u, struct err *e)
{
	auto_free char *state = NULL;
	int rc = u->b->bus ? sd_bus_get_property_string(u->b->bus, BUS_SERVICE, u->path,
				     BUS_SERVICE ".Unit", "ActiveState", NULL, &state)
			   : -ENOTCONN;

	unit_bus_rearm(u->b);
	if (rc < 0)
		return unit_bus_fail(e, rc, "cannot ask for a unit");
	return strcmp(state, "inactive") != 0;
}

int unit_bus_each_failed(
	struct unit_bus *b, void (*unit)(const char *name, void *ctx), void *ctx, struct err *e)
{
	sd_bus_message *m = NULL;
	const char *name;
	int rc = sd_bus_call_method(b->bus, BUS_SERVICE, BUS_PATH, BUS_MANAGER,
		"ListUnitsByPatterns", NULL, &m, "asas", 1, "failed", 1, UNIT_PREFIX "*");

	if (rc >= 0)
		rc = sd_bus_message_enter_container(m, 'a', "(ssssssouso)");
	while (rc >= 0 && (rc = sd_bus_message_enter_container(m, 'r', "ssssssouso")) > 0) {
		rc = sd_bus_message_read(m, "s", &name);
		if (rc >= 0)
			unit(name, ctx);
		if (rc >= 0)
			rc = sd_bus_message_skip(m, "sssssouso");
		if (rc >= 0)
			rc = sd_bus_message_exit_container(m);
	}
	sd_bus_message_unref(m);
	unit_bus_rearm(b);
	return rc < 0 ? unit_bus_fail(e, rc, "cannot list units") : 0;
}
