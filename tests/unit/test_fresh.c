/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/fresh.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_known(void **state)
{
	const struct scratch *t = *state;
	const mode_t before = umask(027);
	struct fresh f;

	assert_int_equal(fchmod(t->fd, 0700), 0);
	fresh_read(t->fd, &f);
	assert_true(f.known);
	assert_int_equal(f.mask, 027);
	umask(before);
	assert_int_equal(fchmod(t->fd, 0755), 0);
	fresh_read(t->fd, &f);
	assert_false(f.known);
	assert_int_equal(fchmod(t->fd, 02700), 0);
	fresh_read(t->fd, &f);
	assert_false(f.known);
	assert_int_equal(fchmod(t->fd, 0700), 0);
}

static void test_what_it_has(void **state)
{
	const struct fresh f = {.known = true, .uid = 5, .gid = 6, .mask = 022};
	const struct fresh unknown = {.uid = 5, .gid = 6};
	static const struct {
		mode_t mode;
		uint64_t uid, gid;
		unsigned n_xattrs;
		mode_t made_with;
		bool owner, has_mode;
	} row[] = {
		{0644, 5, 6, 0, 0644, true, true},
		{0755, 5, 7, 0, 0755, false, true},
		{0444, 4, 6, 0, 0444, false, true},
		{0664, 5, 6, 0, 0664, true, false},
		{04755, 5, 6, 0, 0755, true, false},
		{01644, 5, 6, 0, 0644, true, false},
		{0444, 5, 6, 1, 0600, true, false},
	};
	struct entry *n = test_calloc(1, sizeof(*n));

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		n->mode = row[i].mode;
		n->uid = row[i].uid;
		n->gid = row[i].gid;
		n->n_xattrs = row[i].n_xattrs;
		assert_int_equal(fresh_mode(&f, n), row[i].made_with);
		assert_int_equal(fresh_has_owner(&f, n), row[i].owner);
		assert_int_equal(fresh_has_mode(&f, n), row[i].has_mode);
		assert_int_equal(fresh_mode(&unknown, n), 0600);
		assert_false(fresh_has_owner(&unknown, n));
		assert_false(fresh_has_mode(&unknown, n));
	}
	test_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_known, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_what_it_has),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
