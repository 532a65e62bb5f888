/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/attend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above */
#include <cmocka.h>

struct list_case {
	const char *text;
	pid_t pid[3]; /* 0 ends it */
};

static void a_number_that_was_cut_is_no_child(void **state)
{
	static const struct list_case table[] = {{"", {0}}, {"12 ", {12, 0}},
		{"12 345 ", {12, 345, 0}}, {"12 345", {12, 0}}, {"12 3", {12, 0}}, {"1", {0}},
		{"4194303 41943", {4194303, 0}}, {"x ", {0}}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *list = table[i].text;
		size_t n = 0;

		do
			assert_int_equal(attend_next_child(&list), table[i].pid[n]);
		while (table[i].pid[n++] != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_that_was_cut_is_no_child),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
