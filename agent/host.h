/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel says of this machine's memory, processors and nodes: /proc/meminfo, sysfs and
 * cgroups beneath a root directory, so that a fixture is a machine too.
 */
#ifndef AGENT_HOST_H
#define AGENT_HOST_H

#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

#define HOST_NODES_TEXT 64

struct host {
	uint64_t mem_total;     /* bytes, MemTotal of /proc/meminfo */
	uint64_t mem_available; /* bytes, MemAvailable */
	uint64_t hugetlb;       /* bytes set aside in hugetlb pools (Hugetlb:) */
	uint64_t cgroup_limit;  /* bytes, the least limit of our cgroup and its parents; UINT64_MAX:
				   none */
	uint64_t swap_zram;     /* bytes of swap on zram (swapping tmpfs into memory is no gain) */
	unsigned vcpus;         /* online */
	unsigned cores;         /* distinct cores online; vcpus when sysfs does not tell */
	unsigned numa_nodes;    /* online nodes with memory, at least 1 */
	char nodes[HOST_NODES_TEXT]; /* their list as the kernel writes it: "0-1" */
	char kernel[64]; /* release, "" when unknown (fixtures may have proc/sys/kernel/osrelease)
			  */
};

must_check int host_read(int rootfd, struct host *ret, struct err *e);

#endif
