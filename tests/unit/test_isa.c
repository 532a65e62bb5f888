/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/isa.h"
#include "agent/isa_table.h"
#include "tests/unit/cpu_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

/* Written from the manuals; tests/isa compares every opcode with binutils. */
static const struct {
	const char *code;
	unsigned length;
	const char *needs;
} cases[] = {
	{"\x90", 1, ""},                                                /* nop */
	{"\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08", 10, ""},           /* movabs */
	{"\x66\xb8\x01\x02", 4, ""},                                    /* mov $,%ax */
	{"\x48\xa1\x01\x02\x03\x04\x05\x06\x07\x08", 10, ""},           /* mov moffs */
	{"\x67\xa1\x01\x02\x03\x04", 6, ""},                            /* addr32 */
	{"\xc8\x10\x00\x01", 4, ""},                                    /* enter */
	{"\xf6\x00\x01", 3, ""},                                        /* testb */
	{"\xf6\x10", 2, ""},                                            /* notb */
	{"\x66\xf7\x00\x01\x02", 5, ""},                                /* testw */
	{"\x48\xf7\x00\x01\x02\x03\x04", 7, ""},                        /* testq */
	{"\x48\x8b\x05\x01\x02\x03\x04", 7, ""},                        /* mov x(%rip) */
	{"\x8b\x04\x25\x01\x02\x03\x04", 7, ""},                        /* mov x */
	{"\x8b\x44\x24\x08", 4, ""},                                    /* mov 8(%rsp) */
	{"\x8b\x84\x24\x01\x02\x03\x04", 7, ""},                        /* mov disp32 */
	{"\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00", 10, ""},           /* nopw */
	{"\x66\x66\x48\xe8\x01\x02\x03\x04", 8, ""},                    /* call */
	{"\x0f\x84\x01\x02\x03\x04", 6, ""},                            /* je */
	{"\xf3\x0f\xbc\xc1", 4, ""},                                    /* tzcnt */
	{"\xf3\x0f\xbd\xc1", 4, "lzcnt"},                               /* lzcnt */
	{"\x0f\xbd\xc1", 3, ""},                                        /* bsr */
	{"\xf3\x48\x0f\xb8\xc1", 5, "popcnt"},                          /* popcnt */
	{"\x0f\x38\xf0\x00", 4, "movbe"},                               /* movbe */
	{"\x66\xf2\x0f\x38\xf1\xc1", 6, "sse4.2"},                      /* crc32w */
	{"\x66\x0f\x38\xf6\xc1", 5, "adx"},                             /* adcx */
	{"\x48\x0f\xc7\x0f", 4, "cx16"},                                /* cmpxchg16b */
	{"\x0f\xc7\x0f", 3, ""},                                        /* cmpxchg8b */
	{"\x0f\xc7\xf0", 3, "rdrnd"},                                   /* rdrand */
	{"\x0f\xc7\xf8", 3, "rdseed"},                                  /* rdseed */
	{"\xf3\x0f\xc7\xf8", 4, ""},                                    /* rdpid */
	{"\xdb\x0c\x24", 3, "sse3"},                                    /* fisttp */
	{"\xdb\xc8", 2, ""},                                            /* fcmovne */
	{"\x66\x0f\x3a\x0f\xc1\x08", 6, "ssse3"},                       /* palignr */
	{"\x66\x0f\x3a\x44\xc1\x11", 6, "pclmul"},                      /* pclmulqdq */
	{"\x66\x0f\x78\xc0\x01\x02", 6, "sse4a"},                       /* extrq */
	{"\xc5\xf8\x77", 3, "avx"},                                     /* vzeroupper */
	{"\xc5\xf1\xfe\xc2", 4, "avx"},                                 /* vpaddd xmm */
	{"\xc5\xf5\xfe\xc2", 4, "avx avx2"},                            /* vpaddd ymm */
	{"\xc5\xfd\x70\xc0\x01", 5, "avx avx2"},                        /* vpshufd ymm */
	{"\xc4\xe2\x7d\x18\x00", 5, "avx"},                             /* broadcast m */
	{"\xc4\xe2\x7d\x18\xc0", 5, "avx avx2"},                        /* broadcast r */
	{"\xc4\xe2\x71\x98\xc2", 5, "avx fma"},                         /* vfmadd132ps */
	{"\xc4\xe2\x79\x13\xc0", 5, "avx f16c"},                        /* vcvtph2ps */
	{"\xc4\xe2\x71\xdc\xc2", 5, "aes avx"},                         /* vaesenc xmm */
	{"\xc4\xe2\x75\xdc\xc2", 5, "avx vaes"},                        /* vaesenc ymm */
	{"\xc4\xe2\x70\xf2\xc2", 5, "bmi"},                             /* andn */
	{"\xc4\xe3\x7b\xf0\xc0\x01", 6, "bmi2"},                        /* rorx */
	{"\xc4\xe2\x71\x50\xc2", 5, "avx avxvnni"},                     /* {vex} vpdpbusd */
	{"\xc5\xf8\x92\xc8", 4, "avx512f"},                             /* kmovw */
	{"\xc5\xf9\x92\xc8", 4, "avx512f avx512dq"},                    /* kmovb */
	{"\xc4\xe1\xfb\x92\xc8", 5, "avx512f avx512bw"},                /* kmovq */
	{"\x62\xf1\x7c\x48\x58\xc1", 6, "avx512f"},                     /* vaddps zmm */
	{"\x62\xf1\x7c\x28\x58\xc1", 6, "avx512f avx512vl"},            /* ymm */
	{"\x62\xf1\x7c\x18\x58\xc1", 6, "avx512f"},                     /* rounding */
	{"\x62\xf1\x7e\x08\x58\xc1", 6, "avx512f"},                     /* vaddss */
	{"\x62\xf1\x7c\x48\x54\xc1", 6, "avx512f avx512dq"},            /* vandps */
	{"\x62\xf1\x75\x48\xfc\x40\x01", 7, "avx512f avx512bw"},        /* vpaddb m */
	{"\x62\xf1\x7d\x48\x73\xd9\x04", 7, "avx512f avx512bw"},        /* vpsrldq */
	{"\x62\xf1\xfd\x48\x73\xd1\x04", 7, "avx512f"},                 /* vpsrlq */
	{"\x62\xf2\x75\x48\x8d\xc2", 6, "avx512f avx512vbmi"},          /* vpermb */
	{"\x62\xf2\xf5\x48\x8d\xc2", 6, "avx512f avx512bw"},            /* vpermw */
	{"\x62\xf2\x75\x08\x50\xc2", 6, "avx512f avx512vl avx512vnni"}, /* vpdpbusd */
	{"\x62\xf2\x75\x48\xdc\xc2", 6, "vaes avx512f"},                /* vaesenc */
	{"\x62\xf5\x74\x48\x58\xc2", 6, "avx512f avx512fp16"},          /* vaddph */
	{"\x62\xf5\x76\x08\x58\xc2", 6, "avx512f avx512fp16"},          /* vaddsh */
	{"\x8f\xe8\x78\xc2\xc1\x03", 6, "avx xop"},                     /* vprotd */
	{"\x8f\x00", 2, ""},                                            /* pop (%rax) */
	{"\x8f\xea\x78\x10\xc0\x01\x02\x03\x04", 9, "tbm"},             /* bextr */
};

