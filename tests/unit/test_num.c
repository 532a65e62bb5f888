/* SPDX-License-Identifier: Apache-2.0 */
#include "common/num.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

struct number_case {
	const char *text;
	int rc;
	uint64_t want;
};

typedef int parse_fn(const char *s, uint64_t *ret, struct err *e);

static void check(const struct number_case *cases, size_t len, parse_fn *parse)
{
	for (size_t i = 0; i < len; i++) {
		const struct number_case *c = &cases[i];
		struct err e = ERR_INIT;
		uint64_t n = 77;
		char quoted[128];

		assert_int_equal(parse(c->text, &n, &e), c->rc);
		if (c->rc == 0) {
			assert_true(n == c->want);
			continue;
		}
		snprintf(quoted, sizeof(quoted), "'%s'", c->text);
		assert_int_equal(n, 77);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_non_null(strstr(e.msg, quoted));
	}
}

static int any_u64(const char *s, uint64_t *ret, struct err *e)
{
	return num_u64(s, 0, UINT64_MAX, ret, e);
}

static int small_u64(const char *s, uint64_t *ret, struct err *e)
{
	return num_u64(s, 2, 64, ret, e);
}

static void test_u64(void **state)
{
	static const struct number_case any[] = {
		{"0", 0, 0},
		{"007", 0, 7},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"99999999999999999999999", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"1x", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
		{"1.0", -EINVAL, 0},
	};
	static const struct number_case small[] = {
		{"2", 0, 2},
		{"64", 0, 64},
		{"1", -ERANGE, 0},
		{"65", -ERANGE, 0},
	};
	struct err e = ERR_INIT;
	uint64_t n;

	(void)state;
	check(any, ARRAY_LEN(any), any_u64);
	check(small, ARRAY_LEN(small), small_u64);
	assert_int_equal(num_u64("900", 1, 64, &n, &e), -ERANGE);
	assert_string_equal(e.msg, "'900' is out of range: use 1 to 64");
}

static void test_size(void **state)
{
	static const struct number_case cases[] = {
		{"0", 0, 0},
		{"4096", 0, 4096},
		{"512B", 0, 512},
		{"1K", 0, KIB},
		{"2KB", 0, 2 * KIB},
		{"3KiB", 0, 3 * KIB},
		{"64M", 0, 64 * MIB},
		{"1.5G", 0, GIB + GIB / 2},
		{"0.1K", 0, 102},
		{"2TiB", 0, 2 * TIB},
		{"1.0000000000001T", 0, TIB},
		{"16777215T", 0, 16777215 * TIB},
		{"16777216T", -ERANGE, 0},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"1.99999999999999999999999G", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"G", -EINVAL, 0},
		{"-1G", -EINVAL, 0},
		{"1 G", -EINVAL, 0},
		{"1g", -EINVAL, 0},
		{"1Gx", -EINVAL, 0},
		{"1.", -EINVAL, 0},
		{"1.G", -EINVAL, 0},
		{".5G", -EINVAL, 0},
		{"1.5", -EINVAL, 0},
		{"1.5B", -EINVAL, 0},
		{"1.5.5G", -EINVAL, 0},
		{"1P", -EINVAL, 0},
	};

	(void)state;
	check(cases, ARRAY_LEN(cases), num_size);
}

static void test_duration(void **state)
{
	static const struct number_case cases[] = {
		{"0", 0, 0},
		{"5", 0, 5 * NSEC_PER_SEC},
		{"500ms", 0, 500 * NSEC_PER_MSEC},
		{"60s", 0, 60 * NSEC_PER_SEC},
		{"2min", 0, 120 * NSEC_PER_SEC},
		{"2h", 0, 7200 * NSEC_PER_SEC},
		{"1d", 0, 86400 * NSEC_PER_SEC},
		{"213503d", 0, 213503 * (86400 * NSEC_PER_SEC)},
		{"213504d", -ERANGE, 0},
		{"99999999999999999999", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"-5s", -EINVAL, 0},
		{"5 s", -EINVAL, 0},
		{"1.5s", -EINVAL, 0},
		{"5m", -EINVAL, 0},
		{"infinity", -EINVAL, 0},
	};

	(void)state;
	check(cases, ARRAY_LEN(cases), num_duration);
}

static void test_bool(void **state)
{
	static const struct {
		const char *text;
		int rc;
		bool want;
	} cases[] = {
		{"yes", 0, true},
		{"true", 0, true},
		{"on", 0, true},
		{"1", 0, true},
		{"Y", 0, true},
		{"TRUE", 0, true},
		{"no", 0, false},
		{"false", 0, false},
		{"Off", 0, false},
		{"0", 0, false},
		{"", -EINVAL, false},
		{"2", -EINVAL, false},
		{"yess", -EINVAL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		bool got = !cases[i].want;

		assert_int_equal(num_bool(cases[i].text, &got, &e), cases[i].rc);
		assert_true(cases[i].rc < 0 || got == cases[i].want);
		assert_int_equal(e.kind, cases[i].rc < 0 ? ERR_USAGE : ERR_NONE);
	}
}

typedef const char *text_fn(uint64_t n, char out[static NUM_TEXT]);

static void test_text(void **state)
{
	static const struct {
		text_fn *text;
		uint64_t n;
		const char *want;
	} cases[] = {
		{num_size_text, 0, "0 B"},
		{num_size_text, 512, "512 B"},
		{num_size_text, 1023, "1023 B"},
		{num_size_text, 1024, "1.0 KiB"},
		{num_size_text, MIB - 1, "1.0 MiB"},
		{num_size_text, 1023 * KIB, "1023.0 KiB"},
		{num_size_text, 38 * GIB, "38.0 GiB"},
		{num_size_text, 3 * TIB / 2, "1.5 TiB"},
		{num_size_text, 1024 * TIB, "1.0 PiB"},
		{num_size_text, UINT64_MAX, "16.0 EiB"},
		{num_duration_text, 0, "0 ns"},
		{num_duration_text, 999, "999 ns"},
		{num_duration_text, 1500, "1.5 us"},
		{num_duration_text, 35100000, "35.1 ms"},
		{num_duration_text, 1204000000, "1.204 s"},
		{num_duration_text, 60 * NSEC_PER_SEC, "1 min 00 s"},
		{num_duration_text, 3599 * NSEC_PER_SEC, "59 min 59 s"},
		{num_duration_text, 3660 * NSEC_PER_SEC, "1 h 01 min"},
		{num_duration_text, UINT64_MAX, "5124095 h 34 min"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char out[NUM_TEXT];

		assert_string_equal(cases[i].text(cases[i].n, out), cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_bool),
		cmocka_unit_test(test_text),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
