/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unit_bus_private.h"
#include "common/num.h"

#include <errno.h>

#define COMMAND_MAX (64 * KIB)

static int on_started(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
	const sd_bus_error *why = sd_bus_message_get_error(m);
	struct bus_unit *u = ctx;

	(void)error;
	u->start = sd_bus_slot_unref(u->start);
	if (why)
		u->listener.news(NULL, why->message ? why->message : why->name, u->listener.ctx);
	return 0;
}

static int add_command(sd_bus_message *m, const char *const *argv)
{
	auto_buf struct buf text = BUF_INIT(COMMAND_MAX);
	int rc = sd_bus_message_open_container(m, 'r', "sv");

	if (rc >= 0)
		rc = sd_bus_message_append(m, "s", "ExecStart");
	if (rc >= 0)
		rc = sd_bus_message_open_container(m, 'v', "a(sasb)");
	if (rc >= 0)
		rc = sd_bus_message_open_container(m, 'a', "(sasb)");
	if (rc >= 0)
		rc = sd_bus_message_open_container(m, 'r', "sasb");
	if (rc >= 0)
		rc = sd_bus_message_append(m, "s", argv[0]);
	if (rc >= 0)
		rc = sd_bus_message_open_container(m, 'a', "s");
	for (; rc >= 0 && *argv; argv++) {
		buf_reset(&text);
		rc = unit_name_quote(&text, *argv);
		if (rc >= 0)
			rc = sd_bus_message_append(m, "s", buf_str(&text));
	}
	if (rc >= 0)
		rc = sd_bus_message_close_container(m);
	if (rc >= 0)
		rc = sd_bus_message_append(m, "b", 0);
	for (int i = 0; rc >= 0 && i < 4; i++)
		rc = sd_bus_message_close_container(m);
	return rc;
}

static int add_cpus(sd_bus_message *m, const struct unit_props *p)
{
	int rc = sd_bus_message_open_container(m, 'r', "sv");

	if (rc >= 0)
		rc = sd_bus_message_append(m, "s", "AllowedCPUs");
	if (rc >= 0)
		rc = sd_bus_message_open_container(m, 'v', "ay");
	if (rc >= 0)
		rc = sd_bus_message_append_array(m, 'y', p->cpus, p->n_cpus);
	for (int i = 0; rc >= 0 && i < 2; i++)
		rc = sd_bus_message_close_container(m);
	return rc;
}

static int add_properties(sd_bus_message *m, const struct bus_unit *u, const struct bus_command *c,
	const struct unit_props *p)
{
	int rc = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)", "Description", "s", c->description,
		"Slice", "s", UNIT_SLICE, "Environment", "as", 1, c->variable, "Type", "s",
		u->b->version >= 240 ? "exec" : "simple");

	if (rc >= 0)
		rc = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)", "MemoryMax", "t",
			p->memory_max, "TasksMax", "t", p->tasks_max, "CPUWeight", "t",
			p->cpu_weight, "CPUQuotaPerSecUSec", "t", p->cpu_quota, "RuntimeMaxUSec",
			"t", p->runtime_max, "TimeoutStopUSec", "t", p->stop_time);
	/* Where that is not known, the recorder pins the job by itself. */
	if (rc >= 0 && p->n_cpus && u->b->version >= 244)
		rc = add_cpus(m, p);
	return rc < 0 ? rc : add_command(m, c->argv);
}

static int compose_start(struct bus_unit *u, const struct bus_command *c,
	const struct unit_props *p, sd_bus_message **ret)
{
	sd_bus_message *m = NULL;
	int rc = sd_bus_message_new_method_call(
		u->b->bus, &m, BUS_SERVICE, BUS_PATH, BUS_MANAGER, "StartTransientUnit");

	if (rc >= 0)
		rc = sd_bus_message_append(m, "ss", u->name, "fail");
	if (rc >= 0)
		rc = sd_bus_message_open_container(m, 'a', "(sv)");
	if (rc >= 0)
		rc = add_properties(m, u, c, p);
	if (rc >= 0)
		rc = sd_bus_message_close_container(m);
	if (rc >= 0)
		rc = sd_bus_message_append(m, "a(sa(sv))", 0);
	*ret = m;
	return rc;
}

int bus_unit_start(
	struct bus_unit *u, const struct bus_command *c, const struct unit_props *p, struct err *e)
{
	sd_bus_message *m = NULL;
	int rc = u->b->bus ? compose_start(u, c, p, &m) : -ENOTCONN;

	if (rc >= 0)
		rc = sd_bus_call_async(u->b->bus, &u->start, m, on_started, u, 0);
	sd_bus_message_unref(m);
	unit_bus_rearm(u->b);
	return rc < 0 ? unit_bus_fail(e, rc, "cannot start a unit") : 0;
}
