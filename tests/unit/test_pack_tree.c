/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack.h"
#include "agent/pack_node.h"
#include "agent/unpack/acl.h"
#include "agent/unpack/unpack.h"
#include "common/fs.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

struct job {
	struct pack_request request;
	char dir[128], output[128];
	struct manifest manifest;
	unsigned polls, cancel_at;
};

static bool cancelled(void *ctx)
{
	struct job *j = ctx;

	return ++j->polls == j->cancel_at;
}

static int pack(const struct scratch *t, struct job *j, unsigned threads, struct err *e)
{
	snprintf(j->dir, sizeof(j->dir), "%s/tree", t->path);
	snprintf(j->output, sizeof(j->output), "%s/app_c5.tar.zst", t->path);
	j->request = (struct pack_request){
		.dir = j->dir,
		.output = j->output,
		.level = 1,
		.frame_size = PACK_FRAME_MIN,
		.threads = threads,
		.memory = UINT64_MAX,
		.manifest = {.app = "app", .key = "c5"},
		.cancelled = cancelled,
		.ctx = j,
	};
	return pack_tree(&j->request, &j->manifest, e);
}

static int unpack(const struct scratch *t, bool verify, struct err *e)
{
	auto_close int fd = openat(t->fd, "app_c5.tar.zst", O_RDONLY | O_CLOEXEC);
	const struct unpack_request r = {
		.archive = fd,
		.name = "app_c5.tar.zst",
		.parent = t->fd,
		.tree = "out",
		.strip = "app_c5",
		.verify = verify,
		.space = UINT64_MAX,
		.inodes = UINT64_MAX,
		.threads = 2,
		.limits = unpack_default_limits,
	};
	struct unpack_result result;

	return unpack_archive(&r, &result, e);
}

static void make_file(const struct scratch *t, const char *path, size_t len, unsigned seed)
{
	auto_free char *text = malloc(len + 1);
	uint32_t x = seed;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		text[i] = (char)('a' + (x >> 28));
	}
	text[len] = '\0';
	scratch_write(t, path, text);
}

static void make_tree(const struct scratch *t)
{
	char path[64];

	for (unsigned i = 0; i < 60; i++) {
		snprintf(path, sizeof(path), "tree/d%u/f%u", i % 7, i);
		make_file(t, path, i * 997, i);
	}
	make_file(t, "tree/big", 1000000, 1);
	assert_int_equal(linkat(t->fd, "tree/big", t->fd, "tree/d3/same", 0), 0);
	assert_int_equal(linkat(t->fd, "tree/d0/f7", t->fd, "tree/zz", 0), 0);
}

