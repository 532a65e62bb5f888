/* SPDX-License-Identifier: Apache-2.0 */
#include "common/num.h"
#include "controller/money.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uint64_t want;
	} cases[] = {
		{"0", 0, 0},
		{"5", 0, 5000000},
		{"0.0253", 0, 25300},
		{"0.0042000000", 0, 4200},
		{"0.0042000001", 0, 4201},
		{"0.0000001", 0, 1},
		{"007.50", 0, 7500000},
		{"18446744073709.551615", 0, UINT64_MAX},
		{"18446744073709.5516151", -ERANGE, 0},
		{"18446744073709.551616", -ERANGE, 0},
		{"18446744073710", -ERANGE, 0},
		{"99999999999999999999999999", -ERANGE, 0},
		{"", -EINVAL, 0},
		{".", -EINVAL, 0},
		{".5", -EINVAL, 0},
		{"5.", -EINVAL, 0},
		{"$5", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"1,5", -EINVAL, 0},
		{"1.5.2", -EINVAL, 0},
		{"1e3", -EINVAL, 0},
		{"nan", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = ERR_INIT;
		uint64_t n = 0;

		assert_int_equal(money_parse(cases[i].text, &n, &e), cases[i].rc);
		assert_true(n == cases[i].want);
		assert_int_equal(e.kind, cases[i].rc ? ERR_DATA : ERR_NONE);
	}
}

static void test_text(void **state)
{
	static const struct {
		uint64_t amount;
		const char *want;
	} cases[] = {
		{0, "$0.00"},
		{1, "$0.000001"},
		{25300, "$0.0253"},
		{500000, "$0.50"},
		{10000000, "$10.00"},
		{1234500000, "$1234.50"},
		{100001, "$0.100001"},
		{UINT64_MAX, "$18446744073709.551615"},
	};
	char text[MONEY_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(money_text(cases[i].amount, text), cases[i].want);
}

static void test_for(void **state)
{
	const uint64_t hour = 3600 * NSEC_PER_SEC;

	(void)state;
	assert_int_equal(money_for(25300, hour), 25300);
	assert_int_equal(money_for(25300, 2 * hour), 50600);
	assert_int_equal(money_for(25300, 0), 0);
	assert_int_equal(money_for(0, hour), 0);
	assert_int_equal(money_for(1, 1), 1);
	assert_int_equal(money_for(3600, NSEC_PER_SEC), 1);
	assert_int_equal(money_for(3600, NSEC_PER_SEC + 1), 2);
	assert_true(money_for(UINT64_MAX, hour) == UINT64_MAX);
	assert_true(money_for(UINT64_MAX, UINT64_MAX) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_for),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
