/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For what reads or names features: those of each architecture, one row each. A row's place is the
 * feature's bit in struct cpu_features; the features that a target may need (cpu_target.c) come
 * first, in word 0.
 *
 * x86: X(id, GCC's name, flag in /proc/cpuinfo or NULL, CPUID leaf, subleaf, register, bit, XCR0
 * bits the operating system must have enabled). Intel SDM vol. 2 CPUID and vol. 1 ch. 13; AMD APM
 * vol. 3 app. E; Linux arch/x86/include/asm/cpufeatures.h.
 *
 * aarch64: X(id, GCC's name, AT_HWCAP bits, AT_HWCAP2 bits), all of which must be set. Linux
 * Documentation/arch/arm64/elf_hwcaps.rst.
 */
#ifndef COMMON_CPU_TABLE_H
#define COMMON_CPU_TABLE_H

#include "common/cpu_target.h"

enum { REG_EAX, REG_EBX, REG_ECX, REG_EDX };

/* State components of XCR0: SSE and AVX; these, opmask and the ZMM parts; tiles; APX registers. */
#define XCR0_X87    0x1U
#define XCR0_AVX    0x6U
#define XCR0_AVX512 0xe6U
#define XCR0_AMX    0x60000U
#define XCR0_APX    0x80000U

/* clang-format off */
#define CPU_X86_FEATURES(X) \
	X(MMX,        "mmx",        "mmx",         1, 0, REG_EDX, 23, 0) \
	X(FXSR,       "fxsr",       "fxsr",        1, 0, REG_EDX, 24, 0) \
	X(SSE,        "sse",        "sse",         1, 0, REG_EDX, 25, 0) \
	X(SSE2,       "sse2",       "sse2",        1, 0, REG_EDX, 26, 0) \
	X(SSE3,       "sse3",       "pni",         1, 0, REG_ECX, 0, 0) \
	X(SSSE3,      "ssse3",      "ssse3",       1, 0, REG_ECX, 9, 0) \
	X(SSE4_1,     "sse4.1",     "sse4_1",      1, 0, REG_ECX, 19, 0) \
	X(SSE4_2,     "sse4.2",     "sse4_2",      1, 0, REG_ECX, 20, 0) \
	X(SSE4A,      "sse4a",      "sse4a",       0x80000001, 0, REG_ECX, 6, 0) \
	X(CX16,       "cx16",       "cx16",        1, 0, REG_ECX, 13, 0) \
	X(SAHF,       "sahf",       "lahf_lm",     0x80000001, 0, REG_ECX, 0, 0) \
	X(POPCNT,     "popcnt",     "popcnt",      1, 0, REG_ECX, 23, 0) \
	X(PCLMUL,     "pclmul",     "pclmulqdq",   1, 0, REG_ECX, 1, 0) \
	X(AES,        "aes",        "aes",         1, 0, REG_ECX, 25, 0) \
	X(XSAVE,      "xsave",      "xsave",       1, 0, REG_ECX, 26, XCR0_X87) \
	X(AVX,        "avx",        "avx",         1, 0, REG_ECX, 28, XCR0_AVX) \
	X(F16C,       "f16c",       "f16c",        1, 0, REG_ECX, 29, XCR0_AVX) \
	X(RDRND,      "rdrnd",      "rdrand",      1, 0, REG_ECX, 30, 0) \
	X(FMA,        "fma",        "fma",         1, 0, REG_ECX, 12, XCR0_AVX) \
	X(AVX2,       "avx2",       "avx2",        7, 0, REG_EBX, 5, XCR0_AVX) \
	X(BMI,        "bmi",        "bmi1",        7, 0, REG_EBX, 3, 0) \
	X(BMI2,       "bmi2",       "bmi2",        7, 0, REG_EBX, 8, 0) \
	X(LZCNT,      "lzcnt",      "abm",         0x80000001, 0, REG_ECX, 5, 0) \
	X(MOVBE,      "movbe",      "movbe",       1, 0, REG_ECX, 22, 0) \
	X(RDSEED,     "rdseed",     "rdseed",      7, 0, REG_EBX, 18, 0) \
	X(ADX,        "adx",        "adx",         7, 0, REG_EBX, 19, 0) \
	X(SHA,        "sha",        "sha_ni",      7, 0, REG_EBX, 29, 0) \
	X(GFNI,       "gfni",       "gfni",        7, 0, REG_ECX, 8, 0) \
	X(VAES,       "vaes",       "vaes",        7, 0, REG_ECX, 9, XCR0_AVX) \
	X(VPCLMULQDQ, "vpclmulqdq", "vpclmulqdq",  7, 0, REG_ECX, 10, XCR0_AVX) \
	X(AVXVNNI,    "avxvnni",    "avx_vnni",    7, 1, REG_EAX, 4, XCR0_AVX) \
	X(AVX512F,    "avx512f",    "avx512f",     7, 0, REG_EBX, 16, XCR0_AVX512) \
	X(AVX512BW,   "avx512bw",   "avx512bw",    7, 0, REG_EBX, 30, XCR0_AVX512) \
	X(AVX512CD,   "avx512cd",   "avx512cd",    7, 0, REG_EBX, 28, XCR0_AVX512) \
	X(AVX512DQ,   "avx512dq",   "avx512dq",    7, 0, REG_EBX, 17, XCR0_AVX512) \
	X(AVX512VL,   "avx512vl",   "avx512vl",    7, 0, REG_EBX, 31, XCR0_AVX512) \
	X(AVX512VNNI, "avx512vnni", "avx512_vnni", 7, 0, REG_ECX, 11, XCR0_AVX512) \
	X(AVX512IFMA, "avx512ifma", "avx512ifma",  7, 0, REG_EBX, 21, XCR0_AVX512) \
	X(AVX512VBMI, "avx512vbmi", "avx512vbmi",  7, 0, REG_ECX, 1, XCR0_AVX512) \
	X(AVX512VBMI2, "avx512vbmi2", "avx512_vbmi2", 7, 0, REG_ECX, 6, XCR0_AVX512) \
	X(AVX512BITALG, "avx512bitalg", "avx512_bitalg", 7, 0, REG_ECX, 12, XCR0_AVX512) \
	X(AVX512VPOPCNTDQ, "avx512vpopcntdq", "avx512_vpopcntdq", 7, 0, REG_ECX, 14, XCR0_AVX512) \
	X(AVX512BF16, "avx512bf16", "avx512_bf16", 7, 1, REG_EAX, 5, XCR0_AVX512) \
	X(AVX512FP16, "avx512fp16", "avx512_fp16", 7, 0, REG_EDX, 23, XCR0_AVX512) \
	/* Below: never needed by a target. */ \
	X(AVX512VP2INTERSECT, "avx512vp2intersect", "avx512_vp2intersect", \
		7, 0, REG_EDX, 8, XCR0_AVX512) \
	X(AVX512PF,   "avx512pf",   "avx512pf",    7, 0, REG_EBX, 26, XCR0_AVX512) \
	X(AVX512ER,   "avx512er",   "avx512er",    7, 0, REG_EBX, 27, XCR0_AVX512) \
	X(AVX5124VNNIW, "avx5124vnniw", "avx512_4vnniw", 7, 0, REG_EDX, 2, XCR0_AVX512) \
	X(AVX5124FMAPS, "avx5124fmaps", "avx512_4fmaps", 7, 0, REG_EDX, 3, XCR0_AVX512) \
	X(AVX10_1,    "avx10.1",    NULL,          7, 1, REG_EDX, 19, XCR0_AVX512) \
	X(AVXIFMA,    "avxifma",    "avx_ifma",    7, 1, REG_EAX, 23, XCR0_AVX) \
	X(AVXVNNIINT8, "avxvnniint8", NULL,        7, 1, REG_EDX, 4, XCR0_AVX) \
	X(AVXNECONVERT, "avxneconvert", NULL,      7, 1, REG_EDX, 5, XCR0_AVX) \
	X(AVXVNNIINT16, "avxvnniint16", NULL,      7, 1, REG_EDX, 10, XCR0_AVX) \
	X(SHA512,     "sha512",     NULL,          7, 1, REG_EAX, 0, XCR0_AVX) \
	X(SM3,        "sm3",        NULL,          7, 1, REG_EAX, 1, XCR0_AVX) \
	X(SM4,        "sm4",        NULL,          7, 1, REG_EAX, 2, XCR0_AVX) \
	X(AMX_TILE,   "amx-tile",   "amx_tile",    7, 0, REG_EDX, 24, XCR0_AMX) \
	X(AMX_INT8,   "amx-int8",   "amx_int8",    7, 0, REG_EDX, 25, XCR0_AMX) \
	X(AMX_BF16,   "amx-bf16",   "amx_bf16",    7, 0, REG_EDX, 22, XCR0_AMX) \
	X(AMX_FP16,   "amx-fp16",   "amx_fp16",    7, 1, REG_EAX, 21, XCR0_AMX) \
	X(AMX_COMPLEX, "amx-complex", NULL,        7, 1, REG_EDX, 8, XCR0_AMX) \
	X(APXF,       "apxf",       "apx",         7, 1, REG_EDX, 21, XCR0_APX) \
	X(XOP,        "xop",        "xop",         0x80000001, 0, REG_ECX, 11, XCR0_AVX) \
	X(FMA4,       "fma4",       "fma4",        0x80000001, 0, REG_ECX, 16, XCR0_AVX) \
	X(TBM,        "tbm",        "tbm",         0x80000001, 0, REG_ECX, 21, 0) \
	X(LWP,        "lwp",        "lwp",         0x80000001, 0, REG_ECX, 15, 0) \
	X(A3DNOW,     "3dnow",      "3dnow",       0x80000001, 0, REG_EDX, 31, 0) \
	X(A3DNOWA,    "3dnowa",     "3dnowext",    0x80000001, 0, REG_EDX, 30, 0) \
	X(PRFCHW,     "prfchw",     "3dnowprefetch", 0x80000001, 0, REG_ECX, 8, 0) \
	X(PREFETCHI,  "prefetchi",  NULL,          7, 1, REG_EDX, 14, 0) \
	X(FSGSBASE,   "fsgsbase",   "fsgsbase",    7, 0, REG_EBX, 0, 0) \
	X(RDPID,      "rdpid",      "rdpid",       7, 0, REG_ECX, 22, 0) \
	X(XSAVEOPT,   "xsaveopt",   "xsaveopt",    0xd, 1, REG_EAX, 0, XCR0_X87) \
	X(XSAVEC,     "xsavec",     "xsavec",      0xd, 1, REG_EAX, 1, XCR0_X87) \
	X(XSAVES,     "xsaves",     "xsaves",      0xd, 1, REG_EAX, 3, XCR0_X87) \
	X(CLFLUSHOPT, "clflushopt", "clflushopt",  7, 0, REG_EBX, 23, 0) \
	X(CLWB,       "clwb",       "clwb",        7, 0, REG_EBX, 24, 0) \
	X(CLZERO,     "clzero",     "clzero",      0x80000008, 0, REG_EBX, 0, 0) \
	X(CLDEMOTE,   "cldemote",   "cldemote",    7, 0, REG_ECX, 25, 0) \
	X(WBNOINVD,   "wbnoinvd",   "wbnoinvd",    0x80000008, 0, REG_EBX, 9, 0) \
	X(MOVDIRI,    "movdiri",    "movdiri",     7, 0, REG_ECX, 27, 0) \
	X(MOVDIR64B,  "movdir64b",  "movdir64b",   7, 0, REG_ECX, 28, 0) \
	X(ENQCMD,     "enqcmd",     "enqcmd",      7, 0, REG_ECX, 29, 0) \
	X(CMPCCXADD,  "cmpccxadd",  "cmpccxadd",   7, 1, REG_EAX, 7, 0) \
	X(RAOINT,     "raoint",     NULL,          7, 1, REG_EAX, 3, 0) \
	X(SERIALIZE,  "serialize",  "serialize",   7, 0, REG_EDX, 14, 0) \
	X(WAITPKG,    "waitpkg",    "waitpkg",     7, 0, REG_ECX, 5, 0) \
	X(UINTR,      "uintr",      NULL,          7, 0, REG_EDX, 5, 0) \
	X(USERMSR,    "usermsr",    NULL,          7, 1, REG_EDX, 15, 0) \
	X(HRESET,     "hreset",     NULL,          7, 1, REG_EAX, 22, 0) \
	X(PTWRITE,    "ptwrite",    NULL,          0x14, 0, REG_EBX, 4, 0) \
	X(KL,         "kl",         NULL,          0x19, 0, REG_EBX, 0, 0) \
	X(WIDEKL,     "widekl",     NULL,          0x19, 0, REG_EBX, 2, 0) \
	X(RTM,        "rtm",        "rtm",         7, 0, REG_EBX, 11, 0) \
	X(HLE,        "hle",        "hle",         7, 0, REG_EBX, 4, 0) \
	X(TSXLDTRK,   "tsxldtrk",   "tsxldtrk",    7, 0, REG_EDX, 16, 0) \
	X(PKU,        "pku",        "ospke",       7, 0, REG_ECX, 4, 0) \
	X(SHSTK,      "shstk",      "user_shstk",  7, 0, REG_ECX, 7, 0) \
	X(SGX,        "sgx",        "sgx",         7, 0, REG_EBX, 2, 0) \
	X(PCONFIG,    "pconfig",    "pconfig",     7, 0, REG_EDX, 18, 0) \
	X(MWAIT,      "mwait",      "monitor",     1, 0, REG_ECX, 3, 0) \
	X(MWAITX,     "mwaitx",     "mwaitx",      0x80000001, 0, REG_ECX, 29, 0)

#define B(n) (1ULL << (n))
#define CPU_ARM_FEATURES(X) \
	X(FP,       "fp",       B(0), 0) \
	X(SIMD,     "simd",     B(1), 0) \
	X(CRC,      "crc",      B(7), 0) \
	X(LSE,      "lse",      B(8), 0) \
	X(RDMA,     "rdma",     B(12), 0) \
	X(FP16,     "fp16",     B(9) | B(10), 0) \
	X(DOTPROD,  "dotprod",  B(20), 0) \
	X(RCPC,     "rcpc",     B(15), 0) \
	X(RCPC2,    "rcpc2",    B(26), 0) \
	X(JSCVT,    "jscvt",    B(13), 0) \
	X(FCMA,     "fcma",     B(14), 0) \
	X(FLAGM,    "flagm",    B(27), 0) \
	X(FLAGM2,   "flagm2",   0, B(7)) \
	X(FRINTTS,  "frintts",  0, B(8)) \
	X(I8MM,     "i8mm",     0, B(13)) \
	X(BF16,     "bf16",     0, B(14)) \
	X(AES,      "aes",      B(3) | B(4), 0) \
	X(SHA2,     "sha2",     B(5) | B(6), 0) \
	X(SHA3,     "sha3",     B(17) | B(21), 0) \
	X(SVE,      "sve",      B(22), 0) \
	X(SVE2,     "sve2",     0, B(1)) \
	X(SVE2_BITPERM, "sve2-bitperm", 0, B(4)) \
	/* Below: never needed by a target. */ \
	X(SM4,      "sm4",      B(18) | B(19), 0) \
	X(FP16FML,  "fp16fml",  B(23), 0) \
	X(SSBS,     "ssbs",     B(28), 0) \
	X(SB,       "sb",       B(29), 0) \
	X(PAUTH,    "pauth",    B(30) | B(31), 0) \
	X(F32MM,    "f32mm",    0, B(10)) \
	X(F64MM,    "f64mm",    0, B(11)) \
	X(SVE2_AES, "sve2-aes", 0, B(2) | B(3)) \
	X(SVE2_SHA3, "sve2-sha3", 0, B(5)) \
	X(SVE2_SM4, "sve2-sm4", 0, B(6)) \
	X(SVE2P1,   "sve2p1",   0, B(36)) \
	X(RNG,      "rng",      0, B(16)) \
	X(MEMTAG,   "memtag",   0, B(18)) \
	X(WFXT,     "wfxt",     0, B(31)) \
	X(CSSC,     "cssc",     0, B(34)) \
	X(MOPS,     "mops",     0, B(43)) \
	X(RCPC3,    "rcpc3",    0, B(46)) \
	X(LSE128,   "lse128",   0, B(47)) \
	X(SME,      "sme",      0, B(23)) \
	X(SME_I16I64, "sme-i16i64", 0, B(24)) \
	X(SME_F64F64, "sme-f64f64", 0, B(25)) \
	X(SME2,     "sme2",     0, B(37))
/* clang-format on */

#define CPU_X86_ID(id, ...) X86_##id,
#define CPU_ARM_ID(id, ...) ARM_##id,
enum { CPU_X86_FEATURES(CPU_X86_ID) X86_FEATURES };
enum { CPU_ARM_FEATURES(CPU_ARM_ID) ARM_FEATURES };

_Static_assert(X86_FEATURES <= CPU_FEATURE_WORDS * 64, "more x86 features than bits");
_Static_assert(ARM_FEATURES <= CPU_FEATURE_WORDS * 64, "more aarch64 features than bits");

static inline void cpu_feature_set(struct cpu_features *set, unsigned feature)
{
	set->word[feature / 64] |= 1ULL << (feature % 64);
}

#endif
