/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service manager, over its bus (org.freedesktop.systemd1(5)), within an epoll loop: starts
 * transient services, follows and ends them. Nothing here waits but where it says so. All that is
 * told is told from the loop, never from within a call.
 *
 * The jobs go on whatever becomes of the bus; when it is lost, calls return -ENOTCONN.
 */
#ifndef AGENT_UNIT_BUS_H
#define AGENT_UNIT_BUS_H

#include "agent/unit_name.h"
#include "agent/unit_props.h"
#include "agent/unit_record.h"

struct unit_state {
	bool alive; /* starting, running or stopping */
	bool failed;
	struct unit_end end;
	struct unit_usage used;
};

/* How the owner of a unit hears of it: its state, as was asked for or when it has changed, or NULL
 * and why it was not started, or nobody knows whether it was. */
struct bus_listener {
	void (*news)(const struct unit_state *state, const char *why, void *ctx);
	void *ctx;
};

struct unit_bus;
struct bus_unit;

/* Prefix drop-ins, which our units need, came with systemd 239. -EOPNOTSUPP: it is older. */
#define UNIT_BUS_VERSION 239

/* Waits for it. */
must_check int unit_bus_open(int loop, struct unit_bus **ret, struct err *e);
/* All its units must be freed before. */
void unit_bus_close(struct unit_bus *b);

/* When it was lost, connects again; waits for it. */
must_check int unit_bus_reopen(struct unit_bus *b, struct err *e);

/* Calls back for each unit of a job that has failed. Waits for the answer. */
must_check int unit_bus_each_failed(
	struct unit_bus *b, void (*unit)(const char *name, void *ctx), void *ctx, struct err *e);

/* While nothing runs we need not hear of the starts of others. */
void unit_bus_listen(struct unit_bus *b, bool on);

/* Forgets one that nobody waits for. */
must_check int bus_unit_new(struct unit_bus *b, const char *name, const struct bus_listener *l,
	struct bus_unit **ret, struct err *e);
void bus_unit_free(struct bus_unit *u);

struct bus_command {
	const char *description;
	const char *const *argv; /* ends with NULL; argv[0] is a path; taken literally */
	const char *variable;    /* NAME=VALUE for it and for its ExecStopPost= */
};

must_check int bus_unit_start(
	struct bus_unit *u, const struct bus_command *c, const struct unit_props *p, struct err *e);

/* Its state now and at every change from then on. */
must_check int bus_unit_follow(struct bus_unit *u, struct err *e);

/* To its main process. */
must_check int bus_unit_signal(struct bus_unit *u, int number, struct err *e);

/* A failed one is kept by the service manager until it is told so. */
void bus_unit_reset(struct bus_unit *u);

/* Waits for the answer. 1: it is alive or has failed; 0: there is none. */
must_check int bus_unit_exists(struct bus_unit *u, struct err *e);

#endif
