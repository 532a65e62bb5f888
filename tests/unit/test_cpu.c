/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cpu.h"
#include "common/cpu_table.h"
#include "common/fs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/cpu_check.h"
#include "tests/unit/scratch.h"

#define TEXT_MAX (1024 * 1024)

static void test_levels(void **state)
{
	static const char v2[] = "mmx fxsr sse sse2 cx16 sahf popcnt sse3 ssse3 sse4.1 sse4.2";
	static const char v3[] = "avx avx2 bmi bmi2 f16c fma lzcnt movbe xsave";
	static const char v4[] = "avx512f avx512bw avx512cd avx512dq avx512vl";
	struct cpu_features v2_set = set_of(CPU_X86_64, v2), v3_set = set_of(CPU_X86_64, v3);
	struct cpu_features v4_set = set_of(CPU_X86_64, v4);
	const char *levels[5];
	struct cpu c = {.arch = CPU_X86_64};

	(void)state;
	c.features.word[0] = v2_set.word[0] | v3_set.word[0] | v4_set.word[0];
	cpu_levels(&c, levels);
	assert_string_equal(levels[0], "x86-64-v4");
	assert_string_equal(levels[1], "x86-64-v3");
	assert_string_equal(levels[2], "x86-64-v2");
	assert_string_equal(levels[3], "x86-64");
	assert_null(levels[4]);
	/* Each single feature of v3 counts. */
	for (unsigned bit = 0; bit < 64; bit++) {
		if (!(v3_set.word[0] >> bit & 1))
			continue;
		c.features.word[0] =
			(v2_set.word[0] | v3_set.word[0] | v4_set.word[0]) & ~(1ULL << bit);
		cpu_levels(&c, levels);
		assert_string_equal(levels[0], "x86-64-v2");
	}
	c.arch = CPU_AARCH64;
	cpu_levels(&c, levels);
	assert_null(levels[0]);
}

static void test_rank(void **state)
{
	/* Of a Zen 4, from the most to the least specific; what follows NULL cannot run. */
	static const char *const order[] = {"znver4", "znver3", "znver2", "znver1",
		"icelake-server", "skylake-avx512", "x86-64-v4", "broadwell", "haswell",
		"x86-64-v3", "ivybridge", "x86-64-v2", "x86-64"};
	static const char *const refused[] = {"znver5", "sapphirerapids", "neoverse-v1"};
	struct cpu_features f = cpu_target_find("znver4")->needs;
	struct cpu c = {.arch = CPU_X86_64, .features = f, .march = "znver4"};
	unsigned last = UINT32_MAX;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		unsigned rank = cpu_target_rank(&c, cpu_target_find(order[i]));

		if (rank == 0 || rank >= last)
			fail_msg("%s has rank %u after %u", order[i], rank, last);
		last = rank;
	}
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_int_equal(cpu_target_rank(&c, cpu_target_find(refused[i])), 0);
}

static void test_names(void **state)
{
	struct cpu_features a = {0}, b = {0};

	(void)state;
	assert_true(cpu_feature_add(CPU_X86_64, "sse4_2", &a));
	assert_true(cpu_feature_add(CPU_X86_64, "sse4.2", &b));
	assert_memory_equal(&a, &b, sizeof(a));
	assert_true(cpu_feature_add(CPU_X86_64, "abm", &a));
	assert_true(cpu_feature_add(CPU_X86_64, "lzcnt", &b));
	assert_memory_equal(&a, &b, sizeof(a));
	assert_true(cpu_feature_add(CPU_AARCH64, "asimddp", &a));
	assert_false(cpu_feature_add(CPU_X86_64, "sve", &a));
	assert_false(cpu_feature_add(CPU_AARCH64, "avx2", &a));
	assert_false(cpu_feature_add(CPU_OTHER, "sse2", &a));
	assert_false(cpu_feature_add(CPU_X86_64, "", &a));
	assert_string_equal(cpu_target_find("core-avx2")->name, "haswell");
	assert_null(cpu_target_find("skylake_avx512"));
	assert_null(cpu_target_find("znver9"));
	assert_null(cpu_target_find(""));
	assert_string_equal(cpu_arch_name(CPU_X86_64), "x86_64");
	assert_string_equal(cpu_arch_name(CPU_AARCH64), "aarch64");
	assert_string_equal(cpu_arch_name(CPU_OTHER), "other");
}

static void count_name(const char *name, void *ctx)
{
	struct cpu_features one = {0};

	assert_true(cpu_feature_add(CPU_X86_64, name, &one));
	++*(unsigned *)ctx;
}

static void test_each_feature(void **state)
{
	struct cpu_features all;
	unsigned n = 0;

	(void)state;
	memset(&all, 0xff, sizeof(all));
	cpu_each_feature(CPU_X86_64, &all, count_name, &n);
	assert_int_equal(n, X86_FEATURES);
	n = 0;
	cpu_each_feature(CPU_OTHER, &all, count_name, &n);
	assert_int_equal(n, 0);
}

