/* SPDX-License-Identifier: Apache-2.0 */
/* How many CPUs this process may use. */
#ifndef AGENT_CPUS_H
#define AGENT_CPUS_H

#include "common/err.h"

#include <stdint.h>

#define CPUS_THREADS_MAX 512

/* Those of the affinity mask, or fewer where the quota of the control group, as rootfd tells it,
 * lets fewer run at once (half a CPU counts as one); at least 1. */
must_check int cpus_allowed(int rootfd, unsigned *ret, struct err *e);

/* As many threads as asked for; 0 asks for one on each CPU that is allowed. A quota that cannot be
 * read is none. At most CPUS_THREADS_MAX. */
unsigned cpus_threads(uint64_t asked);

#endif
