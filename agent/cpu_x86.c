/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cpu_x86.h"
#include "common/cpu_table.h"

#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

struct feature_row {
	const char *flag;
	uint32_t leaf;
	uint32_t subleaf;
	unsigned reg;
	unsigned bit;
	uint64_t xcr0;
};

#define FEATURE_ROW(id, gcc, flag, leaf, subleaf, reg, bit, xcr0)                                  \
	{flag, leaf, subleaf, reg, bit, xcr0},
static const struct feature_row feature_rows[] = {CPU_X86_FEATURES(FEATURE_ROW)};

struct model_row {
	enum cpu_vendor vendor;
	unsigned family;
	unsigned first, last; /* models */
	const char *march;
};

/*
 * Intel SDM vol. 4 table 2-1; AMD's Processor Programming References (family 19h and 1Ah share
 * model ranges between cores); GCC's cpuinfo.h. Models 85 are told apart by their features: the
 * newest is tried first and cpu_march() goes down. Where GCC 12 has no name of its own for a model
 * (Arrow Lake, Lunar Lake, Zen 6), it is the one it extends.
 */
/* clang-format off */
static const struct model_row model_rows[] = {
	{VENDOR_INTEL, 6, 0x1a, 0x1a, "nehalem"},
	{VENDOR_INTEL, 6, 0x1e, 0x1f, "nehalem"},
	{VENDOR_INTEL, 6, 0x2e, 0x2e, "nehalem"},
	{VENDOR_INTEL, 6, 0x25, 0x25, "westmere"},
	{VENDOR_INTEL, 6, 0x2c, 0x2c, "westmere"},
	{VENDOR_INTEL, 6, 0x2f, 0x2f, "westmere"},
	{VENDOR_INTEL, 6, 0x2a, 0x2a, "sandybridge"},
	{VENDOR_INTEL, 6, 0x2d, 0x2d, "sandybridge"},
	{VENDOR_INTEL, 6, 0x3a, 0x3a, "ivybridge"},
	{VENDOR_INTEL, 6, 0x3e, 0x3e, "ivybridge"},
	{VENDOR_INTEL, 6, 0x3c, 0x3c, "haswell"},
	{VENDOR_INTEL, 6, 0x3f, 0x3f, "haswell"},
	{VENDOR_INTEL, 6, 0x45, 0x46, "haswell"},
	{VENDOR_INTEL, 6, 0x3d, 0x3d, "broadwell"},
	{VENDOR_INTEL, 6, 0x47, 0x47, "broadwell"},
	{VENDOR_INTEL, 6, 0x4f, 0x4f, "broadwell"},
	{VENDOR_INTEL, 6, 0x56, 0x56, "broadwell"},
	{VENDOR_INTEL, 6, 0x4e, 0x4e, "skylake"},
	{VENDOR_INTEL, 6, 0x5e, 0x5e, "skylake"},
	{VENDOR_INTEL, 6, 0x8e, 0x8e, "skylake"},
	{VENDOR_INTEL, 6, 0x9e, 0x9e, "skylake"},
	{VENDOR_INTEL, 6, 0xa5, 0xa6, "skylake"},
	{VENDOR_INTEL, 6, 0x55, 0x55, "cooperlake"},
	{VENDOR_INTEL, 6, 0x7d, 0x7e, "icelake-client"},
	{VENDOR_INTEL, 6, 0x6a, 0x6a, "icelake-server"},
	{VENDOR_INTEL, 6, 0x6c, 0x6c, "icelake-server"},
	{VENDOR_INTEL, 6, 0xa7, 0xa7, "rocketlake"},
	{VENDOR_INTEL, 6, 0x8c, 0x8d, "tigerlake"},
	{VENDOR_INTEL, 6, 0x97, 0x97, "alderlake"},
	{VENDOR_INTEL, 6, 0x9a, 0x9a, "alderlake"},
	{VENDOR_INTEL, 6, 0xaa, 0xaa, "alderlake"},
	{VENDOR_INTEL, 6, 0xac, 0xac, "alderlake"},
	{VENDOR_INTEL, 6, 0xb5, 0xb7, "alderlake"},
	{VENDOR_INTEL, 6, 0xba, 0xbf, "alderlake"},
	{VENDOR_INTEL, 6, 0xc5, 0xc6, "alderlake"},
	{VENDOR_INTEL, 6, 0x8f, 0x8f, "sapphirerapids"},
	{VENDOR_INTEL, 6, 0xcf, 0xcf, "emeraldrapids"},
	{VENDOR_INTEL, 6, 0xad, 0xae, "graniterapids"},
	{VENDOR_AMD, 0x17, 0x00, 0x2f, "znver1"},
	{VENDOR_AMD, 0x17, 0x30, 0xff, "znver2"},
	{VENDOR_AMD, 0x18, 0x00, 0xff, "znver1"}, /* Hygon */
	{VENDOR_AMD, 0x19, 0x00, 0x0f, "znver3"},
	{VENDOR_AMD, 0x19, 0x10, 0x1f, "znver4"},
	{VENDOR_AMD, 0x19, 0x20, 0x5f, "znver3"},
	{VENDOR_AMD, 0x19, 0x60, 0xff, "znver4"},
	{VENDOR_AMD, 0x1a, 0x00, 0xff, "znver5"},
};
/* clang-format on */

