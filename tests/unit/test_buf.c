/* SPDX-License-Identifier: Apache-2.0 */
#include "common/buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

/* The address sanitizer would else end the process where malloc() returns NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void test_add(void **state)
{
	auto_buf struct buf b = BUF_INIT(1000);

	(void)state;
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_add(&b, NULL, 0), 0);
	assert_int_equal(buf_adds(&b, "ab"), 0);
	assert_int_equal(buf_addf(&b, "-%d-%s", 42, "c"), 0);
	assert_int_equal(buf_add(&b, "d\0e", 3), 0);
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.data, "ab-42-cd\0e", 11);
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_str(&b), "");
}

static void test_growth(void **state)
{
	auto_buf struct buf b = BUF_INIT(100000);

	(void)state;
	for (int i = 0; i < 10000; i++)
		assert_int_equal(buf_addf(&b, "%09d,", i), 0);
	assert_int_equal(b.len, 100000);
	assert_memory_equal(b.data + 5000 * 10, "000005000,", 10);
	assert_true(b.cap <= 100001);
	assert_int_equal(buf_adds(&b, "x"), -EFBIG);
}

static void test_ceiling(void **state)
{
	auto_buf struct buf b = BUF_INIT(4);

	(void)state;
	assert_int_equal(buf_adds(&b, "abcde"), -EFBIG);
	assert_int_equal(buf_adds(&b, "abc"), 0);
	assert_int_equal(buf_addf(&b, "%s", "de"), -EFBIG);
	assert_int_equal(buf_reserve(&b, SIZE_MAX), -EFBIG);
	assert_string_equal(buf_str(&b), "abc");
	assert_int_equal(buf_adds(&b, "d"), 0);
	assert_int_equal(buf_adds(&b, ""), 0);
	assert_string_equal(buf_str(&b), "abcd");
	b.max = 2;
	assert_int_equal(buf_reserve(&b, 0), -EFBIG);
}

static void test_no_memory(void **state)
{
	auto_buf struct buf b = BUF_INIT(SIZE_MAX);

	(void)state;
	assert_int_equal(buf_adds(&b, "abc"), 0);
	assert_int_equal(buf_reserve(&b, SIZE_MAX / 2), -ENOMEM);
	assert_int_equal(buf_reserve(&b, SIZE_MAX - 3), -EFBIG);
	assert_string_equal(buf_str(&b), "abc");
}

static void test_take(void **state)
{
	auto_buf struct buf b = BUF_INIT(10);
	auto_free char *text = NULL, *empty = NULL;

	(void)state;
	assert_int_equal(buf_adds(&b, "abc"), 0);
	text = buf_take(&b);
	empty = buf_take(&b);
	assert_string_equal(text, "abc");
	assert_string_equal(empty, "");
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_adds(&b, "again"), 0);
	assert_string_equal(buf_str(&b), "again");
	buf_free(&b);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_take),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
