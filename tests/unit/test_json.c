/* SPDX-License-Identifier: Apache-2.0 */
#include "common/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void nest(char *out, size_t levels)
{
	memset(out, '[', levels);
	memset(out + levels, ']', levels);
	out[2 * levels] = '\0';
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{"{}", 0},
		{"[1, 2]", 0},
		{" \"text\" ", 0},
		{"18446744073709551615", -EINVAL},
		{"1", 0},
		{"{\"a\": \"]]}}\\\"[[{{\"}", 0},
		{"", -EINVAL},
		{"{", -EINVAL},
		{"]", -EINVAL},
		{"{} x", -EINVAL},
		{"{}{}", -EINVAL},
		{"{\"a\": 1, \"a\": 2}", -EINVAL},
		{"\"a\\u0000b\"", -EINVAL},
		{"\"\xff\"", -EINVAL},
		{"\"unended", -EINVAL},
		{"\"unended\\", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_json json_t *j = NULL;
		struct err e = ERR_INIT;
		size_t len = strlen(cases[i].text);

		assert_int_equal(json_parse(cases[i].text, len, "f.json", &j, &e), cases[i].rc);
		assert_int_equal(j == NULL, cases[i].rc < 0);
		assert_int_equal(e.kind, cases[i].rc < 0 ? ERR_DATA : ERR_NONE);
		assert_true(cases[i].rc == 0 || strncmp(e.msg, "f.json:", 7) == 0);
	}
}

static void test_parse_limits(void **state)
{
	auto_json json_t *deep = NULL, *none = NULL;
	struct err e = ERR_INIT;
	char text[200];

	(void)state;
	nest(text, 64);
	assert_int_equal(json_parse(text, strlen(text), "x", &deep, &e), 0);
	nest(text, 65);
	assert_int_equal(json_parse(text, strlen(text), "x", &none, &e), -EINVAL);
	assert_string_equal(e.msg, "x: more than 64 levels deep");
	assert_int_equal(json_parse(NULL, 0, "x", &none, &e), -EINVAL);
	assert_int_equal(json_parse("{}\0", 3, "x", &none, &e), -EINVAL);
	assert_null(none);
}

static void test_print(void **state)
{
	static const char want[] = "{\n  \"z\": 1,\n  \"a\": [\n    true\n  ]\n}\n";
	auto_json json_t *j = json_pack("{s:i, s:[b]}", "z", 1, "a", 1);
	auto_buf struct buf text = BUF_INIT(100);
	auto_free char *printed = NULL;
	auto_file FILE *full = fopen("/dev/full", "w");
	struct err e = ERR_INIT;
	size_t len;
	FILE *f = open_memstream(&printed, &len);

	(void)state;
	assert_int_equal(json_print(j, f, &e), 0);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(printed, want);
	assert_int_equal(json_text(j, &text, &e), 0);
	assert_string_equal(buf_str(&text), want);
	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(json_print(j, full, &e), -ENOSPC);
	assert_int_equal(e.kind, ERR_SYSTEM);
}

static void test_text_failures(void **state)
{
	auto_json json_t *j = json_pack("[i, i]", 1000000, 2);
	auto_buf struct buf text = BUF_INIT(8), no_newline = BUF_INIT(18);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(json_text(j, &no_newline, &e), -EFBIG);
	assert_int_equal(buf_adds(&text, "ab"), 0);
	assert_int_equal(json_text(j, &text, &e), -EFBIG);
	assert_int_equal(e.kind, ERR_DATA);
	assert_string_equal(buf_str(&text), "ab");
	assert_int_equal(json_text(NULL, &text, &e), -ENOMEM);
}

static void test_members(void **state)
{
	auto_json json_t *j = json_pack(
		"{s:s, s:i, s:i, s:f, s:n}", "text", "abc", "n", 7, "neg", -1, "f", 1.5, "null");
	struct err e = ERR_INIT;
	const char *s = NULL;
	uint64_t n = 0;

	(void)state;
	assert_int_equal(json_get_string(j, "text", &s, &e), 0);
	assert_string_equal(s, "abc");
	assert_int_equal(json_get_u64(j, "n", &n, &e), 0);
	assert_int_equal(n, 7);
	assert_int_equal(json_get_string(j, "n", &s, &e), -EINVAL);
	assert_string_equal(e.msg, "member 'n' is not a string");
	assert_int_equal(json_get_string(j, "no", &s, &e), -EINVAL);
	assert_string_equal(e.msg, "member 'no' is missing");
	assert_int_equal(json_get_u64(j, "neg", &n, &e), -EINVAL);
	assert_int_equal(json_get_u64(j, "f", &n, &e), -EINVAL);
	assert_int_equal(json_get_u64(j, "null", &n, &e), -EINVAL);
	assert_int_equal(json_get_u64(NULL, "n", &n, &e), -EINVAL);
	assert_int_equal(e.kind, ERR_DATA);
	assert_int_equal(n, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_limits),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_text_failures),
		cmocka_unit_test(test_members),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