static const struct {
	const char *code;
	size_t n;
} none[] = {
	{"\x06", 1},                     /* push %es, not in 64-bit mode */
	{"\x0f\x04", 2},                 /* never was one */
	{"\x66\xc5\xf8\x77", 4},         /* VEX bears no prefix */
	{"\x48\xc5\xf8\x77", 4},         /* nor REX */
	{"\xc4\xe0\x78\x58\xc1", 5},     /* map 0 */
	{"\x62\xf9\x7c\x48\x58\xc1", 6}, /* a bit that must be 0 */
	{"\x62\xf1\x78\x48\x58\xc1", 6}, /* and one that must be 1 */
	{"\x62\xf1\x7c\x68\x58\xc1", 6}, /* length 3 */
	{"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90", 16}, /* 16 bytes */
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const uint8_t *code = (const uint8_t *)cases[i].code;
		struct cpu_features needs = {0};
		char text[CPU_NAMES];
		struct isa_insn insn;
		unsigned length = isa_decode(code, cases[i].length, &insn);

		if (length != cases[i].length || !isa_needs(&insn, &needs))
			fail_msg("case %zu: %u bytes instead of %u", i, length, cases[i].length);
		cpu_names(CPU_X86_64, &needs, text);
		if (strcmp(text, cases[i].needs) != 0)
			fail_msg("case %zu: '%s' instead of '%s'", i, text, cases[i].needs);
		for (unsigned cut = 0; cut < length; cut++)
			assert_int_equal(isa_decode(code, cut, &insn), 0);
	}
}

