/* SPDX-License-Identifier: Apache-2.0 */
/* What processors say of themselves: CPUID leafs and hwcaps. */
#include "agent/cpu_arm.h"
#include "agent/cpu_x86.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/cpu_check.h"

/*
 * Whole answers of CPUID by hand: family and model signature as the makers publish it, feature
 * words as their manuals describe the core.
 */
struct cpuid_case {
	const char *name;
	struct cpuid_leaf leaf[10];
	uint64_t xcr0;
	const char *march;
	const char *level;
	const char *has;    /* features that must be there */
	const char *hasnot; /* and must not */
};

#define INTEL_0                                                                                    \
	{                                                                                          \
		0, 0,                                                                              \
		{                                                                                  \
			0x16, 0x756e6547, 0x6c65746e, 0x49656e69                                   \
		}                                                                                  \
	}
#define AMD_0                                                                                      \
	{                                                                                          \
		0, 0,                                                                              \
		{                                                                                  \
			0x10, 0x68747541, 0x444d4163, 0x69746e65                                   \
		}                                                                                  \
	}

static const struct cpuid_case cpuid_cases[] = {
	{
		.name = "Skylake-SP",
		.leaf = {INTEL_0, {1, 0, {0x00050654, 0, 0x7ffefbff, 0xbfebfbff}},
			{7, 0, {0, 0xd39ffffb, 0x00000008, 0}}, {0xd, 1, {0xf, 0, 0, 0}},
			{0x80000001, 0, {0, 0, 0x00000121, 0x2c100800}}},
		.xcr0 = 0x2ff,
		.march = "skylake-avx512",
		.level = "x86-64-v4",
		.has = "avx512f avx512bw avx512cd avx512dq avx512vl clwb fma movbe lzcnt sahf rtm",
		.hasnot = "avx512vnni sha avx512ifma gfni sse4a pku",
	},
	{
		.name = "Skylake-SP whose kernel did not enable ZMM",
		.leaf = {INTEL_0, {1, 0, {0x00050654, 0, 0x7ffefbff, 0xbfebfbff}},
			{7, 0, {0, 0xd39ffffb, 0x00000008, 0}},
			{0x80000001, 0, {0, 0, 0x00000121, 0x2c100800}}},
		.xcr0 = 0x7,
		.march = "skylake",
		.level = "x86-64-v3",
		.has = "avx2 fma f16c",
		.hasnot = "avx512f avx512vl",
	},
	{
		.name = "Skylake-SP without OSXSAVE",
		.leaf = {INTEL_0, {1, 0, {0x00050654, 0, 0x77fefbff, 0xbfebfbff}},
			{7, 0, {0, 0xd39ffffb, 0x00000008, 0}},
			{0x80000001, 0, {0, 0, 0x00000121, 0x2c100800}}},
		.xcr0 = 0,
		.march = "westmere",
		.level = "x86-64-v2",
		.has = "sse4.2 popcnt aes bmi2",
		.hasnot = "xsave avx avx2 fma f16c",
	},
	{
		.name = "Sapphire Rapids",
		.leaf = {INTEL_0, {1, 0, {0x000806f8, 0, 0x7ffefbff, 0xbfebfbff}},
			{7, 0, {1, 0xf3bfbfeb, 0xfb417ffe, 0xffdd4432}},
			{7, 1, {0x00001c30, 0, 0, 0}},
			{0x80000001, 0, {0, 0, 0x00000121, 0x2c100800}}},
		.xcr0 = 0x602e7,
		.march = "sapphirerapids",
		.level = "x86-64-v4",
		.has = "amx-tile amx-int8 amx-bf16 avx512fp16 avx512bf16 avxvnni gfni vaes pku",
		.hasnot = "amx-fp16 avxifma sse4a",
	},
	{
		.name = "Sapphire Rapids whose kernel has no AMX",
		.leaf = {INTEL_0, {1, 0, {0x000806f8, 0, 0x7ffefbff, 0xbfebfbff}},
			{7, 0, {1, 0xf3bfbfeb, 0xfb417ffe, 0xffdd4432}},
			{7, 1, {0x00001c30, 0, 0, 0}},
			{0x80000001, 0, {0, 0, 0x00000121, 0x2c100800}}},
		.xcr0 = 0x2e7,
		.march = "sapphirerapids",
		.level = "x86-64-v4",
		.has = "avx512fp16",
		.hasnot = "amx-tile amx-int8 amx-bf16",
	},
	{
		.name = "Zen 1",
		.leaf = {AMD_0, {1, 0, {0x00800f12, 0, 0x7ed8320b, 0x178bfbff}},
			{7, 0, {0, 0x209c01a9, 0, 0}},
			{0x80000001, 0, {0x00800f12, 0, 0x35c233ff, 0x2fd3fbff}},
			{0x80000008, 0, {0x3030, 0x7, 0, 0}}},
		.xcr0 = 0x7,
		.march = "znver1",
		.level = "x86-64-v3",
		.has = "sha sse4a clzero adx rdseed lzcnt mwaitx",
		.hasnot = "vaes clwb avx512f 3dnow xop",
	},
	{
		.name = "Zen 4",
		.leaf = {AMD_0, {1, 0, {0x00a10f11, 0, 0x7efa320b, 0x178bfbff}},
			{7, 0, {1, 0xf1bf97a9, 0x00405fce, 0x10000010}},
			{7, 1, {0x00000020, 0, 0, 0}},
			{0x80000001, 0, {0x00a10f11, 0, 0x75c237ff, 0x2fd3fbff}},
			{0x80000008, 0, {0x3030, 0x200, 0, 0}}},
		.xcr0 = 0x2e7,
		.march = "znver4",
		.level = "x86-64-v4",
		.has = "avx512bf16 avx512vbmi2 gfni vaes vpclmulqdq wbnoinvd rdpid shstk",
		.hasnot = "avxvnni avx512fp16 avx512vp2intersect amx-tile",
	},
	{
		.name = "Zen 5",
		.leaf = {AMD_0, {1, 0, {0x00b00f21, 0, 0x7efa320b, 0x178bfbff}},
			{7, 0, {1, 0xf1bf97a9, 0x18405fce, 0x10000110}},
			{7, 1, {0x00000030, 0, 0, 0}},
			{0x80000001, 0, {0x00b00f21, 0, 0x75c237ff, 0x2fd3fbff}}},
		.xcr0 = 0x2e7,
		.march = "znver5",
		.level = "x86-64-v4",
		.has = "avxvnni avx512vp2intersect movdiri movdir64b",
		.hasnot = "avx512fp16 cldemote",
	},
	{
		.name = "no leafs at all",
		.march = "none",
		.level = "none",
		.has = "",
		.hasnot = "sse2",
	},
};
/* clang-format on */

