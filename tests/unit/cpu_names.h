/* SPDX-License-Identifier: Apache-2.0 */
/* A set of features as a text. */
#ifndef TESTS_UNIT_CPU_NAMES_H
#define TESTS_UNIT_CPU_NAMES_H

#include "agent/cpu.h"

#include <stdio.h>
#include <string.h>

#define CPU_NAMES 2048

static inline void cpu_names_add(const char *name, void *ctx)
{
	char *text = ctx;
	const size_t len = strlen(text);

	snprintf(text + len, CPU_NAMES - len, "%s%s", len ? " " : "", name);
}

/* Separated by blanks; returns out. */
static inline const char *cpu_names(
	enum cpu_arch arch, const struct cpu_features *set, char out[static CPU_NAMES])
{
	out[0] = '\0';
	cpu_each_feature(arch, set, cpu_names_add, out);
	return out;
}

#endif
