/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/image_name.h"

#include "common/num.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_stem(void **state)
{
	char name[IMAGE_NAME];

	(void)state;
	image_name_stem("oct", NULL, 1795651200, name);
	assert_string_equal(name, "oct-2026-11-26");
	image_name_stem("oct", "aarch64", 1795651200 + 86399, name);
	assert_string_equal(name, "oct-aarch64-2026-11-26");
}

static void test_choice(void **state)
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
		char name[IMAGE_NAME];
		size_t n = 0;

		while (cases[i].taken[n])
			n++;
		assert_int_equal(
			image_name_choose("oct-2026-11-26", cases[i].taken, n, name, &e), 0);
		assert_string_equal(name, cases[i].want);
	}
}

static void test_no_choice(void **state)
{
	static char text[1001][IMAGE_NAME];
	static char longest[IMAGE_NAME];
	const char *taken[1001];
	struct err e = ERR_INIT;
	char name[IMAGE_NAME] = "as it was";

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(text); i++) {
		snprintf(text[i], sizeof(text[i]), i < 2 ? "x" : "x-%u", i);
		taken[i] = text[i];
	}
	assert_int_equal(image_name_choose("x", taken, ARRAY_LEN(taken), name, &e), -EEXIST);
	assert_int_equal(e.kind, ERR_CONFIG);
	memset(longest, 'x', sizeof(longest) - 1);
	taken[0] = longest;
	assert_int_equal(image_name_choose(longest, taken, 1, name, &e), -EEXIST);
	assert_string_equal(name, "as it was");
}

static void test_files(void **state)
{
	static const struct {
		const char *file, *stem, *want;
	} cases[] = {
		{"a-2026-11-26.json", NULL, "a-2026-11-26"},
		{"a.b-2026-11-26-2.json", NULL, "a.b-2026-11-26-2"},
		{"a-2026-11-26.cdx.json", NULL, ""},
		{"a-2026-11-26.raw", NULL, ""},
		{".json", NULL, ""},
		{"a.b-2026-11-26.raw", "a.b-2026-11-26", "a.b-2026-11-26"},
		{"a.b-2026-11-26-2.raw.test.log", "a.b-2026-11-26", "a.b-2026-11-26-2"},
		{"a.b-2026-11-26", "a.b-2026-11-26", "a.b-2026-11-26"},
		{"a-2026-11-26.raw", "a.b-2026-11-26", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const size_t len = image_name_of_file(cases[i].file, cases[i].stem);

		assert_int_equal(len, strlen(cases[i].want));
		assert_memory_equal(cases[i].file, cases[i].want, len);
	}
}

static void test_undated(void **state)
{
	static const struct {
		const char *file;
		size_t len;
	} rows[] = {
		{"thing-20261126.img", 5},
		{"thing-2026-11-26-2.qcow2", 5},
		{"a-b-20261126.img", 3},
		{"thing.img", 5},
		{"thing-2026", 10},
		{"-20261126.img", 9},
		{".img", 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(image_name_undated(rows[i].file), rows[i].len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stem),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_no_choice),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_undated),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
