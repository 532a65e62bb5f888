/* SPDX-License-Identifier: Apache-2.0 */
#include "common/secret.h"

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
	auto_secret struct secret s = {0};
	auto_free char *long_one = calloc(1, SECRET_MAX + 2);
	struct err e = ERR_INIT;

	(void)state;
	assert_false(secret_is_set(&s));
	assert_string_equal(secret_reveal(&s), "");
	assert_int_equal(secret_set(&s, "wJalrXUtn/x", 5, &e), 0);
	assert_true(secret_is_set(&s));
	assert_string_equal(secret_reveal(&s), "wJalr");
	assert_int_equal(secret_set(&s, "", 0, &e), 0);
	assert_true(secret_is_set(&s));
	memset(long_one, 'x', SECRET_MAX + 1);
	assert_int_equal(secret_set(&s, long_one, SECRET_MAX, &e), 0);
	assert_int_equal(secret_set(&s, long_one, SECRET_MAX + 1, &e), -EFBIG);
	assert_int_equal(s.len, SECRET_MAX);
	assert_null(strstr(e.msg, "xx"));
	secret_free(&s);
	assert_false(secret_is_set(&s));
}

static void test_take(void **state)
{
	auto_secret struct secret s = {0};
	auto_secret_buf struct buf b = BUF_INIT(100);

	(void)state;
	assert_int_equal(buf_adds(&b, "hidden"), 0);
	secret_take(&s, &b);
	assert_string_equal(secret_reveal(&s), "hidden");
	assert_int_equal(s.len, 6);
	assert_null(b.data);
	assert_int_equal(b.max, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_take),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
