/* SPDX-License-Identifier: Apache-2.0 */
/* Whole cores for jobs that ask for them (--cores): which CPUs are threads of one core and which
 * node it is on, by sysfs (the kernel's Documentation/admin-guide/cputopology.rst). */
#ifndef AGENT_CORES_H
#define AGENT_CORES_H

#include "common/err.h"

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

#define CORES_THREADS 8
#define CORES_LIST    4096 /* as text, with its NUL */

struct core {
	unsigned cpu[CORES_THREADS]; /* in order; the first is its first thread */
	unsigned threads;
	unsigned node;
	bool taken;
};

struct cores {
	struct core *core; /* malloc'd */
	size_t n;
};

/* Of the CPUs that this process may use; each is a core of its own where sysfs does not tell. */
must_check int cores_read(int rootfd, struct cores *ret, struct err *e);
void cores_free(struct cores *c);

/* Pure: a list as the kernel prints them, "0-3,8"; false when it is none. */
bool cores_parse_list(const char *text, cpu_set_t *ret);
void cores_print_list(const cpu_set_t *set, char ret[static CORES_LIST]);

/*
 * Pure: n free cores of one node, of each up to `threads` threads, as *ret; the node is the one
 * with the least left over. *ret_cpus is how many CPUs that takes from others: all threads of the
 * cores. false: there are not that many free on any node.
 */
bool cores_choose(
	const struct cores *c, size_t n, size_t threads, cpu_set_t *ret, size_t *ret_cpus);

/* Whether n cores would fit a node that is free. */
bool cores_fit(const struct cores *c, size_t n);

/* All cores that have a CPU in the set. */
void cores_mark(struct cores *c, const cpu_set_t *set, bool taken);

#endif
