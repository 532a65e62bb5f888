/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which job starts next: a pure decision. Jobs start in the order of their names; one that does not
 * fit now holds those behind it, unless backfill is allowed; one that waits for another (--after)
 * holds nobody; one that can never fit fails at once.
 */
#ifndef AGENT_SCHEDULE_H
#define AGENT_SCHEDULE_H

#include "agent/cores.h"
#include "agent/job.h"

#include <stdbool.h>
#include <stdint.h>

/* So many jobs may pass one that does not fit, so that it is not passed for ever. */
#define SCHEDULE_PASSES 256

struct schedule_machine {
	uint64_t cpus;
	uint64_t mem; /* bytes that jobs may have together */
	struct cores cores;
};

struct schedule_use {
	uint64_t cpus;
	uint64_t mem;
};

/* What a job needs. */
struct schedule_demand {
	uint64_t cpus;
	uint64_t mem;
	uint64_t cores; /* 0: any CPUs */
	bool waits;     /* for another job */
};

enum schedule_verdict { SCHEDULE_START, SCHEDULE_WAIT, SCHEDULE_NEVER };

/* mem 0 becomes its share: that of its CPUs, at most what there is for one CPU of this machine. */
struct schedule_demand schedule_demand_of(
	const struct schedule_machine *m, const struct job_options *o);

/* Whether this job, alone, may start now; for SCHEDULE_NEVER *why is static text. */
enum schedule_verdict schedule_judge(const struct schedule_machine *m,
	const struct schedule_use *used, const struct schedule_demand *d, const char **why);

struct schedule_choice {
	enum schedule_verdict verdict; /* SCHEDULE_WAIT: none of them now, `at` is n */
	size_t at;
	const char *why;
	bool passed; /* it passes one that came before it */
};

/* The first of n jobs, in their order, to start or to refuse. passes: how many have passed the one
 * that is held so far. */
struct schedule_choice schedule_choose(const struct schedule_machine *m,
	const struct schedule_use *used, const struct schedule_demand *d, size_t n, bool backfill,
	unsigned passes);

#endif
