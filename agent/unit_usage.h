/* SPDX-License-Identifier: Apache-2.0 */
/* What our own control group has used: of the unit of a job, seen from inside. cgroups(7), version
 * 2; of version 1 what it has. */
#ifndef AGENT_UNIT_USAGE_H
#define AGENT_UNIT_USAGE_H

#include "common/err.h"

#include <stdint.h>

struct unit_usage {
	uint64_t peak_memory; /* bytes, 0: not known */
	uint64_t memory_max;  /* bytes, 0: none or not known */
	uint64_t oom_kills;   /* processes that its memory limit has cost */
	uint64_t user_us, system_us;
};

/* What cannot be read is zero. */
void unit_usage_read(int rootfd, struct unit_usage *ret);

/* Pure, for unit_usage.c and its test: the group of a controller ("" for version 2) in the text of
 * /proc/self/cgroup, NULL: it is not there. *len is its length. */
const char *unit_usage_group(const char *text, const char *controller, size_t *len);

/* Pure: the number of a line "KEY NUMBER" in such a file, 0: none. */
uint64_t unit_usage_field(const char *text, const char *key);

#endif