static enum cpu_vendor vendor_of(const char *id)
{
	if (strcmp(id, "GenuineIntel") == 0)
		return VENDOR_INTEL;
	if (strcmp(id, "AuthenticAMD") == 0 || strcmp(id, "HygonGenuine") == 0)
		return VENDOR_AMD;
	return VENDOR_UNKNOWN;
}

static const char *march_of(
	const struct cpu *c, enum cpu_vendor vendor, unsigned family, unsigned model)
{
	const char *start = NULL;

	for (size_t i = 0; i < ARRAY_LEN(model_rows); i++) {
		const struct model_row *r = &model_rows[i];

		if (r->vendor == vendor && r->family == family && model >= r->first &&
			model <= r->last)
			start = r->march;
	}
	return cpu_march(c, vendor, start);
}

static const uint32_t *leaf_find(const struct cpuid_table *t, uint32_t leaf, uint32_t subleaf)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->leaf[i].leaf == leaf && t->leaf[i].subleaf == subleaf)
			return t->leaf[i].reg;
	}
	return NULL;
}

/* Leaf 1: family is base + extended where base is 15; model has its extension for 6 and 15. */
static void signature(uint32_t eax, unsigned *family, unsigned *model)
{
	*family = (eax >> 8) & 0xf;
	*model = (eax >> 4) & 0xf;
	if (*family == 6 || *family == 15)
		*model |= ((eax >> 16) & 0xf) << 4;
	if (*family == 15)
		*family += (eax >> 20) & 0xff;
}

/* Leafs 0x80000002-4: 48 bytes of text, in some processors with blanks in front. */
static void brand(const struct cpuid_table *t, char *out, size_t size)
{
	char text[49] = "";

	for (uint32_t i = 0; i < 3; i++) {
		const uint32_t *reg = leaf_find(t, 0x80000002U + i, 0);

		if (!reg)
			return;
		memcpy(text + i * 16, reg, 16);
	}
	snprintf(out, size, "%s", text + strspn(text, " "));
}

void cpu_x86_from_cpuid(const struct cpuid_table *t, struct cpu *ret)
{
	const uint32_t *vendor = leaf_find(t, 0, 0);
	const uint32_t *one = leaf_find(t, 1, 0);
	unsigned family = 0, model = 0;
	char id[13] = "";

	*ret = (struct cpu){.arch = CPU_X86_64, .source = "cpuid"};
	for (unsigned i = 0; i < ARRAY_LEN(feature_rows); i++) {
		const struct feature_row *r = &feature_rows[i];
		const uint32_t *reg = leaf_find(t, r->leaf, r->subleaf);

		if (reg && (reg[r->reg] >> r->bit & 1) && (t->xcr0 & r->xcr0) == r->xcr0)
			cpu_feature_set(&ret->features, i);
	}
	if (vendor) {
		memcpy(id, &vendor[REG_EBX], 4);
		memcpy(id + 4, &vendor[REG_EDX], 4);
		memcpy(id + 8, &vendor[REG_ECX], 4);
	}
	if (one)
		signature(one[REG_EAX], &family, &model);
	brand(t, ret->model_name, sizeof(ret->model_name));
	ret->march = march_of(ret, vendor_of(id), family, model);
}

static void add_flag(const char *flag, size_t len, struct cpu_features *set)
{
	for (unsigned i = 0; i < ARRAY_LEN(feature_rows); i++) {
		const char *known = feature_rows[i].flag;

		if (known && strlen(known) == len && memcmp(known, flag, len) == 0)
			cpu_feature_set(set, i);
	}
}

void cpu_x86_from_info(const struct cpu_x86_info *i, struct cpu *ret)
{
	const char *p = i->flags ? i->flags : "";

	*ret = (struct cpu){.arch = CPU_X86_64, .source = "cpuinfo"};
	while (*p) {
		size_t len = strcspn(p, " \t");

		add_flag(p, len, &ret->features);
		p += len;
		p += strspn(p, " \t");
	}
	if (i->name)
		snprintf(ret->model_name, sizeof(ret->model_name), "%s", i->name);
	ret->march = march_of(ret, vendor_of(i->vendor ? i->vendor : ""), i->family, i->model);
}

#if defined(__x86_64__)
static uint64_t read_xcr0(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

void cpu_x86_native(struct cpu *ret)
{
	static const uint32_t wanted[][2] = {
		{0, 0},
		{1, 0},
		{7, 0},
		{7, 1},
		{0xd, 1},
		{0x14, 0},
		{0x19, 0},
		{0x80000001, 0},
		{0x80000002, 0},
		{0x80000003, 0},
		{0x80000004, 0},
		{0x80000008, 0},
	};
	struct cpuid_leaf leaf[ARRAY_LEN(wanted)];
	struct cpuid_table t = {.leaf = leaf};

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		struct cpuid_leaf *l = &leaf[t.n];

		l->leaf = wanted[i][0];
		l->subleaf = wanted[i][1];
		/* False where the processor has no such leaf: others would answer in its place. */
		if (!__get_cpuid_count(l->leaf, l->subleaf, &l->reg[REG_EAX], &l->reg[REG_EBX],
			    &l->reg[REG_ECX], &l->reg[REG_EDX]))
			continue;
		if (l->leaf == 1 && (l->reg[REG_ECX] >> 27 & 1))
			t.xcr0 = read_xcr0();
		t.n++;
	}
	cpu_x86_from_cpuid(&t, ret);
}
#endif
