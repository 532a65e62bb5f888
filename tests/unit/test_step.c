/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts are given to sh: what it finds in its variables is what was meant. */
#include "controller/build/step.h"
#include "controller/shell.h"

#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void run_sh(const struct scratch *t, const char *script, char *out, size_t size)
{
	int status, fd = openat(t->fd, "out", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	pid_t pid = fork();

	if (pid == 0) {
		char *const env[] = {(char[]){"HOME=/home"}, (char[]){"PATH=/usr/bin:/bin"}, NULL};

		dup2(fd, 1);
		execle("/bin/sh", "sh", "-c", script, NULL, env);
		_exit(127);
	}
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	scratch_read(t, "out", out, size);
}

static const char *const hostile[] = {"", " ", "a b", "'", "''", "'\\''", "\"", "$HOME",
	"$(echo x)", "`echo x`", "\\", "a\nb", "\n", "*", "~", "-n", "!", "a;b", "#",
	"\303\244\377", "%s", "a='b"};

static void test_quote(void **state)
{
	const struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		auto_buf struct buf script = BUF_INIT(4096);
		char got[64], want[64];

		assert_int_equal(shell_assign(&script, "v", hostile[i]), 0);
		assert_int_equal(buf_adds(&script, "printf '[%s]' \"$v\" "), 0);
		assert_int_equal(shell_quote(&script, hostile[i]), 0);
		run_sh(t, buf_str(&script), got, sizeof(got));
		snprintf(want, sizeof(want), "[%s][%s]", hostile[i], hostile[i]);
		assert_string_equal(got, want);
	}
}

static void test_ceiling(void **state)
{
	auto_buf struct buf out = BUF_INIT(8);

	(void)state;
	assert_int_equal(shell_quote(&out, "12345678"), -EFBIG);
}

static char *words[] = {(char[]){"A=a  'b"}, (char[]){"B=$(echo x)\n"}, (char[]){"C="}};

static char name[] = "app", fast[] = "fast", none[] = "";

static void fill(struct project_app *app, struct project_flags *flags, struct build *b, char *text)
{
	*app = (struct project_app){.name = name,
		.script = text,
		.entry = text,
		.version = text,
		.env = {.word = words, .len = 2},
		.packages = {.word = words, .len = 1},
		.timeout = 5 * 1000000000ULL,
		.level = 7};
	*flags = (struct project_flags){.name = fast,
		.cflags = text,
		.cxxflags = text,
		.fcflags = none,
		.ldflags = text,
		.env = {.word = words + 2, .len = 1}};
	*b = (struct build){.app = app,
		.flags = flags,
		.target = {.name = "c7g", .arch = "aarch64", .march = "neoverse-v1"},
		.key = "app_c7g"};
}

static void test_variables(void **state)
{
	static const struct step print = {
		.script =
			"for v in \"$SCRIPT\" \"$ENTRY\" \"$VERSION\" \"$LDFLAGS\"; do printf '[%s]' \"$v\"; done\n"
			"printf '|%s' \"$KEY\" \"$APP\" \"$TARGET\" \"$ARCH\" \"$MARCH\" \"$FLAGSET\" \"$PREFIX\" "
			"\"$LEVEL\" \"$LIMIT\" \"$RUN\" \"$W\" \"$B\" \"$FCFLAGS\" \"$CFLAGS\" \"$CXXFLAGS\"\n"
			"printf '|%s' \"$PACKAGES\" \"$#\" \"$@\"\n"};
	const struct scratch *t = *state;
	struct project_app app;
	struct project_flags flags;
	struct build b;

	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		auto_buf struct buf script = BUF_INIT(STEP_SCRIPT_MAX);
		struct err e = ERR_INIT;
		char text[64], got[1024], want[1024];
		const char *h = text;

		snprintf(text, sizeof(text), "%s", hostile[i]);
		fill(&app, &flags, &b, text);
		assert_int_equal(step_script(&print, &b, "0123", &script, &e), 0);
		run_sh(t, buf_str(&script), got, sizeof(got));
		snprintf(want, sizeof(want),
			"[%s][%s][%s][%s]|app_c7g|app|c7g|aarch64|neoverse-v1|fast|/shared/app_c7g|7|5|"
			"0123|/home/.shared-prep/0123|/shared/.build-0123|-mcpu=neoverse-v1|"
			"-mcpu=neoverse-v1%s%s|-mcpu=neoverse-v1%s%s|%s|3|%s|%s|%s",
			h, h, h, h, *h ? " " : "", h, *h ? " " : "", h, words[0], words[0],
			words[1], words[2]);
		assert_string_equal(got, want);
	}
}

static void test_too_long(void **state)
{
	static char text[STEP_SCRIPT_MAX];
	auto_buf struct buf script = BUF_INIT(STEP_SCRIPT_MAX);
	struct project_app app;
	struct project_flags flags;
	struct build b;
	struct err e = ERR_INIT;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	fill(&app, &flags, &b, text);
	assert_int_equal(step_script(&steps[0], &b, "0", &script, &e), -EFBIG);
	assert_int_equal(e.kind, ERR_CONFIG);
}

/* Every script is one for sh, and the table has the order that worker.c relies on. */
static void test_table(void **state)
{
	const struct scratch *t = *state;
	enum step_scope before = STEP_FIRST;

	for (size_t i = 0; i < n_steps; i++) {
		auto_buf struct buf script = BUF_INIT(STEP_SCRIPT_MAX);
		char out[16];

		assert_true(steps[i].scope >= before);
		before = steps[i].scope;
		assert_true(steps[i].limit > 0 || steps[i].scope == STEP_EACH);
		assert_int_equal(buf_addf(&script, "set -n\n%s", steps[i].script), 0);
		run_sh(t, buf_str(&script), out, sizeof(out));
	}
	assert_int_equal(before, STEP_LAST);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_quote),
		TEST(test_ceiling),
		TEST(test_variables),
		TEST(test_too_long),
		TEST(test_table),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
