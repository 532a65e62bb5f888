/* SPDX-License-Identifier: Apache-2.0 */
#include "common/words.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static const struct {
	const char *line;
	const char *words; /* each ends with | */
} good[] = {
	{"", ""},
	{" \t\n ", ""},
	{"a", "a|"},
	{" a  b\tc\nd ", "a|b|c|d|"},
	{"-O3 -march=native -mno-avx512f", "-O3|-march=native|-mno-avx512f|"},
	{"'a b' \"c d\"", "a b|c d|"},
	{"'' \"\"", "||"},
	{"a'b'\"c\"d", "abcd|"},
	{"a\\ b \\' \\\\", "a b|'|\\|"},
	{"'a\\b$`\"'", "a\\b$`\"|"},
	{"\"\\\"\\$\\`\\\\\\n\"", "\"$`\\\\n|"},
	{"\\$x '(*)'", "$x|(*)|"},
	{"-Da=b~c -Dd#e", "-Da=b~c|-Dd#e|"},
};

static void test_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		auto_words struct words w = {0};
		struct err e = ERR_INIT;
		char text[200] = "";

		assert_int_equal(words_split(good[i].line, &w, &e), 0);
		for (size_t k = 0; k < w.n; k++) {
			size_t len = strlen(text);

			snprintf(text + len, sizeof(text) - len, "%s|", w.word[k]);
		}
		assert_null(w.word[w.n]);
		assert_string_equal(text, good[i].words);
	}
}

static const struct {
	const char *line;
	const char *says;
} bad[] = {
	{"a $b", "'$'"},
	{"\"$b\"", "'$'"},
	{"`b`", "'`'"},
	{"a;b", "';'"},
	{"a|b", "'|'"},
	{"a & b", "'&'"},
	{"a >b", "'>'"},
	{"*.c", "'*'"},
	{"(a)", "'('"},
	{"~/x", "'~'"},
	{"a #b", "'#'"},
	{"'a", "' has no end"},
	{"\"a", "\" has no end"},
	{"a\\", "backslash"},
	{"a \\\nb", "backslash"},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct words w = {0};
		struct err e = ERR_INIT;

		assert_int_equal(words_split(bad[i].line, &w, &e), -EINVAL);
		assert_int_equal(e.kind, ERR_USAGE);
		if (!strstr(e.msg, bad[i].says))
			fail_msg("%s: '%s'", bad[i].line, e.msg);
		assert_null(w.text);
	}
}

static void test_ceilings(void **state)
{
	auto_free char *line = malloc(WORDS_LEN + 1);
	auto_words struct words w = {0};
	struct err e = ERR_INIT;

	(void)state;
	memset(line, 'a', WORDS_LEN);
	line[WORDS_LEN] = '\0';
	assert_int_equal(words_split(line, &w, &e), -E2BIG);
	for (size_t i = 0; i < 2 * WORDS_MAX; i += 2)
		memcpy(line + i, "a ", 3);
	assert_int_equal(words_split(line, &w, &e), 0);
	assert_int_equal(w.n, WORDS_MAX);
	words_free(&w);
	memcpy(line + 2 * WORDS_MAX, "a", 2);
	assert_int_equal(words_split(line, &w, &e), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ceilings),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
