/* SPDX-License-Identifier: Apache-2.0 */
#include "common/fs.h"

#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void assert_text(const struct scratch *t, const char *path, const char *want)
{
	char text[4096];

	scratch_read(t, path, text, sizeof(text));
	assert_string_equal(text, want);
}

static void test_root(void **state)
{
	const struct scratch *t = *state;
	auto_close int fd = -1;
	struct err e = ERR_INIT;
	char path[128];

	assert_int_equal(fs_root(t->path, &fd, &e), 0);
	scratch_write(t, "a", "text");
	assert_true(fs_exists(fd, "/a"));
	assert_true(fs_exists(fd, "a"));
	assert_false(fs_exists(fd, "b"));
	snprintf(path, sizeof(path), "%s/a", t->path);
	assert_true(fs_exists(AT_FDCWD, path));
	assert_int_equal(fs_root(path, &(int){-1}, &e), -ENOTDIR);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_non_null(strstr(e.msg, path));
}

/* Whatever a link says, its target is looked for beneath the root. */
static void test_links_stay_inside(void **state)
{
	static const struct {
		const char *link, *target;
		bool found;
	} cases[] = {
		{"good", "etc/file", true},
		{"absolute", "/etc/file", true},
		{"upwards", "../../../../etc/file", true},
		{"outside", "/proc/version", false},
		{"upwards-outside", "../../../../proc/version", false},
		{"loop", "loop", false},
	};
	const struct scratch *t = *state;

	scratch_write(t, "etc/file", "inside");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(symlinkat(cases[i].target, t->fd, cases[i].link), 0);
		assert_int_equal(fs_exists(t->fd, cases[i].link), cases[i].found);
		if (cases[i].found)
			assert_text(t, cases[i].link, "inside");
	}
	assert_text(t, "/../../etc/file", "inside");
}

static void test_read(void **state)
{
	const struct scratch *t = *state;
	auto_buf struct buf exact = BUF_INIT(5), small = BUF_INIT(4), big = BUF_INIT(300000);
	auto_free char *long_text = malloc(200001);
	struct err e = ERR_INIT;

	scratch_write(t, "f", "12345");
	assert_int_equal(fs_read(t->fd, "f", &exact, &e), 0);
	assert_string_equal(buf_str(&exact), "12345");
	assert_int_equal(fs_read(t->fd, "f", &small, &e), -EFBIG);
	assert_int_equal(e.kind, ERR_DATA);
	assert_string_equal(e.msg, "'f' is longer than 4 bytes");
	assert_string_equal(buf_str(&small), "");
	assert_int_equal(fs_read(t->fd, "none", &small, &e), -ENOENT);
	assert_string_equal(e.msg, "cannot open 'none': No such file or directory");
	assert_int_equal(fs_read(t->fd, ".", &small, &e), -EISDIR);
	assert_int_equal(fs_read_fd(-1, "closed", &small, &e), -EBADF);
	/* a FIFO without a writer does not block */
	assert_int_equal(mkfifoat(t->fd, "fifo", 0600), 0);
	assert_int_equal(fs_read(t->fd, "fifo", &small, &e), 0);
	assert_non_null(long_text);
	memset(long_text, 'x', 200000);
	long_text[200000] = '\0';
	scratch_write(t, "long", long_text);
	assert_int_equal(buf_adds(&big, "before"), 0);
	assert_int_equal(fs_read(t->fd, "long", &big, &e), 0);
	assert_int_equal(big.len, 200006);
}

