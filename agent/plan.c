/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/plan.h"

#include <stdio.h>

#define SYSTEM_BASE (128 * MIB)

/*
 * What kernel and daemons need grows more slowly than memory. The last step still covers the page
 * tree of a full tmpfs (576 bytes for each 256 KiB: 0.22 %) and the high watermark (0.2 % with the
 * default watermark_scale_factor).
 */
static const struct step {
	uint64_t upto;     /* bytes */
	uint64_t permille; /* of what lies between the step before and this one */
	const char *name;
} curve[] = {
	{4 * GIB, 30, "system: 3 % of the first 4 GiB"},
	{64 * GIB, 15, "system: 1.5 % of what follows to 64 GiB"},
	{256 * GIB, 10, "system: 1 % of what follows to 256 GiB"},
	{UINT64_MAX, 5, "system: 0.5 % of the rest"},
};

static uint64_t step_reserve(size_t i, uint64_t memory)
{
	uint64_t from = i ? curve[i - 1].upto : 0;
	uint64_t to = memory < curve[i].upto ? memory : curve[i].upto;
	uint64_t part = to > from ? to - from : 0;

	return part / 1000 * curve[i].permille + part % 1000 * curve[i].permille / 1000;
}

uint64_t plan_system_reserve(uint64_t memory)
{
	uint64_t sum = SYSTEM_BASE;

	for (size_t i = 0; i < ARRAY_LEN(curve); i++)
		sum += step_reserve(i, memory);
	return sum;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static int64_t shown(uint64_t bytes)
{
	return bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
}

static void note(struct tmpfs_plan *p, const char *name, int64_t bytes)
{
	if (p->terms < PLAN_TERMS)
		p->term[p->terms++] = (struct plan_term){.name = name, .bytes = bytes};
}

static void plan_memory(const struct host *h, struct tmpfs_plan *p)
{
	p->memory = less(h->mem_total, h->hugetlb);
	p->bound = "memory";
	note(p, "MemTotal", shown(h->mem_total));
	if (h->hugetlb)
		note(p, "hugetlb pools", -shown(h->hugetlb));
	if (h->cgroup_limit != UINT64_MAX)
		note(p, "at most the limit of the control group", shown(h->cgroup_limit));
	if (h->cgroup_limit < p->memory) {
		p->memory = h->cgroup_limit;
		p->bound = "cgroup";
	}
	note(p, "memory", shown(p->memory));
}

static void plan_reserve(const struct host *h, const struct settings *s, struct tmpfs_plan *p)
{
	uint64_t by_vcpu = times(h->vcpus, PLAN_JOB_PER_VCPU);

	if (s->system_reserve) {
		p->system = s->system_reserve;
		note(p, "system: SystemReserve=", -shown(p->system));
	} else {
		p->system = plan_system_reserve(p->memory);
		note(p, "system: base", -shown(SYSTEM_BASE));
		for (size_t i = 0; i < ARRAY_LEN(curve) && step_reserve(i, p->memory); i++)
			note(p, curve[i].name, -shown(step_reserve(i, p->memory)));
	}
	p->jobs = by_vcpu > s->job_memory ? by_vcpu : s->job_memory;
	note(p, p->jobs == by_vcpu ? "jobs: 175 MiB for each vCPU" : "jobs: JobMemory=",
		-shown(p->jobs));
}

static void plan_budget(const struct host *h, const struct plan_held *held, struct tmpfs_plan *p)
{
	uint64_t in_use = add(held->bytes, times(held->inodes, PLAN_INODE_COST));
	uint64_t reach = add(h->mem_available, in_use);

	p->budget = less(less(p->memory, p->system), p->jobs);
	note(p, "memory less reserve", shown(p->budget));
	if (in_use)
		note(p, "at most what is available or in the mount", shown(reach));
	else
		note(p, "at most what is available", shown(reach));
	if (reach < p->budget) {
		p->budget = reach;
		p->bound = "available";
	}
	note(p, "budget", shown(p->budget));
}

static uint64_t whole_steps(uint64_t bytes)
{
	return bytes - bytes % PLAN_SIZE_STEP;
}

static uint64_t inodes_for(const struct settings *s, uint64_t size)
{
	uint64_t n = size / s->bytes_per_inode;

	return n > PLAN_INODES_MIN ? n : PLAN_INODES_MIN;
}

/* size + size / BytesPerInode x cost = budget; rounded down, so that the sum never exceeds it. */
static uint64_t size_of_budget(const struct settings *s, uint64_t budget)
{
	unsigned __int128 share = (unsigned __int128)budget * s->bytes_per_inode;
	uint64_t size =
		(uint64_t)(share / ((unsigned __int128)s->bytes_per_inode + PLAN_INODE_COST));

	if (size / s->bytes_per_inode < PLAN_INODES_MIN)
		size = less(budget, PLAN_INODES_MIN * PLAN_INODE_COST);
	return whole_steps(size);
}

static void plan_split(const struct settings *s, struct tmpfs_plan *p)
{
	uint64_t max = whole_steps(s->max_size);

	p->size = size_of_budget(s, p->budget);
	if (max < p->size) {
		p->size = max;
		p->bound = "MaxSize";
	}
	if (p->size)
		p->nr_inodes = inodes_for(s, p->size);
	note(p, "inodes at 1,792 bytes each", -shown(times(p->nr_inodes, PLAN_INODE_COST)));
	if (s->max_size != UINT64_MAX)
		note(p, "at most MaxSize=", shown(s->max_size));
	note(p, "size, in whole MiB", shown(p->size));
}

static void plan_fits(const struct plan_held *held, struct tmpfs_plan *p)
{
	p->fits = p->size > 0 && p->size >= p->min_size;
	note(p, "at least MinSize=", shown(p->min_size));
	if (held->bytes > p->size) {
		p->fits = false;
		note(p, "the mount holds more than this size", shown(held->bytes));
	}
	if (held->inodes > p->nr_inodes) {
		p->fits = false;
		note(p, "the mount holds more than these inodes, which cost",
			shown(times(held->inodes, PLAN_INODE_COST)));
	}
}

void plan_size(const struct host *h, const struct settings *s, const struct plan_held *held,
	struct tmpfs_plan *ret)
{
	struct tmpfs_plan p = {.min_size = s->min_size, .huge = s->huge};

	plan_memory(h, &p);
	plan_reserve(h, s, &p);
	plan_budget(h, held, &p);
	plan_split(s, &p);
	plan_fits(held, &p);
	if (h->numa_nodes > 1)
		snprintf(p.interleave, sizeof(p.interleave), "%s", h->nodes);
	*ret = p;
}

static json_t *terms_json(const struct tmpfs_plan *p)
{
	json_t *terms = json_array();

	for (unsigned i = 0; terms && i < p->terms; i++)
		json_array_append_new(terms, json_pack("{s:s, s:I}", "name", p->term[i].name,
						     "bytes", (json_int_t)p->term[i].bytes));
	return terms;
}

static json_t *mpol_json(const struct tmpfs_plan *p)
{
	return *p->interleave ? json_sprintf("interleave:%s", p->interleave) : json_null();
}

json_t *plan_json(const struct tmpfs_plan *p, const struct host *h)
{
	return json_pack("{s:i, s:I, s:I, s:{s:I, s:I}, s:I, s:I, s:I, s:I, s:I, s:b, s:s, s:s, "
			 "s:o, s:o}",
		"format", 1, "mem_total_bytes", (json_int_t)shown(h->mem_total), "vcpus",
		(json_int_t)h->vcpus, "reserve", "system_bytes", (json_int_t)shown(p->system),
		"jobs_bytes", (json_int_t)shown(p->jobs), "budget_bytes",
		(json_int_t)shown(p->budget), "size_bytes", (json_int_t)shown(p->size), "nr_inodes",
		(json_int_t)shown(p->nr_inodes), "inode_cost_bytes", (json_int_t)PLAN_INODE_COST,
		"min_size_bytes", (json_int_t)shown(p->min_size), "fits", p->fits, "bound",
		p->bound, "huge", huge_policy_name(p->huge), "mpol", mpol_json(p), "terms",
		terms_json(p));
}
