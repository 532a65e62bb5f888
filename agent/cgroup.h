/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of our own control group, versions 1 and 2; cgroups(7). */
#ifndef AGENT_CGROUP_H
#define AGENT_CGROUP_H

#include "common/err.h"

#include <stdint.h>

/* The least limit, in bytes, of the group that rootfd's /proc/self/cgroup names and of its parents;
 * UINT64_MAX: none. */
must_check int cgroup_memory_limit(int rootfd, uint64_t *ret, struct err *e);

/* The same of CPUs: the quota rounded up to whole ones. */
must_check int cgroup_cpu_limit(int rootfd, uint64_t *ret, struct err *e);

#endif
