/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/job.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define MIN (60 * NSEC_PER_SEC)

static void words_become_what_they_were(void **state)
{
	static const char *const word[] = {"plain", "", "two words", "it's", "'", "''", "a\nb",
		"\n", "\\n", "back\\slash", "\"double\"", "$HOME `x` *", "tab\there", "#JOB", "--",
		"-x", "\xc3\xa9\xff", "\x01\x1b[31m", "trailing\\"};
	auto_buf struct buf line = BUF_INIT(4096);
	struct err e = ERR_INIT;
	char **words = NULL;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(word); i++)
		assert_int_equal(job_words_add(&line, word[i]), 0);
	assert_null(strchr(buf_str(&line), '\n'));
	assert_int_equal(job_words_split(line.data, line.len, &words, &n, &e), 0);
	assert_int_equal(n, ARRAY_LEN(word));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(words[i], word[i]);
		free(words[i]);
	}
	free(words);
}

struct split_case {
	const char *line;
	const char *words; /* joined by '|', NULL: refused */
};

static void lines_are_split(void **state)
{
	static const struct split_case table[] = {
		{"", ""},
		{"  \t ", ""},
		{"a b", "a|b"},
		{"a'b c'd", "ab cd"},
		{"'' x", "|x"},
		{"a\\ b", "a b"},
		{"a\\nb", "a\nb"},
		{"'a\\nb'", "a\\nb"},
		{"'open", NULL},
		{"end\\", NULL},
		{"\"x\"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		auto_buf struct buf joined = BUF_INIT(256);
		struct err e = ERR_INIT;
		char **words = NULL;
		size_t n = 0;
		int rc = job_words_split(table[i].line, strlen(table[i].line), &words, &n, &e);

		assert_int_equal(rc < 0, table[i].words == NULL);
		for (size_t k = 0; k < n; k++) {
			if (rc == 0)
				assert_int_equal(
					buf_addf(&joined, "%s%s", k ? "|" : "", words[k]), 0);
			free(words[k]);
		}
		if (rc == 0)
			assert_string_equal(buf_str(&joined), table[i].words);
		free(words);
	}
}

struct bad_case {
	const char *text, *why;
};

static void bad_files_are_refused(void **state)
{
	static const struct bad_case table[] = {
		{"#JOB --cpsu=4\n", "--cpus"},
		{"#JOB --cpus=0\n", "--cpus"},
		{"#JOB --cpus=-1\n", "'-1'"},
		{"#!/bin/sh\n\n# x\n#JOB --mem=4Q\n", "line 4"},
		{"#JOB --time=1y\n", "'1y'"},
		{"#JOB cmd\n", "follows '--'"},
		{"#JOB --\n", "no command"},
		{"#JOB -- 'x\n", "not closed"},
		{"#JOB -- \"x\"\n", "single quotes"},
		{"#JOB -- true\nmore\n", "--stdin"},
		{"#JOB --stdin\n#!/bin/sh\n", "needs a command"},
		{"#JOB --name=../x\n", "--name"},
		{"#JOB --name=a/b\n", "--name"},
		{"#JOB --env=1X=2\n", "--env"},
		{"#JOB --env=X\n", "--env"},
		{"#JOB --cwd=tmp\n", "--cwd"},
		{"#JOB --after=../x\n", "--after"},
		{"#JOB --signal=USR1\n", "--signal"},
		{"#JOB --signal=KILL@5\n", "--signal"},
		{"#JOB --signal=USR1@x\n", "--signal"},
		{"#JOB --time=5s --signal=USR1@5\n", "--signal"},
		{"#JOB --threads-per-core=3\n", "threads-per-core"},
		{"#JOB --grace=2h\n", "--grace"},
		{"#JOB --help\n", "--help"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		auto_job struct job j = {.words = NULL};
		struct err e = ERR_INIT;

		assert_true(job_parse(table[i].text, strlen(table[i].text), &j, &e) < 0);
		assert_int_equal(e.kind, ERR_DATA);
		if (!strstr(e.msg, table[i].why))
			fail_msg("%s: %s", table[i].text, e.msg);
	}
}

static void the_head_is_bounded(void **state)
{
	auto_buf struct buf text = BUF_INIT(64 * KIB);

	(void)state;
	for (unsigned i = 0; i <= JOB_LINES_MAX; i++) {
		auto_job struct job j = {.words = NULL};
		struct err e = ERR_INIT;

		assert_int_equal(buf_adds(&text, "#JOB -e A=1\n"), 0);
		assert_int_equal(
			job_parse(text.data, text.len, &j, &e), i < JOB_LINES_MAX ? 0 : -E2BIG);
	}
}

static void a_nul_is_refused(void **state)
{
	static const char text[] = "#JOB --name=a\0b\n";
	auto_job struct job j = {.words = NULL};
	struct err e = ERR_INIT;

	(void)state;
	assert_true(job_parse(text, sizeof(text) - 1, &j, &e) < 0);
}

static void a_script_has_options_in_its_head(void **state)
{
	static const char text[] = "#!/bin/bash\n"
				   "# a comment\n"
				   "#JOB --cpus=4 --mem 2G\n"
				   "#JOBS --cpus=9\n"
				   "\n"
				   "#JOB --time=2min --signal=USR1@30 -e A=1 -e 'B=x y'\n"
				   "echo\n"
				   "#JOB --cpus=7\n";
	auto_job struct job j = {.words = NULL};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(job_parse(text, sizeof(text) - 1, &j, &e), 0);
	assert_true(j.shebang);
	assert_null(j.argv);
	assert_int_equal(j.options.cpus, 4);
	assert_int_equal(j.options.mem, 2 * GIB);
	assert_int_equal(j.options.time, 2 * MIN);
	assert_int_equal(j.signal, SIGUSR1);
	assert_int_equal(j.signal_before, 30 * NSEC_PER_SEC);
	assert_int_equal(j.options.grace, JOB_GRACE);
	assert_int_equal(j.options.env.n, 2);
	assert_string_equal(j.options.env.item[1], "B=x y");
}

static void a_plain_script_has_defaults(void **state)
{
	auto_job struct job j = {.words = NULL};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(job_parse("echo hello", 10, &j, &e), 0);
	assert_false(j.shebang);
	assert_null(j.argv);
	assert_int_equal(j.options.cpus, 1);
}

static void what_is_composed_is_parsed(void **state)
{
	static char a0[] = "printf", a1[] = "%s\n", a2[] = "it's", a3[] = "";
	static const char *env[] = {"A=1", "B=two words\nand a line"};
	static const char *after[] = {"first", "second~2"};
	static const char bytes[] = "in\0put\n#JOB --cpus=9\n";
	char *const argv[] = {a0, a1, a2, a3, NULL};
	struct job_options o = JOB_OPTION_DEFAULTS;
	auto_buf struct buf input = BUF_INIT(64);
	auto_buf struct buf text = BUF_INIT(4096);
	auto_job struct job j = {.words = NULL};
	struct err e = ERR_INIT;

	(void)state;
	o.cpus = 3;
	o.mem = 5 * GIB + 1;
	o.time = 61500 * NSEC_PER_MSEC;
	o.grace = 0;
	o.name = "name-1.x";
	o.cwd = "/a b";
	o.signal = "SIGUSR2@5";
	o.env = (struct opt_strings){env, 2};
	o.after = (struct opt_strings){after, 2};
	o.input = true;
	o.requeue = true;
	assert_int_equal(buf_add(&input, bytes, sizeof(bytes) - 1), 0);
	assert_int_equal(job_compose(&o, argv, &input, &text, &e), 0);
	assert_int_equal(job_parse(text.data, text.len, &j, &e), 0);
	assert_int_equal(j.options.cpus, 3);
	assert_int_equal(j.options.mem, o.mem);
	assert_int_equal(j.options.time, o.time);
	assert_int_equal(j.options.grace, 0);
	assert_string_equal(j.options.name, o.name);
	assert_string_equal(j.options.cwd, o.cwd);
	assert_int_equal(j.signal, SIGUSR2);
	assert_string_equal(j.options.env.item[1], env[1]);
	assert_string_equal(j.options.after.item[1], after[1]);
	assert_true(j.options.requeue);
	for (int i = 0; argv[i]; i++)
		assert_string_equal(j.argv[i], argv[i]);
	assert_null(j.argv[4]);
	assert_int_equal(j.input_len, input.len);
	assert_memory_equal(j.input, input.data, input.len);
}

static void too_long_is_said(void **state)
{
	static char a0[] = "a long word";
	char *const argv[] = {a0, NULL};
	const struct job_options o = JOB_OPTION_DEFAULTS;
	auto_buf struct buf text = BUF_INIT(16);
	struct err e = ERR_INIT;

	(void)state;
	assert_true(job_compose(&o, argv, NULL, &text, &e) < 0);
	assert_int_equal(e.kind, ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_what_they_were),
		cmocka_unit_test(lines_are_split),
		cmocka_unit_test(bad_files_are_refused),
		cmocka_unit_test(the_head_is_bounded),
		cmocka_unit_test(a_nul_is_refused),
		cmocka_unit_test(a_script_has_options_in_its_head),
		cmocka_unit_test(a_plain_script_has_defaults),
		cmocka_unit_test(what_is_composed_is_parsed),
		cmocka_unit_test(too_long_is_said),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
