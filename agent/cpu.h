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

#include "common/cpu_target.h"
#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu {
	enum cpu_arch arch;
	struct cpu_features features;
	/* Static text: "znver4", "sapphirerapids", "neoverse-v1"; the highest level ("x86-64-v3")
	 * where an x86 core is not known or features of it are hidden; NULL when not known. */
	const char *march;
	char model_name[64]; /* for people, "" when unknown */
	const char *source;  /* "cpuid", "hwcap", "cpuinfo" */
};

/* This processor when native; else rootfd's /proc/cpuinfo (absent: arch other, no features). */
must_check int cpu_read(int rootfd, bool native, struct cpu *ret, struct err *e);

/* Pure: a /proc/cpuinfo text. */
must_check int cpu_from_cpuinfo(const char *text, struct cpu *ret, struct err *e);

/* false: the name is not known for this architecture. Accepts common synonyms ("sse4_2" =
 * "sse4.2"). */
bool cpu_feature_add(enum cpu_arch arch, const char *name, struct cpu_features *set);

/* Calls fn for each member in a fixed order. */
void cpu_each_feature(enum cpu_arch arch, const struct cpu_features *set,
	void (*fn)(const char *name, void *ctx), void *ctx);

/* The first member of need that have lacks, NULL if none. */
const char *cpu_first_missing(
	enum cpu_arch arch, const struct cpu_features *have, const struct cpu_features *need);

/* How specific the target is for this CPU: 0 = cannot run it, else higher is more specific; the
 * CPU's own march above all others, then the cores it descends from, newest first, then levels and
 * other architectures by how many features they use. */
unsigned cpu_target_rank(const struct cpu *c, const struct cpu_target *t);

/* The x86-64 levels this CPU has, highest first, NULL-terminated; none on other architectures. */
void cpu_levels(const struct cpu *c, const char *ret[static 5]);

/*
 * The name of this core: start, the one its model has, or the nearest of its ancestors whose
 * features are all there; with start = NULL (a model not known) the newest of the vendor. On
 * x86_64, where that has less than the highest level the CPU has, or there is none, the level.
 */
const char *cpu_march(const struct cpu *c, enum cpu_vendor vendor, const char *start);

#endif