static void test_read_line(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"abc\n", "abc"},
		{"abc", "abc"},
		{"", ""},
		{"\nabc\n", ""},
		{" \t abc d \r\nnext\n", "abc d"},
		{"   \n", ""},
	};
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char line[6], text[4098];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		scratch_write(t, "f", cases[i].text);
		assert_int_equal(fs_read_line(t->fd, "f", line, sizeof(line), &e), 0);
		assert_string_equal(line, cases[i].want);
	}
	scratch_write(t, "f", "123456");
	assert_int_equal(fs_read_line(t->fd, "f", line, sizeof(line), &e), -EFBIG);
	assert_int_equal(e.kind, ERR_DATA);
	memset(text, 'x', sizeof(text));
	text[4096] = '\0';
	scratch_write(t, "f", text);
	assert_int_equal(fs_read_line(t->fd, "f", text, sizeof(text), &e), -EFBIG);
	text[4095] = '\0';
	scratch_write(t, "f", text);
	assert_int_equal(fs_read_line(t->fd, "f", text, sizeof(text), &e), 0);
	assert_int_equal(strlen(text), 4095);
	assert_int_equal(fs_read_line(t->fd, "none", line, sizeof(line), &e), -ENOENT);
	assert_int_equal(fs_read_line(t->fd, ".", line, sizeof(line), &e), -EISDIR);
}

static int count_entries(const struct scratch *t)
{
	auto_dir DIR *dir = opendir(t->path);
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	return n - 2;
}

static void test_write_atomic(void **state)
{
	const struct scratch *t = *state;
	mode_t mask = umask(077);
	struct err e = ERR_INIT;
	char name[300];

	assert_int_equal(fs_write_atomic(t->fd, "/f", 0644, "one", 3, &e), 0);
	assert_int_equal(fs_write_atomic(t->fd, "f", 0664, "two", 3, &e), 0);
	umask(mask);
	assert_text(t, "f", "two");
	assert_int_equal(scratch_mode(t, "f") & 07777, 0664);
	/* a link is replaced, not followed */
	assert_int_equal(symlinkat("f", t->fd, "link"), 0);
	assert_int_equal(fs_write_atomic(t->fd, "link", 0600, "new", 3, &e), 0);
	assert_text(t, "f", "two");
	assert_true(S_ISREG(scratch_mode(t, "link")));
	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	assert_int_equal(fs_write_atomic(t->fd, name, 0600, "", 0, &e), 0);
	assert_int_equal(count_entries(t), 3);
}

static void test_write_atomic_failures(void **state)
{
	const struct {
		const char *path;
		int rc;
	} cases[] = {
		{"", -EINVAL},
		{"/", -EINVAL},
		{".", -EINVAL},
		{"a/..", -EINVAL},
		{"none/f", -ENOENT},
		{"file/f", -ENOTDIR},
		{"folder", -EISDIR},
	};
	const struct rlimit tiny = {.rlim_cur = 10, .rlim_max = RLIM_INFINITY};
	const struct scratch *t = *state;
	struct rlimit before;
	struct err e = ERR_INIT;
	char name[300];
	int rc;

	scratch_write(t, "file", "old");
	scratch_write(t, "folder/f", "");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		rc = fs_write_atomic(t->fd, cases[i].path, 0600, "x", 1, &e);
		assert_int_equal(rc, cases[i].rc);
		assert_int_equal(e.kind, ERR_SYSTEM);
	}
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	assert_int_equal(fs_write_atomic(t->fd, name, 0600, "", 0, &e), -ENAMETOOLONG);
	/* the write fails half-way, as on a full disk */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	setrlimit(RLIMIT_FSIZE, &tiny);
	rc = fs_write_atomic(t->fd, "file", 0600, "longer than ten", 15, &e);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(rc, -EFBIG);
	assert_string_equal(e.msg, "cannot write 'file': File too large");
	assert_text(t, "file", "old");
	assert_int_equal(count_entries(t), 2);
}

