/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/idset.h"

#include <string.h>

static uint32_t bit_of(const char *id)
{
	/* FNV-1a. */
	uint64_t h = 0xcbf29ce484222325;

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 0x100000001b3;
	return (uint32_t)((h ^ h >> 32) % IDSET_BITS);
}

void idset_add(struct idset *s, const char *id)
{
	uint32_t bit = bit_of(id);

	s->any = true;
	s->bits[bit / 8] |= (uint8_t)(1U << bit % 8);
}

bool idset_has(const struct idset *s, const char *id)
{
	uint32_t bit = bit_of(id);

	return s->any && s->bits[bit / 8] >> bit % 8 & 1;
}

void idset_reset(struct idset *s)
{
	/* Most often it was not used, and takes no memory. */
	if (s->any)
		memset(s->bits, 0, sizeof(s->bits));
	s->any = false;
}
