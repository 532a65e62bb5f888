/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/copy.h"
#include "common/buf.h"
#include "common/fs.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_tree(void **state)
{
	const struct scratch *t = *state;
	const struct timespec times[2] = {
		{.tv_sec = 1000, .tv_nsec = 5}, {.tv_sec = 2000, .tv_nsec = 7}};
	struct err e = ERR_INIT;
	char text[64];
	struct stat st;

	scratch_write(t, "src/start.sh", "#!/bin/sh\n");
	scratch_write(t, "src/lib/deep", "x");
	assert_int_equal(fchmodat(t->fd, "src/start.sh", 06755, 0), 0);
	assert_int_equal(fchmodat(t->fd, "src/lib", 0500, 0), 0);
	assert_int_equal(utimensat(t->fd, "src/start.sh", times, 0), 0);
	assert_int_equal(symlinkat("../nowhere", t->fd, "src/link"), 0);
	assert_int_equal(copy_entry(t->fd, "src", t->fd, "dst", &e), 0);
	scratch_read(t, "dst/lib/deep", text, sizeof(text));
	assert_string_equal(text, "x");
	assert_int_equal(scratch_mode(t, "dst/start.sh") & 07777, 0755);
	assert_int_equal(scratch_mode(t, "dst/lib") & 07777, 0500);
	assert_int_equal(fstatat(t->fd, "dst/start.sh", &st, 0), 0);
	assert_int_equal(st.st_mtim.tv_sec, 2000);
	assert_int_equal(st.st_mtim.tv_nsec, 7);
	text[readlinkat(t->fd, "dst/link", text, sizeof(text) - 1)] = '\0';
	assert_string_equal(text, "../nowhere");
}

static void test_refusals(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;

	assert_int_equal(copy_entry(t->fd, "absent", t->fd, "dst", &e), -ENOENT);
	scratch_write(t, "src/file", "x");
	assert_int_equal(mkfifoat(t->fd, "src/fifo", 0600), 0);
	assert_int_equal(copy_entry(t->fd, "src", t->fd, "dst", &e), -EINVAL);
	assert_int_equal(e.kind, ERR_DATA);
	assert_int_equal(copy_entry(t->fd, "src/file", t->fd, "src/file", &e), -EEXIST);
}

static void test_refuses_a_bottomless_tree(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	auto_buf struct buf path = BUF_INIT(512);

	assert_int_equal(buf_adds(&path, "src"), 0);
	for (int i = 0; i < 70; i++)
		assert_int_equal(buf_adds(&path, "/d"), 0);
	assert_int_equal(fs_mkdir_p(t->fd, buf_str(&path), 0755, &e), 0);
	assert_int_equal(copy_entry(t->fd, "src", t->fd, "dst", &e), -ELOOP);
}

static void test_stamp(void **state)
{
	const struct scratch *t = *state;
	char first[SLOT_STAMP], again[SLOT_STAMP], changed[SLOT_STAMP];
	struct err e = ERR_INIT;

	scratch_write(t, "src/a", "x");
	scratch_write(t, "src/b", "y");
	assert_int_equal(copy_stamp(t->fd, "src", first, &e), 0);
	assert_int_equal(copy_stamp(t->fd, "src", again, &e), 0);
	assert_string_equal(first, again);
	scratch_write(t, "src/b", "z");
	assert_int_equal(copy_stamp(t->fd, "src", changed, &e), 0);
	assert_string_not_equal(first, changed);
	assert_int_equal(copy_stamp(t->fd, "absent", changed, &e), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tree, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_refusals, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_refuses_a_bottomless_tree, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_stamp, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