static void test_mkdir_p(void **state)
{
	const struct scratch *t = *state;
	mode_t mask = umask(077);
	struct err e = ERR_INIT;
	char name[5000];

	assert_int_equal(fs_mkdir_p(t->fd, "/a//b/./c/", 01777, &e), 0);
	assert_int_equal(fs_mkdir_p(t->fd, "a/b/c", 0700, &e), 0);
	assert_int_equal(fs_mkdir_p(t->fd, "/", 0700, &e), 0);
	umask(mask);
	assert_int_equal(scratch_mode(t, "a/b/c") & 07777, 01777);
	assert_int_equal(scratch_mode(t, "a") & 07777, 01777);
	assert_int_equal(symlinkat("/a/b", t->fd, "in"), 0);
	assert_int_equal(fs_mkdir_p(t->fd, "in/d", 0755, &e), 0);
	assert_true(S_ISDIR(scratch_mode(t, "a/b/d")));
	assert_int_equal(symlinkat("nowhere", t->fd, "dangling"), 0);
	assert_int_equal(fs_mkdir_p(t->fd, "dangling/x", 0755, &e), -ENOENT);
	scratch_write(t, "file", "");
	assert_int_equal(fs_mkdir_p(t->fd, "file", 0755, &e), -ENOTDIR);
	assert_string_equal(e.msg, "cannot make the directory 'file': Not a directory");
	assert_int_equal(fs_mkdir_p(t->fd, "file/x", 0755, &e), -ENOTDIR);
	memset(name, 'x', sizeof(name));
	name[300] = '\0';
	assert_int_equal(fs_mkdir_p(t->fd, name, 0755, &e), -ENAMETOOLONG);
	name[300] = 'x';
	name[4999] = '\0';
	assert_int_equal(fs_mkdir_p(t->fd, name, 0755, &e), -ENAMETOOLONG);
}

static void assert_refused(int rc)
{
	assert_true(rc == -EPERM || rc == -EACCES);
}

static void test_remove_tree(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;

	scratch_write(t, "keep/f", "kept");
	scratch_write(t, "a/b/c/f", "");
	scratch_write(t, "a/f", "");
	assert_int_equal(symlinkat("../keep", t->fd, "a/link"), 0);
	assert_int_equal(mkfifoat(t->fd, "a/fifo", 0600), 0);
	assert_int_equal(symlinkat("keep", t->fd, "link"), 0);
	assert_int_equal(fs_remove_tree(t->fd, "/a/b/c", &e), 0);
	assert_true(fs_exists(t->fd, "a/b"));
	assert_int_equal(fs_remove_tree(t->fd, "a", &e), 0);
	assert_int_equal(fs_remove_tree(t->fd, "a", &e), 0);
	assert_int_equal(fs_remove_tree(t->fd, "none/x", &e), 0);
	assert_int_equal(fs_remove_tree(t->fd, "link", &e), 0);
	assert_text(t, "keep/f", "kept");
	assert_int_equal(count_entries(t), 1);
	assert_int_equal(fs_remove_tree(t->fd, "..", &e), -EINVAL);
	assert_int_equal(fs_remove_tree(t->fd, "keep/f/x", &e), -ENOTDIR);
	/* nothing beneath could be removed anyway */
	assert_int_equal(fs_remove_tree(AT_FDCWD, "/proc", &e), -EXDEV);
	assert_refused(fs_remove_tree(AT_FDCWD, "/proc/self/fdinfo", &e));
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_refused(fs_remove_tree(AT_FDCWD, "/proc/version", &e));
}

/* Deeper than there are descriptors, and longer than any path. */
static void test_remove_deep_tree(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	int fd = dup(t->fd);

	for (int i = 0; i < 3000; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "d", 0700), 0);
		if (i % 100 == 0)
			assert_int_equal(symlinkat("x", fd, "l"), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(fd);
		fd = next;
	}
	close(fd);
	assert_int_equal(fs_remove_tree(t->fd, "d", &e), 0);
	assert_int_equal(count_entries(t), 1);
}

/* An unpacked tree may hold read-only directories; its owner need not be root. */
static void test_remove_closed_tree(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	uid_t before = geteuid();
	int rc, refused;

	if (before == 0) {
		assert_int_equal(fchown(t->fd, 65534, 65534), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	scratch_write(t, "a/ro/f", "");
	scratch_write(t, "a/none/f", "");
	scratch_write(t, "b/f", "");
	fchmodat(t->fd, "a/ro", 0555, 0);
	fchmodat(t->fd, "a/none", 0, 0);
	rc = fs_remove_tree(t->fd, "a", &e);
	fchmodat(t->fd, ".", 0555, 0);
	refused = fs_remove_tree(t->fd, "b", &e);
	fchmodat(t->fd, ".", 0755, 0);
	assert_int_equal(seteuid(before), 0);
	assert_int_equal(rc, 0);
	assert_int_equal(refused, -EACCES);
	assert_int_equal(count_entries(t), 1);
}

/* A kernel or container without openat2(). */
static void forbid_openat2(unsigned num)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | num),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = ARRAY_LEN(filter), .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(99);
}

