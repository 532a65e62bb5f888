/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cpus.h"

#include "agent/cgroup.h"
#include "common/fs.h"

#include <errno.h>
#include <sched.h>

/* The kernel's NR_CPUS is at most 8192. */
#define CPUS_MAX 65536

static unsigned count_affinity(void)
{
	for (size_t cpus = CPU_SETSIZE; cpus <= CPUS_MAX; cpus *= 2) {
		const size_t size = CPU_ALLOC_SIZE(cpus);
		auto_free cpu_set_t *set = malloc(size);
		int n = 0;

		if (set && sched_getaffinity(0, size, set) == 0)
			n = CPU_COUNT_S(size, set);
		else if (set && errno == EINVAL)
			continue;
		return n > 1 ? (unsigned)n : 1;
	}
	return 1;
}

int cpus_allowed(int rootfd, unsigned *ret, struct err *e)
{
	unsigned n = count_affinity();
	uint64_t quota;
	int rc = cgroup_cpu_limit(rootfd, &quota, e);

	if (rc < 0)
		return rc;
	if (quota < n)
		n = quota > 1 ? (unsigned)quota : 1;
	*ret = n;
	return 0;
}

unsigned cpus_threads(uint64_t asked)
{
	auto_close int root = -1;
	struct err e = ERR_INIT;
	unsigned n;

	if (asked)
		return asked < CPUS_THREADS_MAX ? (unsigned)asked : CPUS_THREADS_MAX;
	if (fs_root("/", &root, &e) < 0 || cpus_allowed(root, &n, &e) < 0)
		n = count_affinity();
	return n < CPUS_THREADS_MAX ? n : CPUS_THREADS_MAX;
}
