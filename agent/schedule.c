/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/schedule.h"

#include "agent/plan.h"

struct schedule_demand schedule_demand_of(
	const struct schedule_machine *m, const struct job_options *o)
{
	struct schedule_demand d = {.cpus = o->cpus, .mem = o->mem, .cores = o->cores};
	uint64_t per_cpu = m->cpus ? m->mem / m->cpus : 0;

	/* Whole cores take all their threads from others. */
	if (o->cores && m->cores.n > 0 && d.cpus < o->cores * m->cores.core[0].threads)
		d.cpus = o->cores * m->cores.core[0].threads;
	if (d.mem == 0)
		d.mem = d.cpus * (per_cpu < PLAN_JOB_PER_VCPU ? per_cpu : PLAN_JOB_PER_VCPU);
	return d;
}

/* After a restart jobs may have more than there is by now. */
static uint64_t left(uint64_t all, uint64_t used)
{
	return used < all ? all - used : 0;
}

enum schedule_verdict schedule_judge(const struct schedule_machine *m,
	const struct schedule_use *used, const struct schedule_demand *d, const char **why)
{
	cpu_set_t set;
	size_t cpus;

	*why = NULL;
	if (d->cpus > m->cpus)
		*why = "it asks for more CPUs than there are";
	else if (d->mem > m->mem)
		*why = "it asks for more memory than there is for jobs";
	else if (d->cores && !cores_fit(&m->cores, d->cores))
		*why = "it asks for more cores than a NUMA node has";
	if (*why)
		return SCHEDULE_NEVER;
	if (d->waits || d->cpus > left(m->cpus, used->cpus) || d->mem > left(m->mem, used->mem))
		return SCHEDULE_WAIT;
	if (d->cores && !cores_choose(&m->cores, d->cores, 1, &set, &cpus))
		return SCHEDULE_WAIT;
	return SCHEDULE_START;
}

struct schedule_choice schedule_choose(const struct schedule_machine *m,
	const struct schedule_use *used, const struct schedule_demand *d, size_t n, bool backfill,
	unsigned passes)
{
	struct schedule_choice c = {.verdict = SCHEDULE_WAIT, .at = n};

	for (size_t i = 0; i < n; i++) {
		enum schedule_verdict v = schedule_judge(m, used, &d[i], &c.why);

		if (v != SCHEDULE_WAIT) {
			c.verdict = v;
			c.at = i;
			c.passed = c.passed && v == SCHEDULE_START;
			return c;
		}
		if (d[i].waits)
			continue;
		c.passed = true;
		if (!backfill || passes >= SCHEDULE_PASSES)
			return (struct schedule_choice){.verdict = SCHEDULE_WAIT, .at = n};
	}
	return (struct schedule_choice){.verdict = SCHEDULE_WAIT, .at = n};
}
