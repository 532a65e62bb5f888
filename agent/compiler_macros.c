/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/compiler.h"
#include "common/cpu_table.h"

#include <string.h>

struct macro_row {
	const char *name;
	uint8_t feature;
};

/* clang-format off */
static const struct macro_row x86_rows[] = {
	{"__MMX__", X86_MMX}, {"__FXSR__", X86_FXSR}, {"__SSE__", X86_SSE}, {"__SSE2__", X86_SSE2},
	{"__SSE3__", X86_SSE3}, {"__SSSE3__", X86_SSSE3}, {"__SSE4_1__", X86_SSE4_1},
	{"__SSE4_2__", X86_SSE4_2}, {"__SSE4A__", X86_SSE4A},
	{"__GCC_HAVE_SYNC_COMPARE_AND_SWAP_16", X86_CX16}, {"__LAHF_SAHF__", X86_SAHF},
	{"__POPCNT__", X86_POPCNT}, {"__PCLMUL__", X86_PCLMUL}, {"__AES__", X86_AES},
	{"__XSAVE__", X86_XSAVE}, {"__AVX__", X86_AVX}, {"__F16C__", X86_F16C},
	{"__RDRND__", X86_RDRND}, {"__FMA__", X86_FMA}, {"__AVX2__", X86_AVX2},
	{"__BMI__", X86_BMI}, {"__BMI2__", X86_BMI2}, {"__LZCNT__", X86_LZCNT},
	{"__MOVBE__", X86_MOVBE}, {"__RDSEED__", X86_RDSEED}, {"__ADX__", X86_ADX},
	{"__SHA__", X86_SHA}, {"__GFNI__", X86_GFNI}, {"__VAES__", X86_VAES},
	{"__VPCLMULQDQ__", X86_VPCLMULQDQ}, {"__AVXVNNI__", X86_AVXVNNI},
	{"__AVX512F__", X86_AVX512F}, {"__AVX512BW__", X86_AVX512BW},
	{"__AVX512CD__", X86_AVX512CD}, {"__AVX512DQ__", X86_AVX512DQ},
	{"__AVX512VL__", X86_AVX512VL}, {"__AVX512VNNI__", X86_AVX512VNNI},
	{"__AVX512IFMA__", X86_AVX512IFMA}, {"__AVX512VBMI__", X86_AVX512VBMI},
	{"__AVX512VBMI2__", X86_AVX512VBMI2}, {"__AVX512BITALG__", X86_AVX512BITALG},
	{"__AVX512VPOPCNTDQ__", X86_AVX512VPOPCNTDQ}, {"__AVX512BF16__", X86_AVX512BF16},
	{"__AVX512FP16__", X86_AVX512FP16}, {"__AVX512PF__", X86_AVX512PF},
	{"__AVX512ER__", X86_AVX512ER}, {"__AVX5124VNNIW__", X86_AVX5124VNNIW},
	{"__AVX5124FMAPS__", X86_AVX5124FMAPS}, {"__AVXIFMA__", X86_AVXIFMA},
	{"__AVXVNNIINT8__", X86_AVXVNNIINT8}, {"__AVXNECONVERT__", X86_AVXNECONVERT},
	{"__AVXVNNIINT16__", X86_AVXVNNIINT16}, {"__SHA512__", X86_SHA512}, {"__SM3__", X86_SM3},
	{"__SM4__", X86_SM4}, {"__APX_F__", X86_APXF}, {"__XOP__", X86_XOP}, {"__FMA4__", X86_FMA4},
	{"__TBM__", X86_TBM}, {"__3dNOW__", X86_A3DNOW}, {"__3dNOW_A__", X86_A3DNOWA},
};

