/* SPDX-License-Identifier: Apache-2.0 */
/* Which image that was sent before a new one is built upon. */
#include "controller/image/ebs_upload.h"
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void write_index(const struct scratch *t, const char *name, time_t when)
{
	const struct timespec times[] = {{.tv_sec = when}, {.tv_sec = when}};
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", t->path, name);
	scratch_write(t, name, "");
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void expect(const struct scratch *t, const char *image, const char *want)
{
	char path[128], full[128], former[PATH_MAX];
	struct err e = ERR_INIT;

	snprintf(path, sizeof(path), "%s/%s", t->path, image);
	snprintf(full, sizeof(full), "%s%s%s", *want ? t->path : "", *want ? "/" : "", want);
	assert_int_equal(ebs_former(path, former, &e), 0);
	assert_string_equal(former, full);
}

static void test_former(void **state)
{
	const struct scratch *t = *state;
	char link[128];

	expect(t, "a-2026-11-26.raw", "");
	write_index(t, "a-2026-11-24.raw.ebs", 20);
	write_index(t, "a-2026-11-25.raw.ebs", 10);
	write_index(t, "a-2026-11-25.raw", 50);
	write_index(t, "a-2026-11-26.raw.ebs", 60);
	write_index(t, "a-b-2026-11-25.raw.ebs", 40);
	write_index(t, "b-2026-11-25.raw.ebs", 30);
	snprintf(link, sizeof(link), "%s/a-2026-11-23.raw.ebs", t->path);
	assert_int_equal(symlink("b-2026-11-25.raw.ebs", link), 0);
	/* The newest, of the same name, that is not its own. */
	expect(t, "a-2026-11-26.raw", "a-2026-11-24.raw");
	expect(t, "a-2026-11-26-2.raw", "a-2026-11-26.raw");
	expect(t, "a-b-2026-11-26.raw", "a-b-2026-11-25.raw");
	expect(t, "b-2026-11-25.raw", "");
}

static void test_missing(void **state)
{
	char former[PATH_MAX];
	struct err e = ERR_INIT;

	(void)state;
	assert_true(ebs_former("/nowhere/a-2026-11-26.raw", former, &e) < 0);
	assert_string_equal(former, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_former, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_missing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
