/* SPDX-License-Identifier: Apache-2.0 */
/* The x86 side of cpu.h: what the processor says by CPUID, or Linux in /proc/cpuinfo. */
#ifndef AGENT_CPU_X86_H
#define AGENT_CPU_X86_H

#include "agent/cpu.h"

/* One answer of CPUID. */
struct cpuid_leaf {
	uint32_t leaf;
	uint32_t subleaf;
	uint32_t reg[4]; /* eax, ebx, ecx, edx */
};

struct cpuid_table {
	const struct cpuid_leaf *leaf;
	size_t n;
	uint64_t xcr0; /* XGETBV(0); 0 where OSXSAVE is not set */
};

/* Pure: features with state the operating system has not enabled in XCR0 are left out. */
void cpu_x86_from_cpuid(const struct cpuid_table *t, struct cpu *ret);

/* The first processor of a /proc/cpuinfo; NULL: no such line. */
struct cpu_x86_info {
	const char *vendor; /* "GenuineIntel" */
	unsigned family;
	unsigned model;
	const char *name;
	const char *flags; /* blank-separated */
};

/* Pure. */
void cpu_x86_from_info(const struct cpu_x86_info *i, struct cpu *ret);

#if defined(__x86_64__)
/* This processor. */
void cpu_x86_native(struct cpu *ret);
#endif

#endif
