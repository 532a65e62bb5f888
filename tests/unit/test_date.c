/* SPDX-License-Identifier: Apache-2.0 */
#include "common/date.h"

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
		int64_t seconds;
	} row[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2017-09-18T08:22:00Z", 1505722920},
		{"2017-09-18T08:22:00.123456789Z", 1505722920},
		{"2024-02-29T23:59:59Z", 1709251199},
		{"9999-12-31T23:59:59Z", 253402300799},
		{"18 Sep 2017 08:22:00 GMT", 1505722920},
		{"Mon, 18 Sep 2017 08:22:00 GMT", 1505722920},
		{"1 Jan 2030 00:00:00 GMT", 1893456000},
		{"Tue, 01 Jan 2030 00:00:00 GMT", 1893456000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct err e = ERR_INIT;
		int64_t seconds = -1;

		if (date_parse(row[i].text, &seconds, &e) < 0 || seconds != row[i].seconds)
			fail_msg("'%s': %jd %s", row[i].text, (intmax_t)seconds, e.msg);
	}
}

static void test_refusals(void **state)
{
	static const char *const bad[] = {"", "now", "2017-09-18", "2017-09-18T08:22:00",
		"2017-09-18 08:22:00Z", "2017-09-18T08:22:00+00:00", "2017-09-18T08:22:00ZZ",
		"2017-9-18T08:22:00Z", "2017-13-18T08:22:00Z", "2017-00-18T08:22:00Z",
		"2017-02-29T08:22:00Z", "2017-09-31T08:22:00Z", "2017-09-18T24:00:00Z",
		"2017-09-18T08:60:00Z", "2017-09-18T08:22:60Z", "2017-09-18T08:22:00.Z",
		"2017-09-18T08:22:00.1234567890Z", "1969-12-31T23:59:59Z", "-2017-09-18T08:22:00Z",
		"12017-09-18T08:22:00Z", "+017-09-18T08:22:00Z", "2017-09-18T08:2a:00Z",
		"2017-09-18T-8:22:00Z", "18 Sep 2017 08:22:00", "18 Sep 2017 08:22:00 UTC",
		"18 sep 2017 08:22:00 GMT", "32 Sep 2017 08:22:00 GMT",
		"Mon 18 Sep 2017 08:22:00 GMT", "Xyz, 18 Sep 2017 08:22:00 GMT",
		"018 Sep 2017 08:22:00 GMT", "18 Sep 1969 08:22:00 GMT",
		"18 Sep 2017 08:22:00 GMT "};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = ERR_INIT;
		int64_t seconds = -1;

		if (date_parse(bad[i], &seconds, &e) != -EINVAL || e.kind != ERR_DATA ||
			seconds != -1)
			fail_msg("'%s' is taken as %jd", bad[i], (intmax_t)seconds);
		assert_non_null(strstr(e.msg, "is no date"));
	}
}

static void test_text(void **state)
{
	char out[DATE_TEXT];

	(void)state;
	assert_string_equal(date_text(0, out), "1970-01-01T00:00:00Z");
	assert_string_equal(date_text(1505722920, out), "2017-09-18T08:22:00Z");
	assert_string_equal(date_text(INT64_MAX, out), "");
	assert_true(date_now() > 1600000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_text),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
