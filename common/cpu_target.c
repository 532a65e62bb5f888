/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cpu_target.h"

#include "common/auto.h"
#include "common/cpu_table.h"

#include <string.h>

/*
 * What code compiled for a name may execute: the features that GCC turns on with -march=NAME (x86)
 * or -mcpu=NAME (aarch64), without those that compilers never emit on their own and that kernels
 * and hypervisors often hide, because a need for one would turn away a good build:
 *   for the operating system: pku sgx shstk wbnoinvd pconfig mwait mwaitx kl; pauth memtag
 *   caches, state, hints: clflushopt clwb clzero cldemote xsaveopt xsavec xsaves fsgsbase rdpid
 *     prfchw prefetchi; ssbs sb
 *   by intrinsics, after a test at run time: hle rtm tsxldtrk amx-* movdiri movdir64b enqcmd
 *     waitpkg serialize uintr hreset ptwrite avx512vp2intersect; rng fp16fml sm4
 * One feature is added to GCC's: aes from westmere on, as Intel documents the cores; a machine
 * without it is masked and not taken for one.
 */
#define F(f) (1ULL << X86_##f)
#define A(f) (1ULL << ARM_##f)
#define NEED(n)                                                                                    \
	{                                                                                          \
		.word = {(n) }                                                                     \
	}

/* x86-64 psABI, table 3.1; OSXSAVE is the XCR0 condition of xsave. */
#define LEVEL_1 (F(MMX) | F(FXSR) | F(SSE) | F(SSE2))
#define LEVEL_2                                                                                    \
	(LEVEL_1 | F(CX16) | F(SAHF) | F(POPCNT) | F(SSE3) | F(SSSE3) | F(SSE4_1) | F(SSE4_2))
#define LEVEL_3                                                                                    \
	(LEVEL_2 | F(AVX) | F(AVX2) | F(BMI) | F(BMI2) | F(F16C) | F(FMA) | F(LZCNT) | F(MOVBE) |  \
		F(XSAVE))
#define AVX512_BASE (F(AVX512F) | F(AVX512BW) | F(AVX512CD) | F(AVX512DQ) | F(AVX512VL))
#define LEVEL_4     (LEVEL_3 | AVX512_BASE)

#define NEHALEM     LEVEL_2
#define WESTMERE    (NEHALEM | F(PCLMUL) | F(AES))
#define SANDYBRIDGE (WESTMERE | F(AVX) | F(XSAVE))
#define IVYBRIDGE   (SANDYBRIDGE | F(F16C) | F(RDRND))
#define HASWELL     (IVYBRIDGE | LEVEL_3)
#define BROADWELL   (HASWELL | F(ADX) | F(RDSEED))
#define ALDERLAKE   (BROADWELL | F(SHA) | F(GFNI) | F(VAES) | F(VPCLMULQDQ) | F(AVXVNNI))
#define SKYLAKE_X   (BROADWELL | AVX512_BASE)
#define CASCADELAKE (SKYLAKE_X | F(AVX512VNNI))
#define ICELAKE                                                                                    \
	(CASCADELAKE | F(SHA) | F(GFNI) | F(VAES) | F(VPCLMULQDQ) | F(AVX512IFMA) |                \
		F(AVX512VBMI) | F(AVX512VBMI2) | F(AVX512BITALG) | F(AVX512VPOPCNTDQ))
#define SAPPHIRE (ICELAKE | F(AVXVNNI) | F(AVX512BF16) | F(AVX512FP16))
#define ZNVER1   (BROADWELL | F(SHA) | F(SSE4A))
#define ZNVER3   (ZNVER1 | F(VAES) | F(VPCLMULQDQ))
#define ZNVER4   (ZNVER3 | ICELAKE | F(AVX512BF16))
#define ZNVER5   (ZNVER4 | F(AVXVNNI))

#define CORTEX_A72  (A(FP) | A(SIMD) | A(CRC))
#define ARMV8_2     (CORTEX_A72 | A(LSE) | A(RDMA))
#define NEOVERSE_N1 (ARMV8_2 | A(FP16) | A(DOTPROD) | A(RCPC))
#define ARMV8_4     (NEOVERSE_N1 | A(JSCVT) | A(FCMA) | A(RCPC2) | A(FLAGM))
#define NEOVERSE_V1 (ARMV8_4 | A(SVE) | A(I8MM) | A(BF16))
#define ARMV9       (NEOVERSE_V1 | A(FLAGM2) | A(FRINTTS) | A(SVE2) | A(SVE2_BITPERM))
#define AMPERE1     (ARMV8_4 | A(I8MM) | A(BF16) | A(FLAGM2) | A(FRINTTS) | A(AES) | A(SHA2) | A(SHA3))

_Static_assert(X86_AVX512FP16 < 64 && ARM_SVE2_BITPERM < 64, "needed features are in word 0");

#define X86_ROW(name, vendor, from, need)                                                          \
	{                                                                                          \
		name, CPU_X86_64, false, NEED(need), VENDOR_##vendor, from                         \
	}
