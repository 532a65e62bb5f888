/* SPDX-License-Identifier: Apache-2.0 */
#include "common/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_set(void **state)
{
	static const struct {
		int num, want;
	} cases[] = {
		{ENOENT, -ENOENT},
		{0, -EIO},
		{-EINVAL, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(
			err_set(&e, ERR_DATA, cases[i].num, "'%s' is bad", "x"), cases[i].want);
		assert_int_equal(e.kind, ERR_DATA);
		assert_int_equal(e.num, -cases[i].want);
		assert_string_equal(e.msg, "'x' is bad");
	}
}

static void test_errno(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_errno(&e, "cannot open '%s'", "a"), -ENOENT);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_string_equal(e.msg, "cannot open 'a': No such file or directory");
	errno = 0;
	assert_int_equal(err_errno(&e, "x"), -EIO);
	assert_string_equal(e.msg, "x: Input/output error");
}

static void test_context(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	err_set(&e, ERR_REMOTE, EPERM, "cause");
	assert_int_equal(err_ctx(&e, "%s %d", "line", 3), -EPERM);
	assert_int_equal(err_ctx(&e, "file"), -EPERM);
	assert_string_equal(e.msg, "file: line 3: cause");
	assert_int_equal(e.kind, ERR_REMOTE);
	/* the old message may be an argument of the new one */
	err_set(&e, e.kind, e.num, "<%s>", e.msg);
	assert_string_equal(e.msg, "<file: line 3: cause>");
}

static void test_cut(void **state)
{
	struct err e = ERR_INIT;
	char text[2000];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(&e, ERR_DATA, EINVAL, "%s", text);
	assert_int_equal(strlen(e.msg), 511);
	err_ctx(&e, "b");
	assert_int_equal(strlen(e.msg), 511);
	assert_memory_equal(e.msg, "b: aaa", 6);
	err_ctx(&e, "%s", text);
	assert_int_equal(strlen(e.msg), 511);
	errno = ENOENT;
	err_errno(&e, "%s", text);
	assert_int_equal(strlen(e.msg), 511);
}

static void test_exit_codes(void **state)
{
	static const enum err_kind kinds[] = {ERR_NONE, ERR_BUG, ERR_USAGE, ERR_CONFIG, ERR_SYSTEM,
		ERR_TRANSIENT, ERR_REMOTE, ERR_DATA, ERR_NO_FIT};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		e.kind = kinds[i];
		assert_int_equal(err_exit_code(&e), (int)i);
	}
	assert_int_equal(err_oom(&e), -ENOMEM);
	assert_int_equal(err_exit_code(&e), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_errno),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_exit_codes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
