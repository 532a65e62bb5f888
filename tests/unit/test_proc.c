/* SPDX-License-Identifier: Apache-2.0 */
#include "common/proc.h"

#include "common/clock.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
/* cmocka wants the four above */
#include <cmocka.h>

/* Far beyond what any of these needs, on a loaded machine too. */
#define LONG (30 * NSEC_PER_SEC)

static int shell(const char *script, uint64_t ns, struct buf *out, int *ret, struct err *e)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	const struct proc_request r = {.argv = argv, .deadline = clock_deadline(ns)};

	return proc_run(&r, out, ret, e);
}

static void test_results(void **state)
{
	static const struct {
		const char *script, *out;
		int status;
	} cases[] = {
		{"true", "", 0},
		{"echo a; echo b", "a\nb\n", 0},
		{"printf x; exit 3", "x", 3},
		{"kill -9 $$", "", 128 + 9},
		{"kill -15 $$", "", 128 + 15},
		{"cat", "", 0},
		{"no-such-program 2>&-", "", 127},
		/* the end of the output is not the end of the program, nor the reverse */
		{"exec >&-; sleep 0.1; exit 4", "", 4},
		{"(sleep 5; echo late) & echo early", "early\n", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_buf struct buf out = BUF_INIT(100);
		uint64_t start = clock_now();
		struct err e = ERR_INIT;
		int status = -1;

		assert_int_equal(shell(cases[i].script, LONG, &out, &status, &e), 0);
		assert_string_equal(buf_str(&out), cases[i].out);
		assert_int_equal(status, cases[i].status);
		assert_true(clock_now() - start < 4 * NSEC_PER_SEC);
	}
}

static void test_much_output(void **state)
{
	auto_buf struct buf out = BUF_INIT(2000000), small = BUF_INIT(1000);
	struct err e = ERR_INIT;
	int status = -1;

	(void)state;
	assert_int_equal(
		shell("head -c 2000000 /dev/zero | tr '\\0' x", LONG, &out, &status, &e), 0);
	assert_int_equal(out.len, 2000000);
	assert_int_equal(buf_adds(&small, "before"), 0);
	status = -1;
	assert_int_equal(shell("yes", LONG, &small, &status, &e), -EFBIG);
	assert_int_equal(e.kind, ERR_DATA);
	assert_string_equal(e.msg, "'sh' prints more than 1000 bytes");
	assert_string_equal(buf_str(&small), "before");
	assert_int_equal(status, -1);
}

static void test_deadline(void **state)
{
	static const char *const scripts[] = {
		"exec sleep 30",
		"exec >&-; exec sleep 30",
		"trap '' TERM; echo x; exec sleep 30",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		auto_buf struct buf out = BUF_INIT(100);
		uint64_t start = clock_now();
		struct err e = ERR_INIT;
		int status = -1;

		assert_int_equal(
			shell(scripts[i], 100 * NSEC_PER_MSEC, &out, &status, &e), -ETIMEDOUT);
		assert_int_equal(e.kind, ERR_TRANSIENT);
		assert_string_equal(e.msg, "'sh' did not end in time");
		assert_true(clock_now() - start >= 100 * NSEC_PER_MSEC);
		assert_true(clock_now() - start < 10 * NSEC_PER_SEC);
		assert_string_equal(buf_str(&out), "");
		/* no zombie */
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	}
}

static void test_cannot_run(void **state)
{
	static const struct {
		const char *name;
		int rc;
	} cases[] = {
		{"no-such-program-anywhere", -ENOENT},
		{"/", -EACCES},
		{"/dev/null", -EACCES},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *const argv[] = {cases[i].name, NULL};
		const struct proc_request r = {.argv = argv, .deadline = CLOCK_FOREVER};
		auto_buf struct buf out = BUF_INIT(100);
		struct err e = ERR_INIT;
		int status = -1;

		assert_int_equal(proc_run(&r, &out, &status, &e), cases[i].rc);
		assert_int_equal(e.kind, ERR_SYSTEM);
		assert_non_null(strstr(e.msg, cases[i].name));
		assert_int_equal(status, -1);
	}
}

static void test_no_descriptors(void **state)
{
	auto_buf struct buf out = BUF_INIT(100);
	struct rlimit before, none;
	struct err e = ERR_INIT;
	int status = -1, rc;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &before);
	none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	rc = shell("true", LONG, &out, &status, &e);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(rc, -EMFILE);
	assert_int_equal(e.kind, ERR_SYSTEM);
}

/* Neither descriptors nor the state of signals are passed on. */
static void test_clean_child(void **state)
{
	/* the fourth is what ls itself has open */
	static const char *const ls[] = {"ls", "/proc/self/fd", NULL};
	/* the first 28 signals: glibc keeps two of the later ones to itself */
	static const char *const signals[] = {
		"sed", "-nE", "/^Sig(Blk|Ign)/ s/.*(.{7})$/\\1/p", "/proc/self/status", NULL};
	const struct proc_request list_fds = {.argv = ls, .deadline = CLOCK_FOREVER};
	const struct proc_request list_signals = {.argv = signals, .deadline = CLOCK_FOREVER};
	auto_buf struct buf out = BUF_INIT(4096);
	struct err e = ERR_INIT;
	sigset_t all, old;
	int status = -1, rc, rc2, fd = dup(1);

	(void)state;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	signal(SIGPIPE, SIG_IGN);
	rc = proc_run(&list_fds, &out, &status, &e);
	rc2 = proc_run(&list_signals, &out, &status, &e);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(fd);
	assert_int_equal(rc, 0);
	assert_int_equal(rc2, 0);
	assert_int_equal(status, 0);
	assert_string_equal(buf_str(&out), "0\n1\n2\n3\n0000000\n0000000\n");
}

/* A parent that has the kernel reap its children learns no status. */
static void test_no_status(void **state)
{
	auto_buf struct buf out = BUF_INIT(100);
	struct err e = ERR_INIT;
	int status = -1, rc;

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	rc = shell("true", LONG, &out, &status, &e);
	signal(SIGCHLD, SIG_DFL);
	assert_int_equal(rc, -ECHILD);
	assert_string_equal(e.msg, "cannot wait for 'sh': No child processes");
	assert_int_equal(status, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_much_output),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_cannot_run),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_clean_child),
		cmocka_unit_test(test_no_status),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	/* A directory of PATH that we may not search would change what a missing program gives. */
	setenv("PATH", "/usr/bin:/bin", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
