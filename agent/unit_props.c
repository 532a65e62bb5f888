/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unit_props.h"

#include "common/num.h"

#include <string.h>

#define USEC_PER_SEC 1000000ULL

#define WEIGHT     100 /* of a CPU */
#define WEIGHT_MAX 10000

/* For the recorder, to kill what is left and write the result. */
#define SPARE (30 * USEC_PER_SEC)

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	return b && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void set_cpus(const cpu_set_t *set, struct unit_props *p)
{
	for (unsigned i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, set))
			continue;
		p->cpus[i / 8] |= (uint8_t)(1U << (i % 8));
		p->n_cpus = i / 8 + 1;
	}
}

static void set_times(const struct job *j, struct unit_props *p)
{
	uint64_t before = least(j->signal_before, JOB_CHECKPOINT_MAX) / NSEC_PER_USEC;

	p->stop_time = add(p->stop_time, j->options.grace / NSEC_PER_USEC);
	if (j->options.time)
		p->runtime_max = add(j->options.time / NSEC_PER_USEC, p->stop_time);
	p->stop_time = add(p->stop_time, before);
}

void unit_props_of(const struct executor_grant *g, const struct job *j, struct unit_props *ret)
{
	uint64_t cpus = g->cpus ? g->cpus : 1;

	memset(ret, 0, sizeof(*ret));
	/* A limit that is the largest number is none. */
	ret->memory_max = least(add(add(g->mem, g->scratch), UNIT_PROPS_OWN), UINT64_MAX - 1);
	ret->tasks_max = add(UNIT_PROPS_TASKS, times(cpus, UNIT_PROPS_TASKS_CPU));
	ret->cpu_weight = least(times(cpus, WEIGHT), WEIGHT_MAX);
	ret->cpu_quota = g->pinned ? UNIT_PROPS_FOREVER : times(cpus, USEC_PER_SEC);
	ret->runtime_max = UNIT_PROPS_FOREVER;
	ret->stop_time = SPARE;
	if (g->pinned)
		set_cpus(&g->set, ret);
	if (j)
		set_times(j, ret);
}
