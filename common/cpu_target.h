/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processors that code is compiled for, and the sets of instruction set features they have: the
 * names GCC gives them (-march=, -mcpu=) and the x86-64 levels. Pure. GCC manual, x86 and AArch64
 * options; x86-64 psABI "micro-architecture levels".
 */
#ifndef COMMON_CPU_TARGET_H
#define COMMON_CPU_TARGET_H

#include <stdbool.h>
#include <stdint.h>

enum cpu_arch { CPU_X86_64, CPU_AARCH64, CPU_OTHER };
enum cpu_vendor { VENDOR_UNKNOWN, VENDOR_INTEL, VENDOR_AMD, VENDOR_ARM, VENDOR_AMPERE };

#define CPU_FEATURE_WORDS 4

/* A set of features of one architecture, by the rows of cpu_table.h. */
struct cpu_features {
	uint64_t word[CPU_FEATURE_WORDS];
};

/* A compiler architecture name or a level as an archive key. */
struct cpu_target {
	const char *name; /* "skylake-avx512", "x86-64-v3", "neoverse-n1" */
	enum cpu_arch arch;
	bool level;                /* x86-64, x86-64-v2 … v4 */
	struct cpu_features needs; /* what compilers may emit for it */
	enum cpu_vendor vendor;
	const char *from; /* the name that this core extends, or NULL */
};

/* All of them, newest first within a vendor, levels highest first; ends with .name = NULL. */
extern const struct cpu_target cpu_targets[];

/* NULL when the name is none. Takes GCC's synonyms: "core-avx2" is "haswell". */
const struct cpu_target *cpu_target_find(const char *name);

/* "x86_64", "aarch64", "other". */
const char *cpu_arch_name(enum cpu_arch a);

bool cpu_has(const struct cpu_features *have, const struct cpu_features *need);

#endif
