/* SPDX-License-Identifier: Apache-2.0 */
/* Which hooks run, in which order, what they get, and that none outlives the deadline. */
#include "agent/hooks.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/num.h"
#include "tests/unit/capture.h"
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define SHIPPED "usr/lib/shared-prep/interrupt.d/"
#define LOCAL   "etc/shared-prep/interrupt.d/"
#define LONG    (60 * NSEC_PER_SEC)

static void hook(const struct scratch *t, const char *path, const char *script, mode_t mode)
{
	char text[1024];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	scratch_write(t, path, text);
	assert_int_equal(fchmodat(t->fd, path, mode, 0), 0);
}

static struct hooks *start(const struct scratch *t, const char *const *env, uint64_t ns)
{
	static const char *const none[] = {NULL};
	const struct hooks_request r = {
		.rootfd = t->fd, .env = env ? env : none, .deadline = clock_deadline(ns)};
	struct hooks *h = NULL;
	struct err e = ERR_INIT;

	if (hooks_start(&r, &h, &e) < 0)
		fail_msg("%s", e.msg);
	return h;
}

/* "name:what:why …" of all events, to the end. */
static void run_to_end(struct hooks *h, char *out, size_t size)
{
	static const char *const what[] = {
		[HOOKS_SKIPPED] = "skipped",
		[HOOKS_BEGUN] = "begun",
		[HOOKS_DONE] = "done",
		[HOOKS_FAILED] = "failed",
		[HOOKS_KILLED] = "killed",
		[HOOKS_NOT_STARTED] = "late",
	};
	struct hooks_event ev;
	size_t len = 0;

	out[0] = '\0';
	for (;;) {
		struct pollfd p = {.fd = hooks_fd(h), .events = POLLIN};

		while (hooks_next(h, &ev))
			len += (size_t)snprintf(out + len, size - len, "%s%s:%s%s%s",
				len ? " " : "", ev.name, what[ev.what], *ev.why ? ":" : "", ev.why);
		if (hooks_are_over(h))
			return;
		assert_int_equal(poll(&p, 1, 60000), 1);
	}
}

static void expect_run(
	const struct scratch *t, const char *const *env, uint64_t ns, const char *want)
{
	struct hooks *h = start(t, env, ns);
	char got[2048];

	run_to_end(h, got, sizeof(got));
	hooks_free(h);
	assert_string_equal(got, want);
}

static void test_none(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;

	expect_run(t, NULL, LONG, "");
	assert_int_equal(fs_mkdir_p(t->fd, LOCAL, 0755, &e), 0);
	expect_run(t, NULL, LONG, "");
}

/* One after another by name over both folders; /etc wins, /dev/null masks, leftovers are nothing.
 */
static void test_order(void **state)
{
	const struct scratch *t = *state;
	const char *env[] = {NULL, NULL};
	char out[256], text[128];

	snprintf(text, sizeof(text), "OUT=%s/out", t->path);
	env[0] = text;
	hook(t, SHIPPED "50-b", "echo shipped 50 >>$OUT", 0755);
	hook(t, SHIPPED "20-over", "echo shipped 20 >>$OUT", 0755);
	hook(t, SHIPPED "30-masked", "echo masked >>$OUT", 0755);
	hook(t, LOCAL "20-over", "echo local 20 >>$OUT", 0700);
	hook(t, LOCAL "9-last", "echo nine >>$OUT", 0755);
	hook(t, LOCAL "10-first", "cat >>$OUT; echo ten >>$OUT", 0755);
	hook(t, LOCAL "10-first~", "echo no >>$OUT", 0755);
	hook(t, LOCAL "10-first.rpmsave", "echo no >>$OUT", 0755);
	hook(t, LOCAL ".hidden", "echo no >>$OUT", 0755);
	assert_int_equal(symlinkat("/dev/null", t->fd, LOCAL "30-masked"), 0);
	expect_run(t, env, LONG,
		"10-first:begun 10-first:done 20-over:begun 20-over:done 50-b:begun 50-b:done "
		"9-last:begun 9-last:done");
	scratch_read(t, "out", out, sizeof(out));
	assert_string_equal(out, "ten\nlocal 20\nshipped 50\nnine\n");
}

