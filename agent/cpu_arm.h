/* SPDX-License-Identifier: Apache-2.0 */
/* The aarch64 side of cpu.h: hwcaps, and MIDR_EL1 for the name of the core. */
#ifndef AGENT_CPU_ARM_H
#define AGENT_CPU_ARM_H

#include "agent/cpu.h"

struct cpu_arm_id {
	uint64_t hwcap;  /* AT_HWCAP */
	uint64_t hwcap2; /* AT_HWCAP2 */
	uint32_t midr;   /* MIDR_EL1: implementer in bits 31-24, part in 15-4; 0: not known */
};

/*
 * Pure. An old kernel does not announce what it was not taught (a Graviton3 under Linux 4.18 has
 * no i8mm in its hwcaps): what needs nothing of the kernel is taken from the core's known features.
 * SVE, which the kernel must enable, is believed only when announced.
 */
void cpu_arm_from_hwcap(const struct cpu_arm_id *id, struct cpu *ret);

/* Pure: the "Features" line of /proc/cpuinfo as hwcap bits; names not known are left out. */
void cpu_arm_hwcaps(const char *names, struct cpu_arm_id *ret);

#endif