static void test_cpuid(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cpuid_cases); i++) {
		const struct cpuid_case *k = &cpuid_cases[i];
		struct cpuid_table t = {.leaf = k->leaf, .n = ARRAY_LEN(k->leaf), .xcr0 = k->xcr0};
		struct cpu_features has = set_of(CPU_X86_64, k->has), none = {0};
		struct cpu_features hasnot = set_of(CPU_X86_64, k->hasnot);
		const char *levels[5];
		struct cpu c;

		cpu_x86_from_cpuid(&t, &c);
		cpu_levels(&c, levels);
		check_text(k->name, c.march, k->march);
		check_text(k->name, levels[0], k->level);
		check_text(k->name, cpu_first_missing(CPU_X86_64, &c.features, &has), "none");
		for (unsigned w = 0; w < CPU_FEATURE_WORDS; w++)
			hasnot.word[w] &= c.features.word[w];
		check_text(k->name, cpu_first_missing(CPU_X86_64, &none, &hasnot), "none");
	}
}

static void test_cpuid_brand(void **state)
{
	struct cpuid_leaf leaf[3] = {
		{.leaf = 0x80000002},
		{.leaf = 0x80000003},
		{.leaf = 0x80000004},
	};
	struct cpuid_table t = {.leaf = leaf, .n = 3};
	static const char text[49] = "      Intel(R) Xeon(R) CPU E5-2666 v3 @ 2.90GHz";
	struct cpu c;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		memcpy(leaf[i].reg, text + i * 16, 16);
	cpu_x86_from_cpuid(&t, &c);
	assert_string_equal(c.model_name, "Intel(R) Xeon(R) CPU E5-2666 v3 @ 2.90GHz");
	t.n = 2;
	cpu_x86_from_cpuid(&t, &c);
	assert_string_equal(c.model_name, "");
}

/* Graviton machines by what their kernels give in the auxiliary vector. */
static void test_hwcap(void **state)
{
	/* clang-format off */
	static const struct {
		struct cpu_arm_id id;
		const char *march;
	} cases[] = {
		{{0x8ff, 0, 0x410fd083}, "cortex-a72"},
		{{0x119fff, 0, 0x413fd0c1}, "neoverse-n1"},
		{{0xdfffffff, 0x1fa01, 0x411fd401}, "neoverse-v1"},
		{{0xdfffffff, 0, 0x411fd401}, "neoverse-v1"},
		{{0x9fbfffff, 0, 0x411fd401}, "neoverse-n1"},
		{{0xffffffff, 0x3f3bf, 0x410fd4f1}, "neoverse-v2"},
		{{0xffffffff, 0x3f3bf, 0}, "none"},
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cpu c;

		cpu_arm_from_hwcap(&cases[i].id, &c);
		check_text(cases[i].march, c.march, cases[i].march);
		assert_string_equal(c.source, "hwcap");
	}
}

