/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/match.h"
#include "common/instance_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A CPU that is exactly what the target needs. */
static struct cpu cpu_of(const char *march)
{
	const struct cpu_target *t = cpu_target_find(march);

	assert_non_null(t);
	return (struct cpu){.arch = t->arch, .features = t->needs, .march = t->name};
}

static void test_machine_keys(void **state)
{
	static const char *const yes[] = {"c5", "c5n", "c5a", "c5ad", "c6gn", "c7i-flex", "m7a",
		"r7iz", "u7i-12tb", "u7in-24tb", "u7inh-32tb", "u-6tb1", "hpc7g", "hpc6id",
		"x2iedn", "x1e", "x8aedz", "i4i", "i7ie", "im4gn", "is4gen", "inf1", "trn1",
		"trn1n", "p4d", "p4de", "p6-b200", "p6e-gb200", "g5g", "g6f", "gr6", "dl1", "dl2q",
		"vt1", "f1", "z1d", "t3a", "t4g", "a1", "d3en", "h1", "m10g", "c11gn",
		"c5.18xlarge", "t3.nano", "c5.metal", "m7i.metal-24xl", "u7in-24tb.224xlarge",
		"u-6tb1.metal", "m7i-flex.large", "hpc7g.4xlarge", "t1.micro", "Standard_D8s_v5",
		"Standard_F4", "Standard_D64-32s_v3", "Standard_NC24ads_A100_v4",
		"Standard_HB120rs_v3", "Standard_DS1_v2", "Basic_A0", "n2-standard-8",
		"c3-highcpu-44", "e2-micro", "f1-micro", "n2d-custom-8-16384", "c3-standard-4-lssd",
		"a3-highgpu-8g", "c4a-highmem-72-metal"};
	static const char *const no[] = {"", "v2", "v1", "c", "5", "c0", "c05", "x86", "i386",
		"c99", "c11", "p100", "C5", "c5N", "c5-", "c5-big", "c5_n", "c5nnnnnnn", "q5",
		"mac1", "mac2-m2", "mac2.metal", "c5.", "c5.large2", "c5.0xlarge", "c5.1", "m4.18",
		"u-6", "u-tb1", "u7i-tb", "Standard_", "Standard_d2", "Standard_D", "Standard_D2-",
		"n2", "n2-", "n2-standard-", "n2-standard--8", "n2-stand-8", "octave", "3.11",
		"b200"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (!instance_type_is_key(yes[i]))
			fail_msg("'%s' is a key", yes[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		if (instance_type_is_key(no[i]))
			fail_msg("'%s' is not a key", no[i]);
	}
}

static void test_families(void **state)
{
	/* clang-format off */
	static const struct {
		const char *type, *family, *base;
	} cases[] = {
		{"c5n.18xlarge", "c5n", "c5"},
		{"c5.18xlarge", "c5", ""},
		{"m7i-flex.large", "m7i-flex", "m7"},
		{"hpc7g.4xlarge", "hpc7g", "hpc7"},
		{"u7in-24tb.224xlarge", "u7in-24tb", "u7"},
		{"u-6tb1.metal", "u-6tb1", ""},
		{"n2-standard-8", "n2", ""},
		{"c3d-highcpu-44", "c3d", "c3"},
		{"Standard_D8s_v5", "Dsv5", ""},
		{"Standard_D64-32s_v3", "Dsv3", ""},
		{"Standard_NC24ads_A100_v4", "NCadsv4", ""},
		{"Standard_F4", "F", ""},
		{"Basic_A0", "A", ""},
		{"something-else", "", ""},
		{"", "", ""},
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char family[INSTANCE_FAMILY], base[INSTANCE_FAMILY];

		instance_type_family(cases[i].type, family);
		instance_type_base_family(family, base);
		assert_string_equal(family, cases[i].family);
		assert_string_equal(base, cases[i].base);
	}
}

static void test_split(void **state)
{
	/* clang-format off */
	static const struct {
		const char *file, *type, *app, *key;
		enum key_kind kind;
	} cases[] = {
		{"octave_c5.tar.zst", "c5.large", "octave", "c5", KEY_FAMILY},
		{"octave_c5.tar.zst", "c5n.large", "octave", "c5", KEY_BASE_FAMILY},
		{"octave_c5n.tar.xz", "c5n.large", "octave", "c5n", KEY_FAMILY},
		{"octave_c5n.large.tar.gz", "c5n.large", "octave", "c5n.large", KEY_TYPE},
		{"octave_c5n.xlarge.tar.gz", "c5n.large", "octave", "c5n.xlarge", KEY_FOREIGN},
		{"octave_c7g.tar.bz2", "c5n.large", "octave", "c7g", KEY_FOREIGN},
		{"octave_c7g.tar.lz4", "", "octave", "c7g", KEY_FOREIGN},
		{"octave_x86_64.tar.zst", "c5.large", "octave", "x86_64", KEY_GENERIC},
		{"octave_aarch64.tar.zst", "c5.large", "octave", "aarch64", KEY_GENERIC},
		{"octave_x86-64-v3.tar.zst", "c5.large", "octave", "x86-64-v3", KEY_TARGET},
		{"octave_skylake-avx512.tar.zst", "", "octave", "skylake-avx512", KEY_TARGET},
		{"octave_neoverse-v1.tar.zst", "", "octave", "neoverse-v1", KEY_TARGET},
		{"my_app_c5.tar.zst", "c5.large", "my_app", "c5", KEY_FAMILY},
		{"my_c5_app.tar.zst", "c5.large", "my_c5_app", "", KEY_NONE},
		{"octave.tar.zst", "c5.large", "octave", "", KEY_NONE},
		{"octave_v2.tar.zst", "c5.large", "octave_v2", "", KEY_NONE},
		{"octave_v2_c5.tar.zst", "c5.large", "octave_v2", "c5", KEY_FAMILY},
		{"octave_x86.tar.zst", "c5.large", "octave_x86", "", KEY_NONE},
		{"octave_7.3.tar.zst", "c5.large", "octave_7.3", "", KEY_NONE},
		{"octave_.tar.zst", "c5.large", "octave_", "", KEY_NONE},
		{"a_Standard_D8s_v5.tar.zst", "Standard_D8s_v5", "a", "Standard_D8s_v5", KEY_TYPE},
		{"a_Standard_D8s_v5.tar.zst", "c5.large", "a", "Standard_D8s_v5", KEY_FOREIGN},
		{"a_Dsv5.tar.zst", "Standard_D8s_v5", "a", "Dsv5", KEY_FAMILY},
		{"a_Dsv5.tar.zst", "c5.large", "a_Dsv5", "", KEY_NONE},
		{"a_n2.tar.zst", "n2-standard-8", "a", "n2", KEY_FAMILY},
		{"a_n2.tar.zst", "c5.large", "a_n2", "", KEY_NONE},
		{"a_n2-standard-8.tar.zst", "n2-standard-8", "a", "n2-standard-8", KEY_TYPE},
		{"a_my-box.tar.zst", "my-box", "a", "my-box", KEY_TYPE},
	};
	/* clang-format on */
	static const char *const no[] = {"", ".tar.zst", "_c5.tar.zst", ".x.tar.zst", "a b.tar.zst",
		"a/b.tar.zst", "a.tar", "a.tar.zst.json", "a.zip", "a.tgz", "-a.tar.gz",
		"a.tar.zstd", "\xc3\xa4.tar.gz", "a\n.tar.gz"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cpu cpu = cpu_of("haswell");
		struct match_machine m = {.instance_type = cases[i].type, .cpu = &cpu};
		struct candidate c;

		assert_true(match_split(cases[i].file, &m, &c));
		assert_string_equal(c.file, cases[i].file);
		if (strcmp(c.app, cases[i].app) != 0 || strcmp(c.key, cases[i].key) != 0 ||
			c.kind != cases[i].kind)
			fail_msg("%s on '%s': app '%s', key '%s', %s", c.file, cases[i].type, c.app,
				c.key, key_kind_name(c.kind));
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		struct match_machine m = {.instance_type = "c5.large"};
		struct candidate c;

		if (match_split(no[i], &m, &c))
			fail_msg("'%s' is no archive", no[i]);
	}
}

static void test_split_long(void **state)
{
	struct match_machine m = {.instance_type = ""};
	struct candidate c;
	char name[400];

	(void)state;
	memset(name, 'a', sizeof(name));
	snprintf(name + 127, sizeof(name) - 127, ".tar.zst");
	assert_true(match_split(name, &m, &c));
	memset(name, 'a', sizeof(name));
	snprintf(name + 128, sizeof(name) - 128, ".tar.zst");
	assert_false(match_split(name, &m, &c));
	memset(name, 'a', sizeof(name));
	snprintf(name + 390, sizeof(name) - 390, ".tar.zst");
	assert_false(match_split(name, &m, &c));
}

/* One candidate each; why = "" means that it fits. */
struct judge_case {
	const char *march; /* of the machine; NULL: not known */
	const char *type;
	const char *file;
	const char *manifest; /* NULL: none */
	const char *why;
};

#define M(app, key, rest) "{\"format\":1,\"app\":\"" app "\",\"key\":\"" key "\"," rest "}"
#define X86               "\"arch\":\"x86_64\""

/* clang-format off */
static const struct judge_case judge_cases[] = {
	{"haswell", "c4.large", "a_c4.large.tar.zst", NULL, ""},
	{"haswell", "c4.large", "a_c4.tar.zst", NULL, ""},
	{"haswell", "c4.large", "a_x86_64.tar.zst", NULL, ""},
	{"haswell", "c4.large", "a_haswell.tar.zst", NULL, ""},
	{"haswell", "c4.large", "a_x86-64-v3.tar.zst", NULL, ""},
	{"haswell", "c4.large", "a.tar.zst", NULL, ""},
	{NULL, "", "a.tar.zst", NULL, ""},
	{"haswell", "", "a_x86_64.tar.zst", NULL, ""},
	/* other machines */
	{"haswell", "c4.large", "a_c7g.tar.zst", NULL, "made for c7g, this machine is c4.large"},
	{"haswell", "", "a_c7g.tar.zst", NULL,
		"made for c7g, the type of this machine is not known"},
	{"haswell", "c4.large", "a_aarch64.tar.zst", NULL,
		"built for aarch64, this machine is x86_64"},
	{"haswell", "c4.large", "a_neoverse-v1.tar.zst", NULL,
		"built for aarch64, this machine is x86_64"},
	{"neoverse-n1", "m6g.large", "a_x86_64.tar.zst", NULL,
		"built for x86_64, this machine is aarch64"},
	{NULL, "", "a_x86_64.tar.zst", NULL,
		"built for x86_64, this machine is something else or not known"},
	{"haswell", "c4.large", "a_c4.tar.zst", M("a", "c4", "\"arch\":\"aarch64\""),
		"built for aarch64, this machine is x86_64"},
	{"haswell", "c4.large", "a_c4.tar.zst", M("a", "c4", "\"arch\":\"other\""), ""},
	{NULL, "", "a.tar.zst", M("a", "", "\"arch\":\"other\""), ""},
	/* features */
	{"haswell", "c4.large", "a_x86-64-v4.tar.zst", NULL,
		"x86-64-v4 needs avx512f, which this CPU lacks"},
	{"haswell", "c4.large", "a_znver1.tar.zst", NULL,
		"znver1 needs sse4a, which this CPU lacks"},
	{"haswell", "c4.large", "a_c4.tar.zst",
		M("a", "c4", X86 ",\"features\":[\"avx2\",\"avx512f\"]"),
		"needs avx512f, which this CPU lacks"},
	{"haswell", "c4.large", "a_c4.tar.zst", M("a", "c4", X86 ",\"features\":[\"avx2\"]"), ""},
	{"haswell", "c4.large", "a.tar.zst", M("a", "", X86 ",\"features\":[\"avx9\"]"),
		"needs avx9, a CPU feature this version does not know"},
	{"haswell", "c4.large", "a_c4.tar.zst", M("a", "c4", X86 ",\"march\":\"broadwell\""),
		"broadwell needs rdseed, which this CPU lacks"},
	{"haswell", "c4.large", "a_c4.tar.zst", M("a", "c4", X86 ",\"march\":\"k9\""),
		"built for k9, which this version does not know, and lists no features"},
	{"haswell", "c4.large", "a_c4.tar.zst",
		M("a", "c4", X86 ",\"march\":\"k9\",\"features\":[\"avx2\"]"), ""},
	{"haswell", "c4.large", "a_c4.tar.zst", M("a", "c4", X86 ",\"march\":\"generic\""), ""},
	{NULL, "", "a.tar.zst", M("a", "", "\"arch\":\"other\",\"features\":[\"avx\"]"),
		"needs avx, a CPU feature this version does not know"},
	/* base families */
	{"skylake-avx512", "c5n.large", "a_c5.tar.zst", NULL,
		"c5 is only a base family of this machine and the archive has no manifest"},
	{"skylake-avx512", "c5n.large", "a_c5.tar.zst", M("a", "c5", X86),
		"c5 is only a base family of this machine and the manifest names neither march nor "
		"features"},
	{"skylake-avx512", "c5n.large", "a_c5.tar.zst",
		M("a", "c5", X86 ",\"march\":\"skylake-avx512\""), ""},
	{"skylake-avx512", "c5n.large", "a_c5.tar.zst",
		M("a", "c5", X86 ",\"features\":[\"avx512f\"]"), ""},
	{"skylake-avx512", "c5n.large", "a_c5.tar.zst",
		M("a", "c5", X86 ",\"march\":\"cascadelake\""),
		"cascadelake needs avx512vnni, which this CPU lacks"},
	{"znver2", "c5a.large", "a_c5.tar.zst", M("a", "c5", X86 ",\"march\":\"skylake-avx512\""),
		"skylake-avx512 needs avx512f, which this CPU lacks"},
	/* names */
	{"haswell", "c4.large", "a_c4.tar.zst", M("b", "c4", X86),
		"its manifest says app 'b' and key 'c4', its name does not"},
	{"haswell", "c4.large", "a_c4.tar.zst", M("a", "", X86),
		"its manifest says app 'a' and key '', its name does not"},
};
/* clang-format on */

static void test_judge(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(judge_cases); i++) {
		const struct judge_case *k = &judge_cases[i];
		struct cpu cpu = k->march ? cpu_of(k->march) : (struct cpu){.arch = CPU_OTHER};
		struct match_machine m = {.instance_type = k->type, .cpu = &cpu};
		struct err e = ERR_INIT;
		struct candidate c;

		assert_true(match_split(k->file, &m, &c));
		if (k->manifest)
			assert_int_equal(manifest_parse(k->manifest, strlen(k->manifest), k->file,
						 &c.manifest, &e),
				0);
		match_judge(&m, &c);
		if (strcmp(c.why_not, k->why) != 0 || (c.rank > 0) != !k->why[0])
			fail_msg("%s on %s: rank %u, '%s', want '%s'", k->file, k->type, c.rank,
				c.why_not, k->why);
	}
}

/* From the most to the least specific, for a c5n with a Cascade Lake. */
static void test_rank_order(void **state)
{
	static const char *const order[] = {"a_c5n.large.tar.bz2", "a_c5n.tar.zst", "a_c5n.tar.lz4",
		"a_c5n.tar.gz", "a_c5n.tar.xz", "a_c5n.tar.bz2", "a_c5.tar.xz",
		"a_cascadelake.tar.zst", "a_skylake-avx512.tar.zst", "a_skylake.tar.zst",
		"a_haswell.tar.zst", "a_x86-64-v4.tar.zst", "a_x86-64-v3.tar.zst",
		"a_x86-64-v2.tar.zst", "a_x86-64.tar.zst", "a_x86_64.tar.zst", "a.tar.zst"};
	static const char base[] = M("a", "c5", X86 ",\"march\":\"skylake-avx512\"");
	struct cpu cpu = cpu_of("cascadelake");
	struct match_machine m = {.instance_type = "c5n.large", .cpu = &cpu};
	unsigned last = UINT32_MAX;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		struct err e = ERR_INIT;
		struct candidate c;

		assert_true(match_split(order[i], &m, &c));
		if (c.kind == KEY_BASE_FAMILY)
			assert_int_equal(
				manifest_parse(base, strlen(base), "x", &c.manifest, &e), 0);
		match_judge(&m, &c);
		if (c.rank == 0 || c.rank >= last)
			fail_msg("%s: rank %u after %u: %s", c.file, c.rank, last, c.why_not);
		last = c.rank;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machine_keys),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_long),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_rank_order),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