static void test_failures(void **state)
{
	const struct scratch *t = *state;

	hook(t, LOCAL "1", "exit 3", 0755);
	hook(t, LOCAL "2", "kill -9 $$", 0755);
	hook(t, LOCAL "4", "exit 0", 0755);
	scratch_write(t, LOCAL "3", "#!/no/such/interpreter\n");
	assert_int_equal(fchmodat(t->fd, LOCAL "3", 0755, 0), 0);
	struct hooks *h = start(t, NULL, LONG);
	char got[2048];

	run_to_end(h, got, sizeof(got));
	hooks_free(h);
	assert_non_null(strstr(got, "1:begun 1:failed:exit status 3 2:begun 2:failed:signal 9 3:"));
	assert_non_null(strstr(got, "No such file or directory 4:begun 4:done"));
}

static void test_unsafe(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;

	hook(t, SHIPPED "1-group", "exit 0", 0775);
	hook(t, SHIPPED "2-world", "exit 0", 0757);
	hook(t, SHIPPED "3-mode", "exit 0", 0644);
	hook(t, SHIPPED "4-sticky", "exit 0", 01755);
	assert_int_equal(fs_mkdir_p(t->fd, SHIPPED "5-folder", 0755, &e), 0);
	assert_int_equal(symlinkat("nowhere", t->fd, SHIPPED "6-dangling"), 0);
	assert_int_equal(symlinkat("/good", t->fd, SHIPPED "7-link"), 0);
	assert_int_equal(symlinkat("/bad", t->fd, SHIPPED "8-link"), 0);
	hook(t, "good", "exit 0", 0755);
	hook(t, "bad", "exit 0", 0777);
	expect_run(t, NULL, LONG,
		"1-group:skipped:others may write to it 2-world:skipped:others may write to it "
		"3-mode:skipped:not executable 4-sticky:begun 4-sticky:done "
		"5-folder:skipped:not a file 6-dangling:skipped:No such file or directory "
		"7-link:begun 7-link:done 8-link:skipped:others may write to it");
}

static void test_unsafe_owner(void **state)
{
	const struct scratch *t = *state;

	hook(t, LOCAL "1", "exit 0", 0755);
	if (geteuid() == 0) {
		assert_int_equal(fchownat(t->fd, LOCAL "1", 65534, 0, 0), 0);
		expect_run(t, NULL, LONG, "1:skipped:does not belong to root");
		assert_int_equal(fchownat(t->fd, LOCAL "1", 0, 65534, 0), 0);
		expect_run(t, NULL, LONG, "1:begun 1:done");
	}
	assert_int_equal(fchmodat(t->fd, LOCAL, 0775, 0), 0);
	expect_run(t, NULL, LONG, "1:skipped:others may write to its folder");
}

