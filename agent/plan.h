/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The largest safe tmpfs, as a pure function:
 *
 *     size + nr_inodes x PLAN_INODE_COST = memory - reserve,  reserve = system + jobs
 *
 * memory is MemTotal less hugetlb pools, bounded by a cgroup's limit. system is a concave curve;
 * jobs is the larger of vCPUs x 175 MiB and JobMemory=. The budget is bounded by what is available
 * now plus what the mount holds already, the size by MaxSize=.
 */
#ifndef AGENT_PLAN_H
#define AGENT_PLAN_H

#include "agent/host.h"
#include "agent/settings.h"
#include "common/json.h"
#include "common/num.h"

#include <stdbool.h>
#include <stdint.h>

/* The share the original UserData script leaves to each vCPU's job. */
#define PLAN_JOB_PER_VCPU (175 * MIB)

/* Kernel memory an inode costs beside the pages that size= counts: 1,048 bytes measured for an
 * empty file, 1,672 with a 255-byte name and a 127-byte symlink target (Linux 6.1 and 6.18). */
#define PLAN_INODE_COST 1792

/* size is a multiple of this. */
#define PLAN_SIZE_STEP MIB

/* There is room for a few small files however large BytesPerInode= is. */
#define PLAN_INODES_MIN 1024

/* What the tmpfs holds already; zeroes where nothing is mounted. */
struct plan_held {
	uint64_t bytes;
	uint64_t inodes;
};

/* One line of the derivation, in order: what is taken away is negative, and bounds ("at most …")
 * are there whether they bind or not. */
struct plan_term {
	const char *name; /* static text: "system: 3 % of the first 4 GiB" */
	int64_t bytes;
};

#define PLAN_TERMS 24

struct tmpfs_plan {
	uint64_t memory; /* bytes the plan starts from */
	uint64_t system; /* bytes */
	uint64_t jobs;   /* bytes */
	uint64_t budget; /* bytes for data and inodes, 0 when the reserve takes all */
	uint64_t size;   /* bytes, for size=; 0 (which tmpfs takes for no limit) never fits */
	uint64_t nr_inodes;
	uint64_t min_size; /* bytes */
	bool fits;         /* size >= min_size and what is held fits */
	const char *bound; /* what decided: "memory", "available", "cgroup", "MaxSize" */
	enum huge_policy huge;
	char interleave[HOST_NODES_TEXT]; /* for mpol=interleave:, "" with one node */
	struct plan_term term[PLAN_TERMS];
	unsigned terms;
};

/* The system part of the reserve for this much memory, by the curve. */
uint64_t plan_system_reserve(uint64_t memory);

/* Pure; cannot fail: a machine too small gives fits = false. */
void plan_size(const struct host *h, const struct settings *s, const struct plan_held *held,
	struct tmpfs_plan *ret);

/* {"format":1, mem_total_bytes, vcpus, reserve{system_bytes,jobs_bytes}, budget_bytes, size_bytes,
 * nr_inodes, inode_cost_bytes, min_size_bytes, fits, bound, huge, mpol, terms[{name,bytes}]}; a new
 * reference, NULL on no memory. */
json_t *plan_json(const struct tmpfs_plan *p, const struct host *h);

#endif
