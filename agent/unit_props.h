/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit of a job may use: from what the watcher grants and the job asks for. Pure.
 *
 * Its memory limit counts what the job keeps in /shared too (tmpfs pages are charged to the group
 * that first writes them), so that it is memory and scratch. The limits of time are a safety net:
 * the recorder in the unit ends the job before they are reached, and says so.
 */
#ifndef AGENT_UNIT_PROPS_H
#define AGENT_UNIT_PROPS_H

#include "agent/executor.h"
#include "agent/job.h"

#define UNIT_PROPS_OWN (8 * MIB) /* of the recorder, whose group is the job's */

#define UNIT_PROPS_TASKS     1024 /* and for each CPU */
#define UNIT_PROPS_TASKS_CPU 512

#define UNIT_PROPS_FOREVER UINT64_MAX /* as systemd has it */

struct unit_props {
	uint64_t memory_max; /* bytes */
	uint64_t tasks_max;
	uint64_t cpu_weight;           /* 1 … 10000 */
	uint64_t cpu_quota;            /* µs of each second, UNIT_PROPS_FOREVER: none */
	uint64_t runtime_max;          /* µs, UNIT_PROPS_FOREVER: none */
	uint64_t stop_time;            /* µs */
	uint8_t cpus[CPU_SETSIZE / 8]; /* the CPUs it is pinned to, bit 0 is CPU 0 */
	size_t n_cpus;                 /* bytes of it, 0: not pinned */
};

/* j NULL: not known, the recorder will refuse it. */
void unit_props_of(const struct executor_grant *g, const struct job *j, struct unit_props *ret);

#endif
