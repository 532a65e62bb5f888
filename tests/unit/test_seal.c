/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/mnt.h"
#include "agent/seal.h"
#include "common/num.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
/* cmocka wants the four above */
#include <cmocka.h>

#include "tests/unit/namespace.h"

static void path_of(const struct scratch *t, const char *name, char out[static 128])
{
	snprintf(out, 128, "%s/%s", t->path, name);
}

static unsigned flags_of(const struct scratch *t, const char *name)
{
	auto_close int fd = openat(t->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return 0;
	return flags;
}

static void set_flags(const struct scratch *t, const char *name, unsigned flags)
{
	auto_close int fd = openat(t->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
}

static bool is_there(const struct scratch *t, const char *name)
{
	return faccessat(t->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Linux before 6.6 has no flags on tmpfs, in which the tests are. */
static bool flags_are_known(const struct scratch *t)
{
	unsigned flags;

	return ioctl(t->fd, FS_IOC_GETFLAGS, &flags) == 0;
}

static void test_apply_and_remove(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char path[128];
	bool immutable = false;

	namespace_needed();
	path_of(t, "a/b/shared", path);
	for (int run = 0; run < 2; run++) {
		assert_int_equal(seal_apply(path, &immutable, &e), 0);
		assert_int_equal(scratch_mode(t, "a/b/shared") & 07777, 0);
		assert_int_equal(immutable, flags_are_known(t));
	}
	assert_int_equal(scratch_mode(t, "a/b") & 07777, 0755);
	if (immutable) {
		assert_true(mkdirat(t->fd, "a/b/shared/x", 0755) < 0 && errno == EPERM);
		assert_true(openat(t->fd, "a/b/shared/x", O_CREAT | O_WRONLY, 0644) < 0 &&
			    errno == EPERM);
		assert_true(unlinkat(t->fd, "a/b/shared", AT_REMOVEDIR) < 0 && errno == EPERM);
	}
	for (int run = 0; run < 2; run++) {
		assert_int_equal(seal_remove(path, &e), 0);
		assert_false(is_there(t, "a/b/shared"));
	}
	assert_true(is_there(t, "a/b"));
}

static void test_apply_to_what_is_there(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char path[128];
	bool immutable;

	namespace_needed();
	path_of(t, "shared", path);
	assert_int_equal(mkdirat(t->fd, "shared", 0755), 0);
	if (flags_are_known(t))
		set_flags(t, "shared", FS_IMMUTABLE_FL | FS_NODUMP_FL);
	assert_int_equal(seal_apply(path, &immutable, &e), 0);
	assert_int_equal(scratch_mode(t, "shared") & 07777, 0);
	if (flags_are_known(t)) {
		assert_true(immutable);
		assert_int_equal(flags_of(t, "shared"), FS_IMMUTABLE_FL | FS_NODUMP_FL);
	}
	assert_int_equal(seal_remove(path, &e), 0);
}

static void test_apply_refused(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char path[128];
	bool immutable;

	namespace_needed();
	scratch_write(t, "full/thing", "x");
	path_of(t, "full", path);
	assert_int_equal(seal_apply(path, &immutable, &e), -ENOTEMPTY);
	assert_non_null(strstr(e.msg, "holds 'thing'"));
	assert_int_equal(symlinkat("full", t->fd, "link"), 0);
	path_of(t, "link", path);
	assert_int_equal(seal_apply(path, &immutable, &e), -ENOTDIR);
	assert_non_null(strstr(e.msg, "symlink"));
	path_of(t, "full/thing", path);
	assert_int_equal(seal_apply(path, &immutable, &e), -ENOTDIR);
	path_of(t, "full/thing/beneath", path);
	assert_int_equal(seal_apply(path, &immutable, &e), -ENOTDIR);
	assert_int_equal(scratch_mode(t, "full") & 07777, 0755);
}

static void test_remove_leaves_what_is_not_ours(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char path[128];

	namespace_needed();
	path_of(t, "shared", path);
	assert_int_equal(mkdirat(t->fd, "shared", 0700), 0);
	assert_int_equal(seal_remove(path, &e), 0);
	assert_true(is_there(t, "shared"));
	scratch_write(t, "shared/x", "");
	assert_int_equal(fchmodat(t->fd, "shared", 0, 0), 0);
	assert_int_equal(seal_remove(path, &e), 0);
	assert_true(is_there(t, "shared/x"));
	if (flags_are_known(t)) {
		set_flags(t, "shared", FS_IMMUTABLE_FL);
		assert_int_equal(seal_remove(path, &e), 0);
		assert_int_equal(flags_of(t, "shared"), FS_IMMUTABLE_FL);
		set_flags(t, "shared", 0);
	}
	assert_int_equal(symlinkat("shared", t->fd, "link"), 0);
	path_of(t, "link", path);
	assert_int_equal(seal_remove(path, &e), 0);
	assert_true(is_there(t, "link"));
	path_of(t, "no/such/thing", path);
	assert_int_equal(seal_remove(path, &e), 0);
}

static void test_beneath_a_mount(void **state)
{
	static const struct tmpfs_plan plan = {.size = MIB, .nr_inodes = 16, .huge = HUGE_NEVER};
	const struct scratch *t = *state;
	struct mnt_options o;
	struct err e = ERR_INIT;
	char path[128];
	bool immutable;

	namespace_needed();
	path_of(t, "shared", path);
	assert_int_equal(mkdirat(t->fd, "shared", 0755), 0);
	assert_int_equal(mnt_probe(&plan, NULL, &o, &e), 0);
	assert_int_equal(mnt_mount(path, &o, &e), 0);
	scratch_write(t, "shared/live", "of the mount");
	if (seal_apply(path, &immutable, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(immutable, flags_are_known(t));
	/* the mount is untouched */
	assert_int_equal(scratch_mode(t, "shared") & 07777, 0755);
	assert_int_equal(flags_of(t, "shared") & FS_IMMUTABLE_FL, 0);
	scratch_write(t, "shared/more", "goes on");
	assert_int_equal(seal_remove(path, &e), -EBUSY);
	assert_non_null(strstr(e.msg, "mounted upon"));
	assert_int_equal(mnt_unmount(path, false, &e), 0);
	assert_int_equal(scratch_mode(t, "shared") & 07777, 0);
	/* mounting over the sealed directory works */
	assert_int_equal(mnt_mount(path, &o, &e), 0);
	assert_int_equal(mnt_unmount(path, false, &e), 0);
	assert_int_equal(seal_remove(path, &e), 0);
	assert_false(is_there(t, "shared"));
}

/* ramfs knows no flags: the mode alone stays. */
static void test_without_flags(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char path[128];
	bool immutable = true;

	namespace_needed();
	assert_int_equal(mkdirat(t->fd, "ramfs", 0755), 0);
	path_of(t, "ramfs", path);
	assert_int_equal(mount("ramfs", path, "ramfs", 0, NULL), 0);
	path_of(t, "ramfs/shared", path);
	assert_int_equal(seal_apply(path, &immutable, &e), 0);
	assert_false(immutable);
	assert_int_equal(scratch_mode(t, "ramfs/shared") & 07777, 0);
	assert_int_equal(seal_remove(path, &e), 0);
	assert_false(is_there(t, "ramfs/shared"));
	path_of(t, "ramfs", path);
	assert_int_equal(umount2(path, 0), 0);
}

#define MOUNTS(f) cmocka_unit_test_setup_teardown(f, namespace_setup, namespace_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOUNTS(test_apply_and_remove),
		MOUNTS(test_apply_to_what_is_there),
		MOUNTS(test_apply_refused),
		MOUNTS(test_remove_leaves_what_is_not_ours),
		MOUNTS(test_beneath_a_mount),
		MOUNTS(test_without_flags),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, namespace_enter, NULL);
}
