/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/compiler.h"
#include "common/auto.h"
#include "tests/unit/cpu_names.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the four above */
#include <cmocka.h>

static const struct {
	const char *text, *features;
	enum cpu_arch arch;
} macros[] = {
	{"#define __x86_64__ 1\n#define __AVX2__ 1\n#define __SSE2__ 1", "sse2 avx2", CPU_X86_64},
	{"#define __i386__ 1\n#define __SSE__ 1\n", "sse", CPU_X86_64},
	{"#define __AVX512F__ 1\n#define __amd64 1\n#define __x86_64__ 1\n", "avx512f", CPU_X86_64},
	/* For the operating system, hints, and by intrinsics only: not needed. */
	{"#define __x86_64__ 1\n#define __PKU__ 1\n#define __CLWB__ 1\n#define __AMX_TILE__ 1\n"
	 "#define __SHSTK__ 1\n#define __RTM__ 1\n#define __PRFCHW__ 1\n",
		"", CPU_X86_64},
	{"#define __x86_64__ 1\n#define __AVX2__x 1\n#define AVX2 1\n/* #define __AVX2__ */\n"
	 "#undef __AVX2__\n",
		"", CPU_X86_64},
	{"#define __aarch64__ 1\n#define __ARM_NEON 1\n#define __ARM_FEATURE_ATOMICS 1\n"
	 "#define __ARM_FEATURE_CRYPTO 1\n#define __AVX2__ 1\n",
		"simd lse aes sha2", CPU_AARCH64},
};

static void test_macros(void **state)
{
	struct compiler_answer a;
	char text[CPU_NAMES];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(macros); i++) {
		assert_true(compiler_macros(macros[i].text, &a));
		assert_int_equal(a.arch, macros[i].arch);
		assert_string_equal(cpu_names(a.arch, &a.features, text), macros[i].features);
		assert_string_equal(a.march, "");
	}
	assert_false(compiler_macros("", &a));
	assert_false(compiler_macros("#define __riscv 1\n#define __AVX2__ 1\n", &a));
}

/* A compiler in place of a real one: notes its arguments, and answers by them. */
static void make_compiler(const struct scratch *t, const char *answers)
{
	char script[4096], path[128];

	snprintf(script, sizeof(script),
		"#!/bin/sh\nprintf '%%s|' \"$@\" >>%s/args; echo >>%s/args\n%s", t->path, t->path,
		answers);
	scratch_write(t, "cc", script);
	snprintf(path, sizeof(path), "%s/cc", t->path);
	assert_int_equal(chmod(path, 0755), 0);
}

static int ask(const struct scratch *t, const char *flags, struct compiler_answer *a, struct err *e)
{
	char cc[128];

	snprintf(cc, sizeof(cc), "'%s/cc' -first", t->path);
	return compiler_ask(cc, flags, a, e);
}

#define X86 "echo '#define __x86_64__ 1'\n"
#define ARM "echo '#define __aarch64__ 1'\n"
#define AVX "echo '#define __AVX__ 1'\n"

