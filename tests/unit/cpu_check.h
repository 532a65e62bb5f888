/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that the tests of the CPU share; include after <cmocka.h>. */
#ifndef TESTS_UNIT_CPU_CHECK_H
#define TESTS_UNIT_CPU_CHECK_H

#include "agent/cpu.h"
#include "common/auto.h"

#include <string.h>

/* What differs is said by name: a table test that fails must tell its row. */
#define check_text(what, got, want)                                                                \
	do {                                                                                       \
		if (strcmp((got) ? (got) : "none", (want)) != 0)                                   \
			fail_msg("%s: got '%s', want '%s'", what, (got) ? (got) : "none", want);   \
	} while (0)

static inline struct cpu_features set_of(enum cpu_arch arch, const char *words)
{
	struct cpu_features set = {0};
	auto_free char *copy = strdup(words);
	char *rest = copy;

	assert_non_null(copy);
	for (char *w; (w = strsep(&rest, " "));) {
		if (*w && !cpu_feature_add(arch, w, &set))
			fail_msg("'%s' is not a feature", w);
	}
	return set;
}

/* The march of a CPU is a target that it can run and that ranks first. */
static inline void check_consistent(const char *name, const struct cpu *c)
{
	const struct cpu_target *t = c->march ? cpu_target_find(c->march) : NULL;

	if (!c->march)
		return;
	if (!t || t->arch != c->arch || !cpu_has(&c->features, &t->needs))
		fail_msg("%s: cannot run its own march '%s'", name, c->march);
	if (cpu_target_rank(c, t) != 1000)
		fail_msg("%s: its own march does not rank first", name);
}

#endif
