/* SPDX-License-Identifier: Apache-2.0 */
/* A set of IDs in a fixed piece of memory, so that it may say that it has one that it has not;
 * never the other way. Pure. */
#ifndef AGENT_IDSET_H
#define AGENT_IDSET_H

#include <stdbool.h>
#include <stdint.h>

/* With 100,000 IDs in it one of six others seems to be. */
#define IDSET_BITS (512 * 1024)

struct idset {
	bool any;
	uint8_t bits[IDSET_BITS / 8];
};

void idset_add(struct idset *s, const char *id);
bool idset_has(const struct idset *s, const char *id);
void idset_reset(struct idset *s);

#endif
