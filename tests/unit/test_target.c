/* SPDX-License-Identifier: Apache-2.0 */
#include "common/auto.h"
#include "common/cpu_target.h"
#include "common/instance_type.h"
#include "controller/project/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_find(void **state)
{
	static const struct {
		const char *name, *march, *key, *arch, *want, *option;
	} cases[] = {
		{"x86_64", NULL, "x86_64", "x86_64", "", ""},
		{"aarch64", "", "aarch64", "aarch64", "", ""},
		{"x86-64-v3", NULL, "x86-64-v3", "x86_64", "x86-64-v3", "-march=x86-64-v3"},
		{"znver4", NULL, "znver4", "x86_64", "znver4", "-march=znver4"},
		{"core-avx2", NULL, "haswell", "x86_64", "haswell", "-march=haswell"},
		{"neoverse-v1", NULL, "neoverse-v1", "aarch64", "neoverse-v1", "-mcpu=neoverse-v1"},
		{"c5", NULL, "c5", "x86_64", "skylake-avx512", "-march=skylake-avx512"},
		{"c5.18xlarge", NULL, "c5.18xlarge", "x86_64", "skylake-avx512",
			"-march=skylake-avx512"},
		{"c5.24xlarge", NULL, "c5.24xlarge", "x86_64", "cascadelake", "-march=cascadelake"},
		{"t2.micro", NULL, "t2.micro", "x86_64", "haswell", "-march=haswell"},
		{"c7i-flex.large", NULL, "c7i-flex.large", "x86_64", "sapphirerapids",
			"-march=sapphirerapids"},
		{"c7g.16xlarge", NULL, "c7g.16xlarge", "aarch64", "neoverse-v1",
			"-mcpu=neoverse-v1"},
		{"a1.metal", NULL, "a1.metal", "aarch64", "cortex-a72", "-mcpu=cortex-a72"},
		{"c7a", "znver3", "c7a", "x86_64", "znver3", "-march=znver3"},
		{"c7a", "x86-64-v2", "c7a", "x86_64", "x86-64-v2", "-march=x86-64-v2"},
		{"c8g", "zeus", "c8g", "aarch64", "neoverse-v1", "-mcpu=neoverse-v1"},
		{"p5.48xlarge", "znver3", "p5.48xlarge", "x86_64", "znver3", "-march=znver3"},
		{"Standard_HB120rs_v3", "znver3", "Standard_HB120rs_v3", "x86_64", "znver3",
			"-march=znver3"},
		{"t2a-standard-4", "neoverse-n1", "t2a-standard-4", "aarch64", "neoverse-n1",
			"-mcpu=neoverse-n1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		struct target t;
		char option[TARGET_NAME + 8];

		assert_int_equal(target_find(cases[i].name, cases[i].march, &t, &e), 0);
		assert_string_equal(t.name, cases[i].key);
		assert_string_equal(t.arch, cases[i].arch);
		assert_string_equal(t.march, cases[i].want);
		target_option(&t, option);
		assert_string_equal(option, cases[i].option);
	}
}

#define USE ": use an instance type, a family, a processor, a level or an architecture"

static void test_unknown(void **state)
{
	static const struct {
		const char *name, *march, *want;
	} cases[] = {
		{"znver44", NULL, "'znver44' is no target: did you mean 'znver4'?" USE},
		{"x86_46", NULL, "'x86_46' is no target: did you mean 'x86_64'?" USE},
		{"c7i-flx", NULL, "'c7i-flx' is no target: did you mean 'c7i-flex'?" USE},
		{"c5.18xlrge", NULL, "'c5.18xlrge' is no target: did you mean 'c5'?" USE},
		{"fast", NULL, "'fast' is no target" USE},
		{"", NULL, "'' is no target" USE},
		{"../c5", NULL, "'../c5' is no target" USE},
		{"fast", "znver4", "'fast' is no target" USE},
		{"p5", NULL, "the processor of 'p5' is not known: say march= in its [target p5]"},
		{"p5", "znver33",
			"march 'znver33' is not known: did you mean 'znver3'?: use a name that GCC "
			"gives a processor"},
		{"p5", "native",
			"march 'native' is not known: use a name that GCC gives a processor"},
		{"znver4", "znver3",
			"'znver4' says already what it is compiled for: leave march= out, or name "
			"the target 'znver3'"},
		{"c7g", "znver3",
			"march 'znver3' is more than machines of 'c7g' have, or another "
			"architecture: they have neoverse-v1"},
		{"c8i", "cortex-a72",
			"march 'cortex-a72' is more than machines of 'c8i' have, or another "
			"architecture: they have graniterapids"},
		{"c6a", "znver4",
			"march 'znver4' is more than machines of 'c6a' have, or another "
			"architecture: they have znver3"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		struct target t;

		assert_true(target_find(cases[i].name, cases[i].march, &t, &e) < 0);
		assert_string_equal(e.msg, cases[i].want);
		assert_int_equal(e.kind, ERR_CONFIG);
	}
}

#define MANY 256

/* Every family of the table, by those that run the least of each architecture. */
static void test_table(void **state)
{
	static const char *const least[] = {"x86_64", "aarch64"};
	size_t all = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(least); i++) {
		const char *family[MANY];
		struct err e = ERR_INIT;
		struct target t;
		size_t n;

		assert_int_equal(target_find(least[i], NULL, &t, &e), 0);
		n = target_families(&t, family, MANY);
		assert_null(family[n]);
		for (size_t k = 0; k < n; k++) {
			struct target f;

			assert_true(instance_type_is_key(family[k]));
			assert_int_equal(target_find(family[k], NULL, &f, &e), 0);
			assert_non_null(cpu_target_find(f.march));
			assert_string_equal(f.arch, least[i]);
			for (size_t l = 0; l < k; l++)
				assert_string_not_equal(family[k], family[l]);
		}
		all += n;
	}
	assert_in_range(all, 100, MANY);
}

static bool has(const char *const *list, const char *name)
{
	while (*list && strcmp(*list, name) != 0)
		list++;
	return *list != NULL;
}

static void test_families(void **state)
{
	static const struct {
		const char *target, *first, *there, *not_there;
	} cases[] = {
		{"znver4", "c7a", "m8a", "c6a"},
		{"znver5", "c8a", "m8azn", "c8i"},
		{"skylake-avx512", "c5", "c7a", "c6a"},
		{"cascadelake", "m5n", "c6i", "c5"},
		{"haswell", "c4", "c5a", "c3"},
		{"x86-64-v2", "c8a", "c3", "c7g"},
		{"x86-64-v4", "c8a", "c5", "r6a"},
		{"neoverse-n1", "c6g", "c8g", "a1"},
		{"neoverse-v1", "c7g", "m8g", "c6g"},
		{"aarch64", "c8g", "a1", "c5"},
		{"c7g.large", "c7g", "c8g", "c6g"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *family[MANY];
		struct err e = ERR_INIT;
		struct target t;

		assert_int_equal(target_find(cases[i].target, NULL, &t, &e), 0);
		target_families(&t, family, MANY);
		assert_string_equal(family[0], cases[i].first);
		assert_true(has(family, cases[i].there));
		assert_false(has(family, cases[i].not_there));
		assert_int_equal(target_families(&t, family, 2), 1);
		assert_null(family[1]);
		assert_int_equal(target_families(&t, family, 1), 0);
	}
}

static void test_family(void **state)
{
	char family[TARGET_NAME];

	(void)state;
	target_family("c5.18xlarge", family);
	assert_string_equal(family, "c5");
	target_family("c7i-flex.large", family);
	assert_string_equal(family, "c7i-flex");
	target_family("c5", family);
	assert_string_equal(family, "c5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_family),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