static void test_odd_cpuinfo(void **state)
{
	/* clang-format off */
	static const struct {
		const char *text;
		int rc;
		enum cpu_arch arch;
	} cases[] = {
		{"", 0, CPU_OTHER},
		{"\n\n\n", 0, CPU_OTHER},
		{"flags", 0, CPU_OTHER},
		{"flags:", 0, CPU_OTHER},
		{"flags :\n", 0, CPU_OTHER},
		{"cpu : POWER9\nrevision : 2.2\n", 0, CPU_OTHER},
		{"flags : fpu sse2\n", 0, CPU_OTHER},
		{"flags : lma xlm lmx\n", 0, CPU_OTHER},
		{"Features : half thumb fastmult vfp neon\nCPU architecture: 7\n", 0, CPU_OTHER},
		{"flags : fpu lm", 0, CPU_X86_64},
		{"flags\t: lm\n", 0, CPU_X86_64},
		{"model : 85\nflags : lm\ncpu family : six\n", -EINVAL, CPU_OTHER},
		{"model : -1\nflags : lm\n", -EINVAL, CPU_OTHER},
		{"model : 99999999999999999999\nflags : lm\n", -EINVAL, CPU_OTHER},
		{"Features : asimd\nCPU part : 0xzz\n", -EINVAL, CPU_OTHER},
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		struct cpu c;

		assert_int_equal(cpu_from_cpuinfo(cases[i].text, &c, &e), cases[i].rc);
		if (cases[i].rc == 0)
			assert_int_equal(c.arch, cases[i].arch);
		else
			assert_int_equal(e.kind, ERR_DATA);
	}
}

/* A root directory that stands for another machine; its cpuinfo may have thousands of CPUs. */
static void test_read_root(void **state)
{
	const struct scratch *t = *state;
	auto_buf struct buf text = BUF_INIT(TEXT_MAX);
	struct err e = ERR_INIT;
	struct cpu c;

	assert_int_equal(cpu_read(t->fd, false, &c, &e), 0);
	assert_int_equal(c.arch, CPU_OTHER);
	assert_null(c.march);
	for (int i = 0; i < 4000; i++)
		assert_int_equal(
			buf_addf(&text,
				"processor : %d\nvendor_id : AuthenticAMD\ncpu family : 23\n"
				"model : 49\nmodel name : AMD\x1b[31m EPYC\nflags : lm sse sse2\n\n",
				i),
			0);
	scratch_write(t, "proc/cpuinfo", text.data);
	assert_int_equal(cpu_read(t->fd, false, &c, &e), 0);
	assert_int_equal(c.arch, CPU_X86_64);
	assert_string_equal(c.model_name, "AMD [31m EPYC");
}

/* This machine by two ways: the kernel's flags must all be among CPUID's. */
static void test_native(void **state)
{
	auto_close int fd = -1;
	struct err e = ERR_INIT;
	struct cpu native, info;

	(void)state;
	assert_int_equal(fs_root("/", &fd, &e), 0);
	assert_int_equal(cpu_read(fd, true, &native, &e), 0);
	assert_int_equal(cpu_read(fd, false, &info, &e), 0);
	check_consistent("this machine", &native);
	/* Without /proc there is nothing to compare with. */
	if (info.arch == native.arch)
		check_text("cpuinfo against the processor",
			cpu_first_missing(native.arch, &native.features, &info.features), "none");
#if defined(__x86_64__)
	assert_string_equal(native.source, "cpuid");
	struct cpu_features one = {0};

	/* And the compiler's own library agrees. */
#define AGREES(name)                                                                               \
	do {                                                                                       \
		memset(&one, 0, sizeof(one));                                                      \
		assert_true(cpu_feature_add(CPU_X86_64, name, &one));                              \
		assert_int_equal(                                                                  \
			cpu_has(&native.features, &one), __builtin_cpu_supports(name) != 0);       \
	} while (0)
	__builtin_cpu_init();
	AGREES("ssse3");
	AGREES("sse4.1");
	AGREES("sse4.2");
	AGREES("sse4a");
	AGREES("popcnt");
	AGREES("aes");
	AGREES("pclmul");
	AGREES("avx");
	AGREES("fma");
	AGREES("fma4");
	AGREES("xop");
	AGREES("avx2");
	AGREES("bmi");
	AGREES("bmi2");
	AGREES("gfni");
	AGREES("vpclmulqdq");
	AGREES("avx512f");
	AGREES("avx512bw");
	AGREES("avx512cd");
	AGREES("avx512dq");
	AGREES("avx512vl");
	AGREES("avx512ifma");
	AGREES("avx512vbmi");
	AGREES("avx512vbmi2");
	AGREES("avx512vnni");
	AGREES("avx512bitalg");
	AGREES("avx512vpopcntdq");
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_rank),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_each_feature),
		cmocka_unit_test(test_odd_cpuinfo),
		cmocka_unit_test_setup_teardown(test_read_root, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_native),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