static void test_none(void **state)
{
	struct isa_insn insn;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		if (isa_decode((const uint8_t *)none[i].code, none[i].n, &insn) != 0)
			fail_msg("case %zu decodes", i);
}

static void test_rows_are_in_order(void **state)
{
	(void)state;
	for (size_t i = 1; i < ARRAY_LEN(isa_rows); i++) {
		const struct isa_row *a = &isa_rows[i - 1], *b = &isa_rows[i];

		assert_true((a->encoding << 16 | a->map << 8 | a->first) <=
			    (b->encoding << 16 | b->map << 8 | b->first));
		assert_int_equal(strlen(b->letter), 16);
		assert_int_equal(b->first & 0xf, 0);
	}
}

/* Each letter has a meaning. */
static void test_letters(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(isa_rows); i++) {
		for (const char *c = isa_rows[i].letter; *c; c++) {
			bool found = *c == '.';

			for (size_t k = 0; k < ARRAY_LEN(isa_meanings); k++)
				found |= isa_meanings[k].encoding == isa_rows[i].encoding &&
					 isa_meanings[k].letter == *c;
			if (!found)
				fail_msg("row %zu: '%c' means nothing", i, *c);
		}
	}
}

static uint32_t next_random(uint32_t *x)
{
	*x = *x * 1664525U + 1013904223U;
	return *x >> 16;
}

static void test_any_bytes(void **state)
{
	uint8_t code[4096];
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(code); i++)
		code[i] = (uint8_t)next_random(&x);
	for (size_t i = 0; i < sizeof(code); i++) {
		struct cpu_features needs = {0};
		struct isa_insn insn;
		unsigned length = isa_decode(code + i, sizeof(code) - i, &insn);

		assert_true(length <= ISA_LENGTH_MAX && length <= sizeof(code) - i);
		if (length)
			(void)!isa_needs(&insn, &needs);
	}
}

static size_t fill(uint8_t *out, const char *code, size_t n, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		memcpy(out + i * n, code, n);
	return n * times;
}

static void sweep(struct isa_sweep *s, const uint8_t *code, size_t n, size_t piece)
{
	size_t at = 0;

	while (at < n) {
		size_t len = n - at < piece ? n - at : piece;

		at += isa_sweep_add(s, code + at, len, at + len == n);
	}
}

/* However it is cut. */
static void test_sweep_in_pieces(void **state)
{
	const struct cpu_features avx = {.word = {1ULL << X86_AVX | 1ULL << X86_AVX2}};
	uint8_t code[400];
	size_t n = fill(code, "\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08", 10, 20);

	(void)state;
	n += fill(code + n, "\xc5\xf5\xfe\xc2", 4, 20);
	for (size_t piece = ISA_LENGTH_MAX; piece <= n; piece++) {
		struct isa_sweep s = {0};

		sweep(&s, code, n, piece);
		assert_memory_equal(&s.found, &avx, sizeof(avx));
	}
}

/* between: what stands between bytes that are no instruction. */
static bool is_found(const char *between, size_t n, unsigned times)
{
	struct isa_sweep s = {0};
	uint8_t code[1024] = {0};
	size_t len = 16 + fill(code + 16, between, n, times);

	sweep(&s, code, len + 16, sizeof(code));
	return s.found.word[0] != 0;
}

static void test_data_between_functions(void **state)
{
	(void)state;
	assert_false(is_found("\xc5\xf5\xfe\xc2", 4, ISA_RUN - 1));
	assert_true(is_found("\xc5\xf5\xfe\xc2", 4, ISA_RUN));
	/* in (%dx),%al: no program's */
	assert_false(is_found("\xc5\xf5\xfe\xc2\xec", 5, 2 * ISA_RUN));
}

static void test_short_section(void **state)
{
	struct isa_sweep s = {0};

	(void)state;
	assert_int_equal(isa_sweep_add(&s, (const uint8_t *)"\xc5\xf8\x77\xc3", 4, true), 4);
	assert_int_equal(s.found.word[0], 1ULL << X86_AVX);
	/* The next section begins anew, also after data. */
	assert_int_equal(isa_sweep_add(&s, (const uint8_t *)"\x06\x06", 2, true), 2);
	assert_int_equal(isa_sweep_add(&s, (const uint8_t *)"\xc4\xe2\x70\xf2\xc2", 5, true), 5);
	assert_int_equal(s.found.word[0], 1ULL << X86_AVX | 1ULL << X86_BMI);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_rows_are_in_order),
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_sweep_in_pieces),
		cmocka_unit_test(test_data_between_functions),
		cmocka_unit_test(test_short_section),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
