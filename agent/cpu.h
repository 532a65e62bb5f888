/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processor as a compiler sees it: instruction set features that the operating system has
 * enabled, x86-64 levels, and the name GCC gives this core (-march=, -mcpu=). From CPUID and XCR0,
 * or AT_HWCAP, AT_HWCAP2 and MIDR_EL1; from /proc/cpuinfo where a root directory stands for another
 * machine. Intel SDM vol. 2 CPUID; AMD APM vol. 3 app. E; x86-64 psABI "micro-architecture levels";
 * arm64 Documentation/arch/arm64/elf_hwcaps.rst; GCC manual, x86 and AArch64 options.
 */
#ifndef AGENT_CPU_H
#define AGENT_CPU_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cpu_arch { CPU_X86_64, CPU_AARCH64, CPU_OTHER };

#define CPU_FEATURE_WORDS 4

/* A set of features of one architecture; the names are GCC's (-mavx512f: "avx512f"; +sve2: "sve2").
 */
struct cpu_features {
	uint64_t word[CPU_FEATURE_WORDS];
};

struct cpu {
	enum cpu_arch arch;
	struct cpu_features features;
	/* Static text: "znver4", "sapphirerapids", "neoverse-v1"; the highest level ("x86-64-v3")
	 * where an x86 core is not known or features of it are hidden; NULL when not known. */
	const char *march;
	char model_name[64]; /* for people, "" when unknown */
	const char *source;  /* "cpuid", "hwcap", "cpuinfo" */
};

/* "x86_64", "aarch64", "other". */
const char *cpu_arch_name(enum cpu_arch a);

/* This processor when native; else rootfd's /proc/cpuinfo (absent: arch other, no features). */
must_check int cpu_read(int rootfd, bool native, struct cpu *ret, struct err *e);

/* Pure: a /proc/cpuinfo text. */
must_check int cpu_from_cpuinfo(const char *text, struct cpu *ret, struct err *e);

/* false: the name is not known for this architecture. Accepts common synonyms ("sse4_2" =
 * "sse4.2"). */
bool cpu_feature_add(enum cpu_arch arch, const char *name, struct cpu_features *set);
bool cpu_has(const struct cpu_features *have, const struct cpu_features *need);

/* Calls fn for each member in a fixed order. */
void cpu_each_feature(enum cpu_arch arch, const struct cpu_features *set,
	void (*fn)(const char *name, void *ctx), void *ctx);

/* The first member of need that have lacks, NULL if none. */
const char *cpu_first_missing(
	enum cpu_arch arch, const struct cpu_features *have, const struct cpu_features *need);

/* A compiler architecture name or a level as an archive key. */
struct cpu_target {
	const char *name; /* "skylake-avx512", "x86-64-v3", "neoverse-n1" */
	enum cpu_arch arch;
	bool level;                /* x86-64, x86-64-v2 … v4 */
	struct cpu_features needs; /* what compilers may emit for it (cpu_target.c) */
};

/* NULL when the name is none. */
const struct cpu_target *cpu_target_find(const char *name);

/* How specific the target is for this CPU: 0 = cannot run it, else higher is more specific; the
 * CPU's own march above all others, then the cores it descends from, newest first, then levels and
 * other architectures by how many features they use. */
unsigned cpu_target_rank(const struct cpu *c, const struct cpu_target *t);

/* The x86-64 levels this CPU has, highest first, NULL-terminated; none on other architectures. */
void cpu_levels(const struct cpu *c, const char *ret[static 5]);

#endif
