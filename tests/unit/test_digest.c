/* SPDX-License-Identifier: Apache-2.0 */
#include "common/digest.h"

#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define SUM_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SUM_ABC   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SUM_LONG  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
#define SUM_A     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

/* The examples of FIPS 180. */
static void test_vectors(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"", SUM_EMPTY},
		{"abc", SUM_ABC},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", SUM_LONG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = strlen(cases[i].text);
		char out[DIGEST_TEXT];
		struct digest d;

		digest_start(&d);
		digest_add(&d, cases[i].text, len / 3);
		digest_add(&d, cases[i].text + len / 3, len - len / 3);
		digest_end(&d, out);
		assert_string_equal(out, cases[i].want);
	}
}

static void test_file(void **state)
{
	const struct scratch *t = *state;
	auto_free char *text = malloc(1000001);
	auto_close int fd = -1;
	char out[DIGEST_TEXT] = "";
	struct err e = ERR_INIT;

	assert_non_null(text);
	memset(text, 'a', 1000000);
	text[1000000] = '\0';
	scratch_write(t, "million", text);
	fd = openat(t->fd, "million", O_RDONLY | O_CLOEXEC);
	assert_int_equal(lseek(fd, 500, SEEK_SET), 500);
	assert_int_equal(digest_fd(fd, "million", out, &e), 0);
	assert_string_equal(out, SUM_A);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 500);
}

static void test_unreadable(void **state)
{
	const struct scratch *t = *state;
	char out[DIGEST_TEXT] = "as before";
	struct err e = ERR_INIT;

	assert_int_equal(digest_fd(t->fd, "folder", out, &e), -EISDIR);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_non_null(strstr(e.msg, "'folder'"));
	assert_string_equal(out, "as before");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test_setup_teardown(test_file, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_unreadable, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
