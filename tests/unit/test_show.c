/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/show.h"

#include "common/num.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_eta(void **state)
{
	static const struct {
		uint64_t done, all, seconds;
		const char *want;
	} cases[] = {
		{0, 0, 5, ""},
		{5, 0, 5, ""},
		{7, 6, 5, ""},
		{0, 100, 5, "0 %"},
		{100, 100, 5, "100 %"},
		{25, 100, 10, "25 %, 30 s left"},
		{1, 10, 30, "10 %, 4 min 30 s left"},
		{1, 3, 1, "33 %, 2 s left"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[SHOW_TEXT];

		assert_string_equal(show_eta(cases[i].done, cases[i].all,
					    cases[i].seconds * NSEC_PER_SEC, text),
			cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eta),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