static const struct macro_row arm_rows[] = {
	{"__ARM_FP", ARM_FP}, {"__ARM_NEON", ARM_SIMD}, {"__ARM_FEATURE_CRC32", ARM_CRC},
	{"__ARM_FEATURE_ATOMICS", ARM_LSE}, {"__ARM_FEATURE_QRDMX", ARM_RDMA},
	{"__ARM_FEATURE_FP16_SCALAR_ARITHMETIC", ARM_FP16},
	{"__ARM_FEATURE_FP16_VECTOR_ARITHMETIC", ARM_FP16},
	{"__ARM_FEATURE_DOTPROD", ARM_DOTPROD}, {"__ARM_FEATURE_JCVT", ARM_JSCVT},
	{"__ARM_FEATURE_COMPLEX", ARM_FCMA}, {"__ARM_FEATURE_FRINT", ARM_FRINTTS},
	{"__ARM_FEATURE_MATMUL_INT8", ARM_I8MM}, {"__ARM_FEATURE_BF16", ARM_BF16},
	{"__ARM_FEATURE_BF16_VECTOR_ARITHMETIC", ARM_BF16}, {"__ARM_FEATURE_AES", ARM_AES},
	{"__ARM_FEATURE_SHA2", ARM_SHA2}, {"__ARM_FEATURE_CRYPTO", ARM_AES},
	{"__ARM_FEATURE_CRYPTO", ARM_SHA2}, {"__ARM_FEATURE_SHA3", ARM_SHA3},
	{"__ARM_FEATURE_SVE", ARM_SVE}, {"__ARM_FEATURE_SVE2", ARM_SVE2},
	{"__ARM_FEATURE_SVE2_BITPERM", ARM_SVE2_BITPERM}, {"__ARM_FEATURE_SVE2_AES", ARM_SVE2_AES},
	{"__ARM_FEATURE_SVE2_SHA3", ARM_SVE2_SHA3}, {"__ARM_FEATURE_SVE2_SM4", ARM_SVE2_SM4},
	{"__ARM_FEATURE_SVE_MATMUL_FP32", ARM_F32MM}, {"__ARM_FEATURE_SVE_MATMUL_FP64", ARM_F64MM},
	{"__ARM_FEATURE_SVE2p1", ARM_SVE2P1}, {"__ARM_FEATURE_MOPS", ARM_MOPS},
	{"__ARM_FEATURE_SME", ARM_SME}, {"__ARM_FEATURE_SME2", ARM_SME2},
};
/* clang-format on */

static const struct {
	const char *name;
	enum cpu_arch arch;
} arch_rows[] = {
	{"__x86_64__", CPU_X86_64},
	{"__i386__", CPU_X86_64},
	{"__aarch64__", CPU_AARCH64},
};

/* The name in "#define NAME VALUE"; false: another line. */
static bool macro_name(const char *line, char *out, size_t size)
{
	static const char define[] = "#define ";
	size_t len;

	if (strncmp(line, define, sizeof(define) - 1) != 0)
		return false;
	line += sizeof(define) - 1;
	len = strcspn(line, " \t\n(");
	if (len == 0 || len >= size)
		return false;
	memcpy(out, line, len);
	out[len] = '\0';
	return true;
}

static void note_macro(
	const char *name, struct cpu_features *x86, struct cpu_features *arm, enum cpu_arch *arch)
{
	for (size_t i = 0; i < ARRAY_LEN(x86_rows); i++)
		if (strcmp(x86_rows[i].name, name) == 0)
			cpu_feature_set(x86, x86_rows[i].feature);
	for (size_t i = 0; i < ARRAY_LEN(arm_rows); i++)
		if (strcmp(arm_rows[i].name, name) == 0)
			cpu_feature_set(arm, arm_rows[i].feature);
	for (size_t i = 0; i < ARRAY_LEN(arch_rows); i++)
		if (strcmp(arch_rows[i].name, name) == 0)
			*arch = arch_rows[i].arch;
}

bool compiler_macros(const char *text, struct compiler_answer *ret)
{
	struct cpu_features x86 = {0}, arm = {0};
	enum cpu_arch arch = CPU_OTHER;
	char name[80];

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (macro_name(line, name, sizeof(name)))
			note_macro(name, &x86, &arm, &arch);
	if (arch == CPU_OTHER)
		return false;
	*ret = (struct compiler_answer){
		.arch = arch,
		.features = arch == CPU_X86_64 ? x86 : arm,
	};
	return true;
}