static int without_openat2(const struct scratch *t, unsigned num)
{
	auto_close int fd = -1;
	struct err e = ERR_INIT;
	char line[16];

	forbid_openat2(num);
	if (fs_root(t->path, &fd, &e) < 0 || fs_confines())
		return 1;
	if (fs_mkdir_p(fd, "/x/y", 0755, &e) < 0)
		return 2;
	if (fs_write_atomic(fd, "/x/y/f", 0644, "text", 4, &e) < 0)
		return 3;
	if (fs_read_line(fd, "//x/y/f", line, sizeof(line), &e) < 0 || strcmp(line, "text") != 0)
		return 4;
	if (!fs_exists(fd, "/") || fs_exists(fd, "/none"))
		return 5;
	return fs_remove_tree(fd, "/x", &e) < 0 ? 6 : 0;
}

static void test_without_openat2(void **state)
{
	static const unsigned nums[] = {ENOSYS, EPERM};
	int status = -1;

	for (size_t i = 0; i < ARRAY_LEN(nums); i++) {
		pid_t pid;

		fflush(NULL);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			exit(without_openat2(*state, nums[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

/* EPERM of the file itself is no reason to try with less care. */
static void test_permission(void **state)
{
	auto_close int rootfd = -1;
	struct err e = ERR_INIT;
	uid_t before = geteuid();
	int fd = -1, rc;

	(void)state;
	assert_int_equal(fs_root("/", &rootfd, &e), 0);
	assert_int_equal(before == 0 ? seteuid(65534) : 0, 0);
	rc = fs_open(rootfd, "etc/passwd", O_RDONLY | O_NOATIME, 0, &fd, &e);
	assert_int_equal(seteuid(before), 0);
	assert_int_equal(rc, -EPERM);
	assert_int_equal(fd, -1);
}

/* What has that name may be a device, which does something when it is opened. */
static void test_open_file(void **state)
{
	static const char *const others[] = {"fifo", "folder", "socket"};
	const struct scratch *t = *state;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	auto_close int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	auto_close int fd = -1;
	struct err e = ERR_INIT;
	int other = -1;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/socket", t->path);
	assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(mkfifoat(t->fd, "fifo", 0600), 0);
	assert_int_equal(mkdirat(t->fd, "folder", 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		e = (struct err)ERR_INIT;
		assert_int_equal(fs_open_file(t->fd, others[i], &other, &e), -EINVAL);
		assert_int_equal(e.kind, ERR_DATA);
		assert_int_equal(other, -1);
	}
	e = (struct err)ERR_INIT;
	assert_int_equal(fs_open_file(t->fd, "none", &other, &e), -ENOENT);
	scratch_write(t, "file", "text");
	assert_int_equal(symlinkat("/file", t->fd, "link"), 0);
	assert_int_equal(fs_open_file(t->fd, "/link", &fd, &e), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

static void test_write_all(void **state)
{
	auto_close int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(fs_write_all(full, "x", 1), -ENOSPC);
	assert_int_equal(fs_write_all(full, "", 0), 0);
	assert_int_equal(fs_write_all(-1, "x", 1), -EBADF);
}

#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCRATCH(test_root),
		WITH_SCRATCH(test_links_stay_inside),
		WITH_SCRATCH(test_read),
		WITH_SCRATCH(test_read_line),
		WITH_SCRATCH(test_write_atomic),
		WITH_SCRATCH(test_write_atomic_failures),
		WITH_SCRATCH(test_mkdir_p),
		WITH_SCRATCH(test_remove_tree),
		WITH_SCRATCH(test_remove_deep_tree),
		WITH_SCRATCH(test_remove_closed_tree),
		WITH_SCRATCH(test_without_openat2),
		cmocka_unit_test(test_permission),
		WITH_SCRATCH(test_open_file),
		cmocka_unit_test(test_write_all),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
