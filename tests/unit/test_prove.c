/* SPDX-License-Identifier: Apache-2.0 */
/* What of the proof of a file needs no guest; tests/image/run boots some. */
#include "controller/prove_file.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_names(void **state)
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
		assert_int_equal(prove_file_name(rows[i].file), rows[i].len);
}

/* Another one under its name, and one that is written to, are not what was tested. */
static void test_stays(void **state)
{
	const struct scratch *t = *state;
	char file[96], other[96];
	struct err e = ERR_INIT;
	struct stat st;

	snprintf(file, sizeof(file), "%s/image", t->path);
	snprintf(other, sizeof(other), "%s/other", t->path);
	scratch_write(t, "image", "one");
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(prove_file_stays(file, &st, &e), 0);
	scratch_write(t, "other", "two");
	assert_int_equal(
		utimensat(AT_FDCWD, other, (struct timespec[]){st.st_mtim, st.st_mtim}, 0), 0);
	assert_int_equal(rename(other, file), 0);
	assert_int_equal(prove_file_stays(file, &st, &e), -EBUSY);
	assert_int_equal(e.kind, ERR_TRANSIENT);
	assert_int_equal(stat(file, &st), 0);
	st.st_mtim.tv_nsec ^= 1;
	assert_int_equal(prove_file_stays(file, &st, &e), -EBUSY);
	assert_int_equal(remove(file), 0);
	assert_int_equal(prove_file_stays(file, &st, &e), -EBUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test_setup_teardown(test_stays, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
