/* SPDX-License-Identifier: Apache-2.0 */
/* For unit_bus*.c only: the connection and its units. */
#ifndef AGENT_UNIT_BUS_PRIVATE_H
#define AGENT_UNIT_BUS_PRIVATE_H

#include "agent/executor.h"
#include "agent/unit_bus.h"

#include <systemd/sd-bus.h>

#define BUS_SERVICE "org.freedesktop.systemd1"
#define BUS_PATH    "/org/freedesktop/systemd1"
#define BUS_MANAGER "org.freedesktop.systemd1.Manager"
#define BUS_PROPS   "org.freedesktop.DBus.Properties"

struct unit_bus {
	struct executor_event on_bus, on_timer;
	sd_bus *bus; /* NULL: lost */
	int loop, timer;
	int fd; /* in the loop, the bus's own */
	uint32_t events;
	uint64_t due;
	unsigned version; /* of systemd */
	sd_bus_slot *jobs;
	struct bus_unit *first;
};

struct bus_unit {
	struct unit_bus *b;
	struct bus_unit *next;
	struct bus_listener listener;
	sd_bus_slot *start, *changes, *ask;
	bool again; /* it changed while it was asked for */
	char *path;
	char name[UNIT_NAME];
};

/* After each use of the connection: what the loop is to wait for. */
void unit_bus_rearm(struct unit_bus *b);

int unit_bus_fail(struct err *e, int rc, const char *what);

#endif
