/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cpu_arm.h"
#include "common/cpu_table.h"

#include <stdio.h>
#include <string.h>

struct feature_row {
	uint64_t hwcap;
	uint64_t hwcap2;
};

#define FEATURE_ROW(id, gcc, hwcap, hwcap2) {hwcap, hwcap2},
static const struct feature_row feature_rows[] = {CPU_ARM_FEATURES(FEATURE_ROW)};

/* The kernel's names of the bits, in their order (arch/arm64/kernel/cpuinfo.c). */
static const char *const hwcap_names[] = {"fp", "asimd", "evtstrm", "aes", "pmull", "sha1", "sha2",
	"crc32", "atomics", "fphp", "asimdhp", "cpuid", "asimdrdm", "jscvt", "fcma", "lrcpc",
	"dcpop", "sha3", "sm3", "sm4", "asimddp", "sha512", "sve", "asimdfhm", "dit", "uscat",
	"ilrcpc", "flagm", "ssbs", "sb", "paca", "pacg"};
static const char *const hwcap2_names[] = {"dcpodp", "sve2", "sveaes", "svepmull", "svebitperm",
	"svesha3", "svesm4", "flagm2", "frint", "svei8mm", "svef32mm", "svef64mm", "svebf16",
	"i8mm", "bf16", "dgh", "rng", "bti", "mte", "ecv", "afp", "rpres", "mte3", "sme",
	"smei16i64", "smef64f64", "smei8i32", "smef16f32", "smeb16f32", "smef32f32", "smefa64",
	"wfxt", "ebf16", "sveebf16", "cssc", "rprfm", "sve2p1", "sme2", "sme2p1", "smei16i32",
	"smebi32i32", "smeb16b16", "smef16f16", "mops", "hbc", "sveb16b16", "lrcpc3", "lse128"};

struct core_row {
	unsigned implementer;
	unsigned part;
	enum cpu_vendor vendor;
	const char *march;
	const char *name;
};

/* Implementer and part numbers: each core's Technical Reference Manual, MIDR_EL1. */
static const struct core_row core_rows[] = {
	{0x41, 0xd08, VENDOR_ARM, "cortex-a72", "Cortex-A72"},   /* Graviton */
	{0x41, 0xd0c, VENDOR_ARM, "neoverse-n1", "Neoverse-N1"}, /* Graviton2, Altra */
	{0x41, 0xd40, VENDOR_ARM, "neoverse-v1", "Neoverse-V1"}, /* Graviton3 */
	{0x41, 0xd4f, VENDOR_ARM, "neoverse-v2", "Neoverse-V2"}, /* Graviton4, Grace, Axion */
	{0x41, 0xd84, VENDOR_ARM, "neoverse-v3", "Neoverse-V3"},
	{0x41, 0xd49, VENDOR_ARM, "neoverse-n2", "Neoverse-N2"},
	{0x41, 0xd8e, VENDOR_ARM, "neoverse-n3", "Neoverse-N3"},
	{0x6d, 0xd49, VENDOR_ARM, "neoverse-n2", "Azure Cobalt 100"},
	{0xc0, 0xac3, VENDOR_AMPERE, "ampere1", "AmpereOne"},
	{0xc0, 0xac4, VENDOR_AMPERE, "ampere1a", "AmpereOne-A"},
};

#define IMPLEMENTER_ARM 0x41

static const struct core_row *core_find(unsigned implementer, unsigned part)
{
	for (size_t i = 0; i < ARRAY_LEN(core_rows); i++) {
		if (core_rows[i].implementer == implementer && core_rows[i].part == part)
			return &core_rows[i];
	}
	return NULL;
}

/* SVE registers are the kernel's to enable; all else that a target needs works without it. */
static void add_implied(const char *march, struct cpu_features *set)
{
	const struct cpu_target *t = cpu_target_find(march);
	const uint64_t sve = 1ULL << ARM_SVE;
	const uint64_t sve_family = sve | 1ULL << ARM_SVE2 | 1ULL << ARM_SVE2_BITPERM;

	if (t)
		set->word[0] |=
			set->word[0] & sve ? t->needs.word[0] : t->needs.word[0] & ~sve_family;
}

void cpu_arm_from_hwcap(const struct cpu_arm_id *id, struct cpu *ret)
{
	unsigned implementer = id->midr >> 24, part = id->midr >> 4 & 0xfff;
	const struct core_row *core = core_find(implementer, part);
	enum cpu_vendor vendor = implementer == IMPLEMENTER_ARM ? VENDOR_ARM : VENDOR_UNKNOWN;

	*ret = (struct cpu){.arch = CPU_AARCH64, .source = "hwcap"};
	for (unsigned i = 0; i < ARRAY_LEN(feature_rows); i++) {
		const struct feature_row *r = &feature_rows[i];

		if ((id->hwcap & r->hwcap) == r->hwcap && (id->hwcap2 & r->hwcap2) == r->hwcap2)
			cpu_feature_set(&ret->features, i);
	}
	if (core) {
		add_implied(core->march, &ret->features);
		vendor = core->vendor;
		snprintf(ret->model_name, sizeof(ret->model_name), "%s", core->name);
	}
	ret->march = cpu_march(ret, vendor, core ? core->march : NULL);
}

static uint64_t bit_named(const char *const *names, size_t n_names, const char *name, size_t len)
{
	for (size_t i = 0; i < n_names; i++) {
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return 1ULL << i;
	}
	return 0;
}

void cpu_arm_hwcaps(const char *names, struct cpu_arm_id *ret)
{
	const char *p = names;

	ret->hwcap = 0;
	ret->hwcap2 = 0;
	while (*p) {
		size_t len = strcspn(p, " \t");

		ret->hwcap |= bit_named(hwcap_names, ARRAY_LEN(hwcap_names), p, len);
		ret->hwcap2 |= bit_named(hwcap2_names, ARRAY_LEN(hwcap2_names), p, len);
		p += len;
		p += strspn(p, " \t");
	}
}
