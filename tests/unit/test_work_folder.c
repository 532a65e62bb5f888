/* SPDX-License-Identifier: Apache-2.0 */
#include "common/auto.h"
#include "controller/disk/work_folder.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

static const char *path_of(const struct scratch *t, char out[static 96])
{
	snprintf(out, 96, "%s/w", t->path);
	return out;
}

static void test_one(void **state)
{
	const struct scratch *t = *state;
	auto_close int fd = -1;
	int other = -1;
	struct err e = ERR_INIT;
	char path[96];

	assert_int_equal(work_folder_take(path_of(t, path), &fd, &e), 0);
	assert_int_equal(scratch_mode(t, "w"), S_IFDIR | 0700);
	assert_int_equal(work_folder_take(path, &other, &e), -EBUSY);
	assert_int_equal(e.kind, ERR_TRANSIENT);
	assert_int_equal(other, -1);
}

/* Whatever a program has left there that was killed. */
static void test_left(void **state)
{
	const struct scratch *t = *state;
	auto_close int fd = -1;
	struct err e = ERR_INIT;
	char path[96];

	scratch_write(t, "w/mmdebstrap.x/usr/bin/a", "a");
	scratch_write(t, "w/.hidden", "a");
	assert_int_equal(chmod(path_of(t, path), 0777), 0);
	scratch_write(t, "victim", "mine");
	assert_int_equal(work_folder_take(path, &fd, &e), 0);
	/* Who could write there can no more. */
	assert_int_equal(scratch_mode(t, "w"), S_IFDIR | 0700);
	assert_int_equal(symlinkat("../victim", fd, "link"), 0);
	assert_int_equal(work_folder_clear(fd, &e), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(scratch_mode(t, "victim") & S_IRUSR, S_IRUSR);
}

/* Who made it could replace what is put there by a link. */
static void test_another(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char path[96];
	int fd = -1;

	if (geteuid() != 0) {
		assert_null(getenv("CI"));
		skip();
	}
	assert_int_equal(mkdir(path_of(t, path), 0700), 0);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(work_folder_take(path, &fd, &e), -EPERM);
	assert_non_null(strstr(e.msg, "belongs to another user"));
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink(".", path), 0);
	assert_int_equal(work_folder_take(path, &fd, &e), -ENOTDIR);
	assert_int_equal(fd, -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_one), TEST(test_left), TEST(test_another)};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
