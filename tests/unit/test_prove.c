/* SPDX-License-Identifier: Apache-2.0 */
/* What of the proof of a file needs no guest; tests/image/run boots some. */
#include "common/num.h"
#include "controller/image/prove_file.h"
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

static void test_current(void **state)
{
	static const struct {
		const char *image; /* name= of the project; NULL: it is not known */
		const char *file, *want;
	} row[] = {
		{"thing", "thing-2026-11-26.raw", "thing"},
		{"thing", "thing-2026-11-26-2.qcow2", "thing"},
		{"thing", "thing-x86_64-2026-11-26.raw", "thing-x86_64"},
		{"thing", "thing-aarch64-2026-11-26-12.raw", "thing-aarch64"},
		{"a.b", "a.b-aarch64-2026-11-26.raw", "a.b-aarch64"},
		/* Not as bake calls it. */
		{"thing", "good-20261126.qcow2", "thing"},
		{"thing", "things-x86_64-2026-11-26.raw", "thing"},
		{"thing", "thing.raw", "thing"},
		{NULL, "good-x86_64-2026-11-26.raw", "good-x86_64"},
		{NULL, "good-20261126.img", "good"},
		{NULL, "disabled.img", "disabled"},
		{NULL, "a.b-2026-11-26-2.raw", "a.b"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		char image[16] = "";
		const struct project p = {.image.name = image};
		const char *name;
		size_t len;

		if (row[i].image)
			snprintf(image, sizeof(image), "%s", row[i].image);
		len = prove_file_current(row[i].image ? &p : NULL, row[i].file, &name);
		if (len != strlen(row[i].want) || memcmp(name, row[i].want, len) != 0)
			fail_msg("%s: %.*s", row[i].file, (int)len, name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stays, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_current),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