static const struct {
	const char *answers, *flags;
	const char *march, *features;
	const char *args; /* of the first run */
} asked[] = {
	{X86 AVX, "-O3 -march=haswell", "haswell", "avx",
		"-first|-march=haswell|-E|-dM|-x|c|/dev/null|"},
	{X86 AVX, "", "", "avx", "-first|-E|-dM|-x|c|/dev/null|"},
	{X86, "-march=haswell -march=core-avx2 -march=unheard", "", "",
		"-first|-march=haswell|-march=core-avx2|-march=unheard|-E|-dM|-x|c|/dev/null|"},
	{X86, "-march=corei7", "nehalem", "", "-first|-march=corei7|-E|-dM|-x|c|/dev/null|"},
	/* Only what chooses the target goes along. */
	{X86, "-o out -MD -MF deps -fplugin=x -I/x -x c++ -std=c++17 -include y -flto x.c -m64", "",
		"", "-first|-m64|-E|-dM|-x|c|/dev/null|"},
	{X86, "-Xclang -target-feature -Xclang +avx -target x --target=y -mllvm -z", "", "",
		"-first|-Xclang|-target-feature|-Xclang|+avx|-target|x|--target=y|-mllvm|-z|-E|-dM|"
		"-x|c|/dev/null|"},
	/* Other flags turn off what the name would bring. */
	{X86 "case $* in *-mno-avx*) ;; *) " AVX "esac\n", "-march=haswell -mno-avx", "", "",
		"-first|-march=haswell|-mno-avx|-E|-dM|-x|c|/dev/null|"},
	/* native */
	{X86 "case $* in *-Q*) printf '  -march=  \\tznver3\\n  -mtune= znver4\\n';; esac\n",
		"-march=native", "znver3", "", "-first|-march=native|-E|-dM|-x|c|/dev/null|"},
	{X86 "case $* in *-Q*) echo '  -march= unheard';; esac\n", "-march=native", "", "",
		"-first|-march=native|-E|-dM|-x|c|/dev/null|"},
	{ARM "case $* in *-Q*) printf '  -march= armv8-a\\n  -mcpu= \\tneoverse-n1+ssbs\\n';; esac\n",
		"-mcpu=native", "neoverse-n1", "", "-first|-mcpu=native|-E|-dM|-x|c|/dev/null|"},
	{X86 "echo '#define __clang__ 1\n#define __corei7__ 1\n#define __znver2__ 1'\n",
		"-march=native", "znver2", "", "-first|-march=native|-E|-dM|-x|c|/dev/null|"},
	{X86 "echo '#define __clang__ 1\n#define __corei7__ 1'\n", "-march=native", "", "",
		"-first|-march=native|-E|-dM|-x|c|/dev/null|"},
	{ARM, "-mcpu=neoverse-v1+nosve", "neoverse-v1", "",
		"-first|-mcpu=neoverse-v1+nosve|-E|-dM|-x|c|/dev/null|"},
	/* A name of the other architecture is none. */
	{ARM, "-mcpu=haswell", "", "", "-first|-mcpu=haswell|-E|-dM|-x|c|/dev/null|"},
};

static void test_ask(void **state)
{
	const struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct compiler_answer a;
		struct err e = ERR_INIT;
		char text[CPU_NAMES];

		scratch_write(t, "args", "");
		make_compiler(t, asked[i].answers);
		if (ask(t, asked[i].flags, &a, &e) < 0)
			fail_msg("case %zu: %s", i, e.msg);
		assert_string_equal(a.march, asked[i].march);
		assert_string_equal(cpu_names(a.arch, &a.features, text), asked[i].features);
		scratch_read(t, "args", text, sizeof(text));
		*strchrnul(text, '\n') = '\0';
		assert_string_equal(text, asked[i].args);
	}
}

static const struct {
	const char *answers, *flags, *says;
	enum err_kind kind;
} refused[] = {
	{"exit 1\n", "-march=x", "refuses the flags", ERR_USAGE},
	{"kill -9 $$\n", "-march=x", "refuses the flags", ERR_USAGE},
	{"echo '#define __riscv 1'\n", "", "neither x86 nor aarch64", ERR_USAGE},
	{"", "", "neither x86 nor aarch64", ERR_USAGE},
	{X86, "-O2 $(x)", "'$'", ERR_USAGE},
	{X86, "-O2 @flags", "'@flags'", ERR_USAGE},
	{"yes '#define __x86_64__ 1'\n", "", "prints more than", ERR_DATA},
};

static void test_refused(void **state)
{
	const struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct compiler_answer a = {.march = "kept"};
		struct err e = ERR_INIT;

		make_compiler(t, refused[i].answers);
		assert_true(ask(t, refused[i].flags, &a, &e) < 0);
		assert_int_equal(e.kind, refused[i].kind);
		if (!strstr(e.msg, refused[i].says))
			fail_msg("case %zu: %s", i, e.msg);
		assert_string_equal(a.march, "kept");
	}
}

static void test_no_compiler(void **state)
{
	struct compiler_answer a;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(compiler_ask("/nowhere/cc", "", &a, &e), -ENOENT);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_int_equal(compiler_ask(" ", "", &a, &e), -EINVAL);
	assert_int_equal(compiler_ask("''", "", &a, &e), -EINVAL);
	assert_int_equal(compiler_ask("cc; x", "", &a, &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_macros),
		cmocka_unit_test_setup_teardown(test_ask, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_refused, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_no_compiler),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