/* At the deadline all of the group dies, the next is not begun, and nothing is waited for. */
static void test_deadline(void **state)
{
	const struct scratch *t = *state;
	uint64_t begun = clock_now();
	const char *env[] = {NULL, NULL};
	char text[128];

	snprintf(text, sizeof(text), "FIFO=%s/fifo", t->path);
	env[0] = text;
	assert_int_equal(mkfifoat(t->fd, "fifo", 0600), 0);
	/* Both hold the FIFO open for writing: its end is theirs. */
	hook(t, LOCAL "1", "trap '' TERM; exec 9<>$FIFO; (read x <&9) & read x <&9", 0755);
	hook(t, LOCAL "2", "exit 0", 0755);
	expect_run(t, env, 200 * NSEC_PER_MSEC, "1:begun 1:killed 2:late");
	assert_in_range(clock_now() - begun, 200 * NSEC_PER_MSEC, 20 * NSEC_PER_SEC);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* An earlier deadline counts while it runs; a later one does not. */
static void test_hurry(void **state)
{
	const struct scratch *t = *state;
	struct hooks_event ev;
	struct hooks *h;
	char got[256];

	hook(t, LOCAL "1", "read x", 0755);
	hook(t, LOCAL "2", "exec tail -f /dev/null", 0755);
	h = start(t, NULL, LONG);
	assert_true(hooks_next(h, &ev));
	hooks_hurry(h, clock_deadline(2 * LONG));
	hooks_hurry(h, clock_deadline(300 * NSEC_PER_MSEC));
	run_to_end(h, got, sizeof(got));
	hooks_free(h);
	assert_string_equal(got, "1:failed:exit status 1 2:begun 2:killed");
}

/* What a hook leaves behind ends with it, and the loop's end ends a hook. */
static void test_nothing_left(void **state)
{
	const struct scratch *t = *state;
	const char *env[] = {NULL, NULL};
	struct hooks_event ev;
	struct pollfd p;
	struct hooks *h;
	char text[128], c;
	int fd;

	snprintf(text, sizeof(text), "FIFO=%s/fifo", t->path);
	env[0] = text;
	assert_int_equal(mkfifoat(t->fd, "fifo", 0600), 0);
	fd = openat(t->fd, "fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	hook(t, LOCAL "1", "exec 9>$FIFO; tail -f /dev/null & exit 0", 0755);
	expect_run(t, env, LONG, "1:begun 1:done");
	/* no writer is left: the end of the file, not EAGAIN */
	p = (struct pollfd){.fd = fd, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 60000), 1);
	assert_int_equal(read(fd, &c, 1), 0);
	hook(t, LOCAL "1", "exec 9>$FIFO; echo >&9; exec tail -f /dev/null", 0755);
	h = start(t, env, LONG);
	assert_true(hooks_next(h, &ev));
	do
		assert_int_equal(poll(&p, 1, 60000), 1);
	while (read(fd, &c, 1) != 1);
	hooks_free(h);
	assert_int_equal(poll(&p, 1, 60000), 1);
	assert_int_equal(read(fd, &c, 1), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	close(fd);
	hooks_free(NULL);
}

/* The environment: what is added wins, what speaks to the service manager is gone; signals are
 * default and both outputs are our standard error. */
static void test_what_they_get(void **state)
{
	static const char *const env[] = {"SHARED_PREP_INTERRUPT_KIND=stop", "MINE=new", NULL};
	const struct scratch *t = *state;
	struct capture c;
	struct hooks *h;
	char text[1024], got[256];

	setenv("NOTIFY_SOCKET", "/x", 1);
	setenv("MINE", "old", 1);
	setenv("OTHER", "kept", 1);
	signal(SIGPIPE, SIG_IGN);
	hook(t, LOCAL "1",
		"echo \"out $SHARED_PREP_INTERRUPT_KIND $MINE $OTHER ${NOTIFY_SOCKET-none}\"\n"
		"echo err >&2\nsed -nE '/^SigIgn/ s/.*(.{4})$/\\1/p' /proc/self/status",
		0755);
	h = start(t, env, LONG);
	capture_start(&c, STDERR_FILENO);
	run_to_end(h, got, sizeof(got));
	capture_end(&c, text, sizeof(text));
	hooks_free(h);
	assert_string_equal(got, "1:begun 1:done");
	signal(SIGPIPE, SIG_DFL);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("MINE");
	unsetenv("OTHER");
	assert_string_equal(text, "out stop new kept none\nerr\n0000\n");
}

static void test_too_many(void **state)
{
	const struct scratch *t = *state;
	static const char *const none[] = {NULL};
	struct hooks_request r = {.rootfd = t->fd, .env = none, .deadline = CLOCK_FOREVER};
	struct hooks *h = NULL;
	struct err e = ERR_INIT;
	char got[256];

	for (int i = 0; i <= HOOKS_MAX; i++) {
		char path[128];

		snprintf(path, sizeof(path), LOCAL "%d", i);
		hook(t, path, "exit 0", 0755);
	}
	assert_true(hooks_start(&r, &h, &e) < 0);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_null(h);
	r.only = "7";
	assert_int_equal(hooks_start(&r, &h, &e), 0);
	run_to_end(h, got, sizeof(got));
	hooks_free(h);
	assert_string_equal(got, "7:begun 7:done");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_none),
		ROW(test_order),
		ROW(test_failures),
		ROW(test_unsafe),
		ROW(test_unsafe_owner),
		ROW(test_deadline),
		ROW(test_hurry),
		ROW(test_nothing_left),
		ROW(test_what_they_get),
		ROW(test_too_many),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
