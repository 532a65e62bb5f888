/* SPDX-License-Identifier: Apache-2.0 */
/* Names of objects, parts of uploads, base64. */
#include "common/num.h"
#include "controller/aws/base64.h"
#include "controller/aws/s3_upload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_paths(void **state)
{
	static const struct {
		const char *bucket, *key, *path;
	} row[] = {
		{"b-1.c", "k", "/b-1.c/k"},
		{"abc", "a/b c+d.tar.zst", "/abc/a/b%20c%2Bd.tar.zst"},
		{"abc", "\xc3\xa4~_-.x", "/abc/%C3%A4~_-.x"},
		{"abc", "...", "/abc/..."},
		{"abc", "a?b=c&d#e%41", "/abc/a%3Fb%3Dc%26d%23e%2541"},
		{"abc", "", NULL},
		{"abc", "/a", NULL},
		{"abc", "a//b", NULL},
		{"abc", "a/", NULL},
		{"abc", ".", NULL},
		{"abc", "a/../b", NULL},
		{"abc", "./b", NULL},
		{"ab", "k", NULL},
		{"Abc", "k", NULL},
		{"a/b", "k", NULL},
		{"..", "k", NULL},
		{"-abc", "k", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		const struct s3_name name = {.bucket = row[i].bucket, .key = row[i].key};
		struct err e = ERR_INIT;
		char got[S3_PATH_MAX];
		int rc = s3_path(&name, got, &e);

		if ((rc == 0) != (row[i].path != NULL) || (rc == 0 && strcmp(got, row[i].path)))
			fail_msg("%s/%s: %s", row[i].bucket, row[i].key, rc == 0 ? got : e.msg);
		assert_int_equal(e.kind, rc == 0 ? ERR_NONE : ERR_USAGE);
	}
}

static void test_parts(void **state)
{
	static const uint64_t sizes[] = {0, 1, S3_PART, S3_PART * S3_PARTS_MAX - 1,
		S3_PART * S3_PARTS_MAX, S3_PART * S3_PARTS_MAX + 1, TIB, 5 * TIB, 48 * TIB};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		uint64_t part = s3_part_size(sizes[i]);

		assert_true(part >= S3_PART && part % MIB == 0);
		assert_true((sizes[i] + part - 1) / part <= S3_PARTS_MAX);
	}
	assert_true(s3_part_size(S3_PART * 100) == S3_PART);
	assert_true(s3_part_size(48 * TIB + 1) == 0);
	assert_true(s3_part_size(UINT64_MAX) == 0);
}

/* RFC 4648, section 10. */
static void test_base64(void **state)
{
	static const struct {
		const char *data, *text;
	} row[] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
		{"\xff\xef\xbe\xfb", "/++++w=="},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		auto_buf struct buf out = BUF_INIT(64);

		assert_int_equal(base64_encode(&out, row[i].data, strlen(row[i].data)), 0);
		assert_string_equal(buf_str(&out), row[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_base64),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