/* The names of the bits are counted right: known positions from the kernel's header. */
static void test_hwcap_names(void **state)
{
	static const struct {
		const char *name;
		unsigned bit, bit2;
	} cases[] = {
		{"fp", 0, 64},
		{"atomics", 8, 64},
		{"sve", 22, 64},
		{"pacg", 31, 64},
		{"sve2", 64, 1},
		{"i8mm", 64, 13},
		{"bf16", 64, 14},
		{"sme", 64, 23},
		{"wfxt", 64, 31},
		{"sve2p1", 64, 36},
		{"mops", 64, 43},
		{"lse128", 64, 47},
		{"nonsense", 64, 64},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cpu_arm_id id;

		cpu_arm_hwcaps(cases[i].name, &id);
		assert_int_equal(id.hwcap, cases[i].bit < 64 ? 1ULL << cases[i].bit : 0);
		assert_int_equal(id.hwcap2, cases[i].bit2 < 64 ? 1ULL << cases[i].bit2 : 0);
	}
}

/* Which kernel names make which feature, on a core that is not known and so implies nothing. */
static void test_hwcap_features(void **state)
{
	/* clang-format off */
	static const struct {
		const char *names;
		const char *features;
	} cases[] = {
		{"fp asimd", "fp simd"},
		{"crc32 atomics asimdrdm", "crc lse rdma"},
		{"fphp", ""},
		{"asimdhp", ""},
		{"fphp asimdhp", "fp16"},
		{"aes", ""},
		{"aes pmull sha1 sha2", "aes sha2"},
		{"sha3 sha512 sm3 sm4", "sha3 sm4"},
		{"asimddp lrcpc ilrcpc jscvt fcma", "dotprod rcpc rcpc2 jscvt fcma"},
		{"flagm flagm2 frint", "flagm flagm2 frintts"},
		{"i8mm bf16 svei8mm svebf16", "i8mm bf16"},
		{"sve sve2 svebitperm", "sve sve2 sve2-bitperm"},
		{"sveaes svepmull svesha3 svesm4", "sve2-aes sve2-sha3 sve2-sm4"},
		{"svef32mm svef64mm sve2p1", "f32mm f64mm sve2p1"},
		{"asimdfhm ssbs sb rng mte", "fp16fml ssbs sb rng memtag"},
		{"paca", ""},
		{"paca pacg", "pauth"},
		{"wfxt cssc mops lrcpc3 lse128", "wfxt cssc mops rcpc3 lse128"},
		{"sme smei16i64 smef64f64 sme2", "sme sme-i16i64 sme-f64f64 sme2"},
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cpu_features want = set_of(CPU_AARCH64, cases[i].features);
		struct cpu_arm_id id = {0};
		struct cpu c;

		cpu_arm_hwcaps(cases[i].names, &id);
		cpu_arm_from_hwcap(&id, &c);
		if (memcmp(&c.features, &want, sizeof(want)) != 0)
			fail_msg("'%s' is not '%s'", cases[i].names, cases[i].features);
	}
}

/* The same for x86: Linux's flags where they differ from GCC's names. */
static void test_flag_features(void **state)
{
	static const char flags[] = "pni pclmulqdq sse4_1 sse4_2 lahf_lm abm rdrand bmi1 sha_ni "
				    "avx_vnni avx512_vnni avx512_bf16 avx512_fp16 avx512_vbmi2 "
				    "avx512_bitalg avx512_vpopcntdq amx_tile ospke 3dnowprefetch";
	struct cpu_features want = set_of(CPU_X86_64,
		"sse3 pclmul sse4.1 sse4.2 sahf lzcnt rdrnd bmi sha avxvnni avx512vnni avx512bf16 "
		"avx512fp16 avx512vbmi2 avx512bitalg avx512vpopcntdq amx-tile pku prfchw");
	struct cpu_x86_info info = {.flags = flags};
	struct cpu c;

	(void)state;
	cpu_x86_from_info(&info, &c);
	assert_memory_equal(&c.features, &want, sizeof(want));
	/* Announced is not enabled. */
	info.flags = "pku avx512 av x avx512f_ ";
	cpu_x86_from_info(&info, &c);
	memset(&want, 0, sizeof(want));
	assert_memory_equal(&c.features, &want, sizeof(want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpuid),
		cmocka_unit_test(test_cpuid_brand),
		cmocka_unit_test(test_hwcap),
		cmocka_unit_test(test_hwcap_names),
		cmocka_unit_test(test_hwcap_features),
		cmocka_unit_test(test_flag_features),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