static void test_same_bytes(void **state)
{
	const struct scratch *t = *state;
	auto_buf struct buf first = BUF_INIT(64 * MIB);
	struct job j = {0};
	struct err e = ERR_INIT;
	struct stat a, b;

	make_tree(t);
	for (unsigned threads = 1; threads < 6; threads++) {
		auto_buf struct buf again = BUF_INIT(64 * MIB);

		assert_int_equal(pack(t, &j, threads, &e), 0);
		assert_int_equal(fs_read(t->fd, "app_c5.tar.zst", &again, &e), 0);
		if (threads == 1) {
			first = again;
			again = (struct buf){0};
			continue;
		}
		assert_int_equal(first.len, again.len);
		assert_memory_equal(first.data, again.data, again.len);
	}
	assert_int_equal(unpack(t, false, &e), 0);
	assert_int_equal(fstatat(t->fd, "out/big", &a, 0), 0);
	assert_int_equal(fstatat(t->fd, "out/d3/same", &b, 0), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(a.st_nlink, 2);
}

/* The same content with and without holes of the file system. */
static void test_holes(void **state)
{
	const struct scratch *t = *state;
	auto_free char *zeros = calloc(1, MIB);
	auto_buf struct buf first = BUF_INIT(64 * MIB);
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct job j = {0};
	struct err e = ERR_INIT;
	struct stat st;

	assert_int_equal(mkdirat(t->fd, "tree", 0755), 0);
	for (unsigned i = 0; i < 2; i++) {
		auto_close int fd = openat(t->fd, "tree/f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		auto_buf struct buf again = BUF_INIT(64 * MIB);

		assert_int_equal(ftruncate(fd, MIB), 0);
		if (i == 1)
			assert_int_equal(pwrite(fd, zeros, MIB, 0), MIB);
		assert_int_equal(pwrite(fd, "x", 1, 500000), 1);
		assert_int_equal(futimens(fd, times), 0);
		assert_int_equal(utimensat(t->fd, "tree", times, 0), 0);
		assert_int_equal(pack(t, &j, 1, &e), 0);
		assert_int_equal(j.manifest.bytes, MIB);
		assert_int_equal(fs_read(t->fd, "app_c5.tar.zst", i ? &again : &first, &e), 0);
		if (i == 0)
			continue;
		assert_int_equal(first.len, again.len);
		assert_memory_equal(first.data, again.data, again.len);
	}
	assert_int_equal(unpack(t, false, &e), 0);
	assert_int_equal(fstatat(t->fd, "out/f", &st, 0), 0);
	assert_int_equal(st.st_size, MIB);
	assert_true(st.st_blocks <= 256);
}

/* A directory in a directory …, as deep as those names may make a path; then a file of which the
 * path is as long as it may be, or longer. */
static void make_deep(const struct scratch *t, size_t top, size_t file_len)
{
	static const char dir[] = "ddddd";
	char file[32] = {0};
	size_t len = top;
	int fd = openat(t->fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (; len + 2 * sizeof(dir) < PACK_PATH; len += sizeof(dir)) {
		int next;

		if (mkdirat(fd, dir, 0755) < 0)
			assert_int_equal(errno, EEXIST);
		next = openat(fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	memset(file, 'f', file_len - len - 1);
	close(openat(fd, file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	close(fd);
}

static void test_deep(void **state)
{
	const struct scratch *t = *state;
	const size_t top = strlen("app_c5");
	struct job j = {0};
	struct err e = ERR_INIT;

	scratch_write(t, "tree/ddddd/a", "before");
	scratch_write(t, "tree/ddddd/z", "after");
	make_deep(t, top, PACK_PATH - 1);
	assert_int_equal(pack(t, &j, 1, &e), 0);
	assert_in_range(j.manifest.entries, 600, 700);
	assert_int_equal(unpack(t, true, &e), 0);
	make_deep(t, top, PACK_PATH);
	assert_int_equal(pack(t, &j, 1, &e), -ENAMETOOLONG);
	assert_int_equal(e.kind, ERR_DATA);
}

static void test_xattrs(void **state)
{
	const struct scratch *t = *state;
	struct job j = {0};
	struct err e = ERR_INIT;
	char path[128], name[32], value[8];

	scratch_write(t, "tree/f", "x");
	snprintf(path, sizeof(path), "%s/tree/f", t->path);
	if (setxattr(path, "user.a", "1", 1, 0) < 0 && errno == EOPNOTSUPP)
		skip();
	assert_int_equal(pack(t, &j, 1, &e), 0);
	assert_int_equal(unpack(t, false, &e), 0);
	snprintf(path, sizeof(path), "%s/out/f", t->path);
	assert_int_equal(getxattr(path, "user.a", value, sizeof(value)), 1);
	/* As many as unpacking takes, and one more. */
	snprintf(path, sizeof(path), "%s/tree/f", t->path);
	for (unsigned i = 1; i < 64; i++) {
		snprintf(name, sizeof(name), "user.%u", i);
		assert_int_equal(setxattr(path, name, "", 0, 0), 0);
	}
	assert_int_equal(pack(t, &j, 1, &e), 0);
	assert_int_equal(setxattr(path, "user.more", "", 0, 0), 0);
	assert_int_equal(pack(t, &j, 1, &e), -E2BIG);
	assert_non_null(strstr(e.msg, "'app_c5/f'"));
}

static void test_acls(void **state)
{
	static const char acl[] = "\2\0\0\0\1\0\7\0\377\377\377\377\2\0\4\0\350\3\0\0"
				  "\4\0\0\0\377\377\377\377\20\0\4\0\377\377\377\377"
				  "\40\0\0\0\377\377\377\377";
	static const struct {
		const char *path, *name;
	} where[] = {{"f", ACL_ACCESS}, {"d", ACL_ACCESS}, {"d", ACL_DEFAULT}};
	const struct scratch *t = *state;
	struct job j = {0};
	struct err e = ERR_INIT;
	char path[128], found[64];

	scratch_write(t, "tree/f", "x");
	scratch_write(t, "tree/d/f", "x");
	for (size_t i = 0; i < ARRAY_LEN(where); i++) {
		snprintf(path, sizeof(path), "%s/tree/%s", t->path, where[i].path);
		if (setxattr(path, where[i].name, acl, sizeof(acl) - 1, 0) < 0 &&
			errno == EOPNOTSUPP)
			skip();
	}
	assert_int_equal(pack(t, &j, 1, &e), 0);
	assert_int_equal(unpack(t, false, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(where); i++) {
		snprintf(path, sizeof(path), "%s/out/%s", t->path, where[i].path);
		assert_int_equal(
			getxattr(path, where[i].name, found, sizeof(found)), sizeof(acl) - 1);
		assert_memory_equal(found, acl, sizeof(acl) - 1);
	}
	assert_int_equal(scratch_mode(t, "out/f"), S_IFREG | 0740);
	snprintf(path, sizeof(path), "%s/out/d/f", t->path);
	assert_true(getxattr(path, ACL_ACCESS, found, sizeof(found)) < 0);
}

/* Wherever it is interrupted, nothing is left. */
static void test_cancel(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	unsigned last = 1;

	make_tree(t);
	for (unsigned at = 1; at <= last; at += at / 8 + 1) {
		struct job whole = {0}, j = {.cancel_at = at};

		if (at == 1) {
			assert_int_equal(pack(t, &whole, 2, &e), 0);
			assert_int_equal(unlinkat(t->fd, "app_c5.tar.zst", 0), 0);
			last = whole.polls / 2; /* how often it waits varies */
			assert_true(last > 60);
		}
		assert_int_equal(pack(t, &j, 2, &e), -ECANCELED);
		assert_false(fs_exists(t->fd, "app_c5.tar.zst"));
		assert_false(fs_exists(t->fd, ".app_c5.tar.zst.new"));
	}
}

/* The disk is full: a limit on the size of files stands for that. */
static void test_full(void **state)
{
	const struct scratch *t = *state;
	struct rlimit old, small;
	struct job j = {0};
	struct err e = ERR_INIT;
	int rc;

	make_tree(t);
	scratch_write(t, "app_c5.tar.zst", "old");
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){.rlim_cur = 100000, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rc = pack(t, &j, 2, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rc, -EFBIG);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_false(fs_exists(t->fd, ".app_c5.tar.zst.new"));
	assert_int_equal(scratch_mode(t, "app_c5.tar.zst"), S_IFREG | 0644);
}

static void test_measure(void **state)
{
	const struct scratch *t = *state;
	struct job j = {0};
	struct err e = ERR_INIT;
	uint64_t bytes;

	make_tree(t);
	scratch_write(t, "tree/hole", "x");
	snprintf(j.dir, sizeof(j.dir), "%s/tree/hole", t->path);
	assert_int_equal(truncate(j.dir, (off_t)GIB), 0);
	assert_int_equal(pack(t, &j, 1, &e), 0);
	assert_int_equal(pack_measure(&j.request, &bytes, &e), 0);
	assert_in_range(bytes, j.manifest.bytes - GIB, 2 * (j.manifest.bytes - GIB));
	j.request.dir = "/nonexistent";
	assert_int_equal(pack_measure(&j.request, &bytes, &e), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_same_bytes, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_holes, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_deep, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_xattrs, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_acls, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_cancel, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_full, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_measure, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