#define ARM_ROW(name, vendor, from, need)                                                          \
	{                                                                                          \
		name, CPU_AARCH64, false, NEED(need), VENDOR_##vendor, from                        \
	}
#define LEVEL_ROW(name, need)                                                                      \
	{                                                                                          \
		name, CPU_X86_64, true, NEED(need), VENDOR_UNKNOWN, NULL                           \
	}

/* Newest first within a vendor; levels highest first. */
/* clang-format off */
const struct cpu_target cpu_targets[] = {
	X86_ROW("graniterapids",  INTEL, "emeraldrapids",  SAPPHIRE),
	X86_ROW("emeraldrapids",  INTEL, "sapphirerapids", SAPPHIRE),
	X86_ROW("sapphirerapids", INTEL, "icelake-server", SAPPHIRE),
	X86_ROW("icelake-server", INTEL, "cascadelake",    ICELAKE),
	X86_ROW("tigerlake",      INTEL, "icelake-client", ICELAKE),
	X86_ROW("rocketlake",     INTEL, "icelake-client", ICELAKE),
	X86_ROW("icelake-client", INTEL, "cascadelake",    ICELAKE),
	X86_ROW("cooperlake",     INTEL, "cascadelake",    CASCADELAKE | F(AVX512BF16)),
	X86_ROW("cascadelake",    INTEL, "skylake-avx512", CASCADELAKE),
	X86_ROW("skylake-avx512", INTEL, "skylake",        SKYLAKE_X),
	X86_ROW("alderlake",      INTEL, "skylake",        ALDERLAKE),
	X86_ROW("skylake",        INTEL, "broadwell",      BROADWELL),
	X86_ROW("broadwell",      INTEL, "haswell",        BROADWELL),
	X86_ROW("haswell",        INTEL, "ivybridge",      HASWELL),
	X86_ROW("ivybridge",      INTEL, "sandybridge",    IVYBRIDGE),
	X86_ROW("sandybridge",    INTEL, "westmere",       SANDYBRIDGE),
	X86_ROW("westmere",       INTEL, "nehalem",        WESTMERE),
	X86_ROW("nehalem",        INTEL, NULL,             NEHALEM),

	X86_ROW("znver5", AMD, "znver4", ZNVER5),
	X86_ROW("znver4", AMD, "znver3", ZNVER4),
	X86_ROW("znver3", AMD, "znver2", ZNVER3),
	X86_ROW("znver2", AMD, "znver1", ZNVER1),
	X86_ROW("znver1", AMD, NULL,     ZNVER1),

	LEVEL_ROW("x86-64-v4", LEVEL_4),
	LEVEL_ROW("x86-64-v3", LEVEL_3),
	LEVEL_ROW("x86-64-v2", LEVEL_2),
	LEVEL_ROW("x86-64",    LEVEL_1),

	ARM_ROW("neoverse-v3", ARM, "neoverse-v2", ARMV9),
	ARM_ROW("neoverse-v2", ARM, "neoverse-v1", ARMV9),
	ARM_ROW("neoverse-n3", ARM, "neoverse-n2", ARMV9),
	ARM_ROW("neoverse-n2", ARM, "neoverse-v1", ARMV9),
	ARM_ROW("neoverse-v1", ARM, "neoverse-n1", NEOVERSE_V1),
	ARM_ROW("neoverse-n1", ARM, "cortex-a72",  NEOVERSE_N1),
	ARM_ROW("cortex-a72",  ARM, NULL,          CORTEX_A72),

	ARM_ROW("ampere1a", AMPERE, "ampere1",     AMPERE1),
	ARM_ROW("ampere1",  AMPERE, "neoverse-n1", AMPERE1),
	{0},
};

/* Other names GCC takes for the same. */
static const struct {
	const char *name;
	const char *is;
} synonyms[] = {
	{"core-avx2",   "haswell"    },
	{"core-avx-i",  "ivybridge"  },
	{"corei7-avx",  "sandybridge"},
	{"corei7",      "nehalem"    },
	{"ares",        "neoverse-n1"},
	{"zeus",        "neoverse-v1"},
	{"cobalt-100",  "neoverse-n2"},
	{"grace",       "neoverse-v2"},
};
/* clang-format on */

const char *cpu_arch_name(enum cpu_arch a)
{
	switch (a) {
	case CPU_X86_64:
		return "x86_64";
	case CPU_AARCH64:
		return "aarch64";
	case CPU_OTHER:
		break;
	}
	return "other";
}

bool cpu_has(const struct cpu_features *have, const struct cpu_features *need)
{
	for (unsigned i = 0; i < CPU_FEATURE_WORDS; i++) {
		if (need->word[i] & ~have->word[i])
			return false;
	}
	return true;
}

const struct cpu_target *cpu_target_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(synonyms); i++) {
		if (strcmp(synonyms[i].name, name) == 0)
			name = synonyms[i].is;
	}
	for (const struct cpu_target *t = cpu_targets; t->name; t++) {
		if (strcmp(t->name, name) == 0)
			return t;
	}
	return NULL;
}
