/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/slot.h"
#include "common/fs.h"
#include "tests/unit/scratch.h"

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

static struct slot slot_of(const char *name, const char *app, const char *stamp)
{
	struct slot s = {{0}, {0}, {0}};

	snprintf(s.name, sizeof(s.name), "%s", name);
	snprintf(s.app, sizeof(s.app), "%s", app);
	snprintf(s.stamp, sizeof(s.stamp), "%s", stamp);
	return s;
}

/* A tree with one file, by way of its partial name. */
static void fill(const struct scratch *t, const struct slot *s, const char *text)
{
	struct err e = ERR_INIT;
	char partial[SLOT_PATH], path[SLOT_PATH + sizeof("/file")];

	assert_int_equal(slot_begin(t->fd, s, &e), 0);
	assert_false(slot_is_filled(t->fd, s));
	slot_partial(s, partial);
	snprintf(path, sizeof(path), "%s/file", partial);
	scratch_write(t, path, text);
	assert_int_equal(slot_commit(t->fd, s, &e), 0);
	assert_int_equal(slot_link(t->fd, s, &e), 0);
	assert_true(slot_is_filled(t->fd, s));
}

static void assert_file(const struct scratch *t, const char *path, const char *want)
{
	char text[64];

	scratch_read(t, path, text, sizeof(text));
	assert_string_equal(text, want);
}

static int setup(void **state)
{
	struct err e = ERR_INIT;

	if (scratch_setup(state) < 0)
		return -1;
	return slot_setup(((const struct scratch *)*state)->fd, &e);
}

static void test_fill_and_replace(void **state)
{
	const struct scratch *t = *state;
	struct slot s = slot_of("octave_c5", "octave", "digest 1");

	fill(t, &s, "one");
	assert_file(t, "octave/file", "one");
	assert_int_equal(scratch_mode(t, "octave_c5"), S_IFDIR | 0755);
	assert_int_equal(scratch_mode(t, ".shared-prep") & 07777, 0755);
	s = slot_of("octave_c5", "octave", "digest 2");
	assert_false(slot_is_filled(t->fd, &s));
	fill(t, &s, "two");
	assert_file(t, "octave/file", "two");
	assert_false(fs_exists(t->fd, ".shared-prep/partial/octave_c5" SLOT_PARTIAL));
}

static void test_a_tree_without_its_stamp_is_not_filled(void **state)
{
	const struct scratch *t = *state;
	struct slot s = slot_of("octave_c5", "octave", "digest 1");
	struct err e = ERR_INIT;

	fill(t, &s, "one");
	assert_int_equal(slot_begin(t->fd, &s, &e), 0);
	assert_file(t, "octave/file", "one");
	assert_false(slot_is_filled(t->fd, &s));
	scratch_write(t, ".shared-prep/slots/octave_c5", "no newline");
	assert_false(slot_is_filled(t->fd, &s));
	scratch_write(t, ".shared-prep/slots/octave_c5", "digest 1\noctave\n");
	assert_true(slot_is_filled(t->fd, &s));
	assert_int_equal(fs_remove_tree(t->fd, "octave_c5", &e), 0);
	assert_false(slot_is_filled(t->fd, &s));
}

/* From octave_c5 behind a link to a tree that is named octave itself, and back. */
static void test_link_and_tree_change_places(void **state)
{
	const struct scratch *t = *state;
	struct slot with_key = slot_of("octave_c5", "octave", "digest 1");
	struct slot without = slot_of("octave", "octave", "digest 2");
	struct err e = ERR_INIT;

	fill(t, &with_key, "c5");
	fill(t, &without, "plain");
	assert_file(t, "octave/file", "plain");
	assert_int_equal(slot_sweep(t->fd, &without, 1, &e), 0);
	assert_false(fs_exists(t->fd, "octave_c5"));
	assert_file(t, "octave/file", "plain");
	fill(t, &with_key, "c5 again");
	assert_int_equal(slot_sweep(t->fd, &with_key, 1, &e), 0);
	assert_file(t, "octave/file", "c5 again");
	assert_int_equal(scratch_mode(t, "octave") & S_IFMT, S_IFLNK);
}

static void test_sweep_leaves_what_is_not_ours(void **state)
{
	const struct scratch *t = *state;
	struct slot kept = slot_of("a_c5", "a", "digest 1");
	struct slot stale = slot_of("b_c5", "b", "digest 1");
	struct err e = ERR_INIT;

	fill(t, &kept, "a");
	fill(t, &stale, "b");
	assert_int_equal(slot_begin(t->fd, &stale, &e), 0);
	scratch_write(t, ".shared-prep/partial/b_c5" SLOT_PARTIAL "/half", "b");
	scratch_write(t, "results/x", "of a job");
	scratch_write(t, "other" SLOT_PARTIAL "/x", "of a job");
	assert_int_equal(slot_sweep(t->fd, &kept, 1, &e), 0);
	assert_file(t, "a/file", "a");
	assert_file(t, "results/x", "of a job");
	assert_file(t, "other" SLOT_PARTIAL "/x", "of a job");
	assert_false(fs_exists(t->fd, "b_c5"));
	assert_false(fs_exists(t->fd, ".shared-prep/partial/b_c5" SLOT_PARTIAL));
	assert_int_equal(faccessat(t->fd, "b", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_false(fs_exists(t->fd, ".shared-prep/slots/b_c5"));
}

static void test_stamp_of_a_file(void **state)
{
	const struct scratch *t = *state;
	char with[SLOT_STAMP], first[SLOT_STAMP], second[SLOT_STAMP];
	struct err e = ERR_INIT;
	int fd;

	scratch_write(t, "archive", "one");
	fd = openat(t->fd, "archive", O_RDWR);
	assert_int_equal(slot_stamp_file(fd, "abc", with, &e), 0);
	assert_string_equal(with, "digest abc");
	assert_int_equal(slot_stamp_file(fd, "", first, &e), 0);
	assert_int_equal(write(fd, "longer", 6), 6);
	assert_int_equal(slot_stamp_file(fd, "", second, &e), 0);
	assert_string_not_equal(first, second);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fill_and_replace, setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_tree_without_its_stamp_is_not_filled, setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_link_and_tree_change_places, setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_sweep_leaves_what_is_not_ours, setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_stamp_of_a_file, setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
