/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cpu.h"

#include <string.h>

static bool runs(const struct cpu *c, const struct cpu_target *t)
{
	return t->arch == c->arch && cpu_has(&c->features, &t->needs);
}

static const struct cpu_target *parent_of(const struct cpu_target *t)
{
	return t->from ? cpu_target_find(t->from) : NULL;
}

/* The n-th highest level of this CPU, NULL beyond the last. */
static const struct cpu_target *level_at(const struct cpu *c, unsigned n)
{
	for (const struct cpu_target *t = cpu_targets; t->name; t++) {
		if (t->level && runs(c, t) && n-- == 0)
			return t;
	}
	return NULL;
}

void cpu_levels(const struct cpu *c, const char *ret[static 5])
{
	unsigned n = 0;
	const struct cpu_target *t;

	while (n < 4 && (t = level_at(c, n)))
		ret[n++] = t->name;
	ret[n] = NULL;
}

static const struct cpu_target *newest_of(const struct cpu *c, enum cpu_vendor vendor)
{
	for (const struct cpu_target *t = cpu_targets; vendor != VENDOR_UNKNOWN && t->name; t++) {
		if (t->vendor == vendor && runs(c, t))
			return t;
	}
	return NULL;
}

const char *cpu_march(const struct cpu *c, enum cpu_vendor vendor, const char *start)
{
	const struct cpu_target *own = start ? cpu_target_find(start) : NULL;
	const struct cpu_target *found = start ? NULL : newest_of(c, vendor);
	const struct cpu_target *level = level_at(c, 0);

	while (own && !runs(c, own))
		own = parent_of(own);
	if (own)
		found = own;
	if (level && (!found || !cpu_has(&found->needs, &level->needs)))
		found = level;
	return found ? found->name : NULL;
}

/* Ranks in bands: levels and other cores by how much they use, ancestors by nearness, the CPU
 * itself. */
#define RANK_OTHER    1U
#define RANK_ANCESTOR 900U
#define RANK_SELF     1000U

static unsigned needs_rank(const struct cpu_target *t)
{
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_LEN(t->needs.word); i++)
		n += (unsigned)__builtin_popcountll(t->needs.word[i]);
	return RANK_OTHER + 2 * n + t->level;
}

static unsigned core_rank(const struct cpu *c, const struct cpu_target *t)
{
	const struct cpu_target *own = c->march ? cpu_target_find(c->march) : NULL;

	for (unsigned steps = 0; own; steps++) {
		if (own == t)
			return RANK_ANCESTOR - steps;
		own = parent_of(own);
	}
	return needs_rank(t);
}

unsigned cpu_target_rank(const struct cpu *c, const struct cpu_target *t)
{
	if (!runs(c, t))
		return 0;
	if (c->march && strcmp(c->march, t->name) == 0)
		return RANK_SELF;
	return t->level ? needs_rank(t) : core_rank(c, t);
}
