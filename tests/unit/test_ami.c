/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/ami.h"

#include "common/num.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_names(void **state)
{
	static const struct {
		const char *taken[4];
		const char *want;
	} cases[] = {
		{{NULL}, "oct-2026-11-26"},
		{{"oct-2026-11-26", NULL}, "oct-2026-11-26-2"},
		{{"oct-2026-11-26-2", NULL}, "oct-2026-11-26"},
		{{"oct-2026-11-26-3", "oct-2026-11-26", NULL}, "oct-2026-11-26-2"},
		{{"oct-2026-11-26-2", "oct-2026-11-26", "oct-2026-11-26-20", NULL},
			"oct-2026-11-26-3"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		char name[AMI_NAME];
		size_t n = 0;

		while (cases[i].taken[n])
			n++;
		assert_int_equal(ami_name_choose("oct-2026-11-26", cases[i].taken, n, name, &e), 0);
		assert_string_equal(name, cases[i].want);
	}
}

static void test_no_name(void **state)
{
	static char text[1001][AMI_NAME];
	static char longest[AMI_NAME];
	const char *taken[1001];
	struct err e = ERR_INIT;
	char name[AMI_NAME] = "as it was";

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(text); i++) {
		snprintf(text[i], sizeof(text[i]), i < 2 ? "x" : "x-%u", i);
		taken[i] = text[i];
	}
	assert_int_equal(ami_name_choose("x", taken, ARRAY_LEN(taken), name, &e), -EEXIST);
	assert_int_equal(e.kind, ERR_CONFIG);
	memset(longest, 'x', sizeof(longest) - 1);
	taken[0] = longest;
	assert_int_equal(ami_name_choose(longest, taken, 1, name, &e), -EEXIST);
	assert_string_equal(name, "as it was");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_name),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
