/* SPDX-License-Identifier: Apache-2.0 */
#include "common/opt.h"

#include "common/clock.h"
#include "common/num.h"
#include "common/proc.h"
#include "tests/unit/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

struct options {
	bool json;
	const char *root;
	uint64_t threads, size, wait;
};

/* What the last run of a command got. */
static struct {
	const char *command;
	struct options options;
	int argc;
	const char *first;
} got;

static const struct opt plan_opts[] = {
	{OPT_FLAG, 'j', "json", offsetof(struct options, json), NULL, "print JSON"},
	{OPT_STRING, 'r', "root", offsetof(struct options, root), "DIR", "look beneath DIR"},
	{OPT_U64, 0, "threads", offsetof(struct options, threads), "N", "use N threads"},
	{OPT_SIZE, 0, "size-of-everything-there-is", offsetof(struct options, size), "BYTES",
		"how much"},
	{OPT_DURATION, 0, "wait", offsetof(struct options, wait), "TIME", "how long"},
	{.type = OPT_END},
};

static const struct opt host_opts[] = {
	{OPT_STRING, 'h', "host", offsetof(struct options, root), "NAME", "where"},
	{.type = OPT_END},
};

static int record(const char *name, const struct options *o, const struct opt_operands *operands)
{
	got.command = name;
	got.options = *o;
	got.argc = operands->argc;
	got.first = operands->argc > 0 ? operands->argv[0] : NULL;
	return 0;
}

static int run_plan(const void *options, const struct opt_operands *operands, struct err *e)
{
	(void)e;
	return record("plan", options, operands);
}

static int run_unpack(const void *options, const struct opt_operands *operands, struct err *e)
{
	(void)options;
	(void)e;
	printf("unpacked\n");
	got.command = "unpack";
	got.argc = operands->argc;
	return 3;
}

static int run_fail(const void *options, const struct opt_operands *operands, struct err *e)
{
	(void)options;
	(void)operands;
	printf("before\n");
	return err_set(e, ERR_DATA, EBADMSG, "failed");
}

static const struct options plan_defaults = {.root = "/", .threads = 2};

static const struct command cmd_plan = {
	.name = "plan",
	.operands = "[APP]...",
	.summary = "say what would be done",
	.opts = plan_opts,
	.options_size = sizeof(struct options),
	.defaults = &plan_defaults,
	.max_operands = -1,
	.run = run_plan,
};
static const struct command cmd_unpack = {
	.name = "unpack",
	.operands = "ARCHIVE DIR",
	.summary = "unpack ARCHIVE",
	.min_operands = 2,
	.max_operands = 2,
	.run = run_unpack,
};
static const struct command cmd_host = {
	.name = "host",
	.operands = "",
	.summary = "name a host",
	.opts = host_opts,
	.options_size = sizeof(struct options),
	.run = run_plan,
};
static const struct command cmd_seal = {
	.name = "seal", .operands = "", .summary = "for units", .hidden = true, .run = run_fail};

static const struct command *const commands[] = {
	&cmd_plan, &cmd_unpack, &cmd_host, &cmd_seal, NULL};

static const struct program program = {
	.name = "my-prog",
	.version = "1.2.3",
	.purpose = "what it is for",
	.commands = commands,
};

#define ARGS_MAX 8

/* Runs one command line, with standard output in out. */
static int dispatch(const char *const *args, char *out, size_t size, struct err *e)
{
	char *argv[ARGS_MAX + 2] = {strdup("my-prog")};
	struct capture c;
	int argc = 1, rc;

	memset(&got, 0, sizeof(got));
	for (; args[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)args[argc - 1];
	capture_start(&c, 1);
	rc = opt_dispatch(&program, argc, argv, e);
	capture_end(&c, out, size);
	free(argv[0]);
	return rc;
}

static void test_options(void **state)
{
	static const struct {
		const char *args[ARGS_MAX];
		struct options want;
		int argc;
		const char *first;
	} cases[] = {
		{{"plan"}, {false, "/", 2, 0, 0}, 0, NULL},
		{{"plan", "--json", "--root=/x"}, {true, "/x", 2, 0, 0}, 0, NULL},
		{{"plan", "-jr", "/x", "a", "b"}, {true, "/x", 2, 0, 0}, 2, "a"},
		{{"plan", "a", "--threads", "8", "b"}, {false, "/", 8, 0, 0}, 2, "a"},
		{{"plan", "--wait=2min", "--size-of=1K"}, {false, "/", 2, 1024, 120 * NSEC_PER_SEC},
			0, NULL},
		{{"plan", "--", "--json"}, {false, "/", 2, 0, 0}, 1, "--json"},
		{{"plan", "--threads=1", "--threads=3"}, {false, "/", 3, 0, 0}, 0, NULL},
		{{"plan", "--root="}, {false, "", 2, 0, 0}, 0, NULL},
		{{"host", "-h", "x"}, {false, "x", 0, 0, 0}, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct options *want = &cases[i].want;
		struct err e = ERR_INIT;
		char out[256];

		assert_int_equal(dispatch(cases[i].args, out, sizeof(out), &e), 0);
		assert_string_equal(got.command, "plan");
		assert_int_equal(got.options.json, want->json);
		assert_string_equal(got.options.root, want->root);
		assert_true(got.options.threads == want->threads);
		assert_true(got.options.size == want->size);
		assert_true(got.options.wait == want->wait);
		assert_int_equal(got.argc, cases[i].argc);
		if (cases[i].first)
			assert_string_equal(got.first, cases[i].first);
	}
}

#define SEE      " (see 'my-prog --help')"
#define SEE_PLAN " (see 'my-prog plan --help')"

static void test_mistakes(void **state)
{
	static const struct {
		const char *args[ARGS_MAX];
		const char *want;
	} cases[] = {
		{{NULL}, "no command" SEE},
		{{"plna"}, "unknown command 'plna': did you mean 'plan'?" SEE},
		{{"unpak"}, "unknown command 'unpak': did you mean 'unpack'?" SEE},
		{{"sael"}, "unknown command 'sael'" SEE},
		{{"x"}, "unknown command 'x'" SEE},
		{{""}, "unknown command ''" SEE},
		{{"help", "pln"}, "unknown command 'pln': did you mean 'plan'?" SEE},
		{{"a-name-that-is-longer-than-any-command-may-be"},
			"unknown command 'a-name-that-is-longer-than-any-command-may-be'" SEE},
		{{"--json", "plan"}, "unknown option '--json': the command comes first" SEE},
		{{"--completion"}, "--completion: use 'my-prog --completion bash'"},
		{{"--completion", "zsh"}, "--completion: use 'my-prog --completion bash'"},
		{{"plan", "--jsn"},
			"plan: unknown option '--jsn': did you mean '--json'?" SEE_PLAN},
		{{"plan", "--raot=/x"},
			"plan: unknown option '--raot': did you mean '--root'?" SEE_PLAN},
		{{"plan", "--hlp"},
			"plan: unknown option '--hlp': did you mean '--help'?" SEE_PLAN},
		{{"plan", "--frobnicate"}, "plan: unknown option '--frobnicate'" SEE_PLAN},
		{{"plan", "-x"}, "plan: unknown option '-x'" SEE_PLAN},
		{{"plan", "--json=1"}, "plan: option '--json' takes no argument" SEE_PLAN},
		{{"plan", "--help=1"}, "plan: option '--help' takes no argument" SEE_PLAN},
		{{"plan", "--root"}, "plan: option '--root' needs an argument" SEE_PLAN},
		{{"plan", "-r"}, "plan: option '--root' needs an argument" SEE_PLAN},
		{{"plan", "--threads=1x"}, "plan: --threads: '1x' is not a whole number"},
		{{"plan", "--threads="}, "plan: --threads: '' is not a whole number"},
		{{"unpack", "a"}, "unpack: missing operands: it takes ARCHIVE DIR (see 'my-prog "
				  "unpack --help')"},
		{{"unpack", "a", "b", "c"},
			"unpack: too many operands: it takes ARCHIVE DIR (see 'my-prog unpack "
			"--help')"},
		{{"unpack", "--x", "b", "c"},
			"unpack: unknown option '--x' (see 'my-prog unpack --help')"},
		{{"host", "a"}, "host: takes no operands (see 'my-prog host --help')"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		char out[256];

		assert_true(dispatch(cases[i].args, out, sizeof(out), &e) < 0);
		assert_string_equal(e.msg, cases[i].want);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_string_equal(out, "");
		assert_null(got.command);
	}
}

static void test_help(void **state)
{
	static const char help[] =
		"Usage: my-prog COMMAND [OPTION]... [OPERAND]...\n"
		"what it is for\n\n"
		"Commands:\n"
		"  plan    say what would be done\n"
		"  unpack  unpack ARCHIVE\n"
		"  host    name a host\n\n"
		"'my-prog COMMAND --help' explains a command, 'my-prog --version' "
		"prints the version.\n";
	static const char plan[] = "Usage: my-prog plan [OPTION]... [APP]...\n"
				   "say what would be done\n\n"
				   "Options:\n"
				   "  -j, --json                print JSON\n"
				   "  -r, --root=DIR            look beneath DIR\n"
				   "      --threads=N           use N threads\n"
				   "      --size-of-everything-there-is=BYTES\n"
				   "                            how much\n"
				   "      --wait=TIME           how long\n"
				   "  -h, --help                print this help\n";
	static const char host[] = "Usage: my-prog host [OPTION]...\n"
				   "name a host\n\n"
				   "Options:\n"
				   "  -h, --host=NAME           where\n"
				   "      --help                print this help\n";
	static const struct {
		const char *args[ARGS_MAX];
		const char *want;
	} cases[] = {
		{{"--help"}, help},
		{{"-h"}, help},
		{{"help"}, help},
		{{"help", "plan"}, plan},
		{{"plan", "--help"}, plan},
		{{"plan", "-jh"}, plan},
		{{"plan", "a", "--help"}, plan},
		{{"host", "--help"}, host},
		{{"--version"}, "my-prog 1.2.3\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		char out[2048];

		assert_int_equal(dispatch(cases[i].args, out, sizeof(out), &e), 0);
		assert_string_equal(out, cases[i].want);
		assert_null(got.command);
	}
}

static void test_results(void **state)
{
	static const char *const unpack[] = {"unpack", "a", "b", NULL};
	static const char *const seal[] = {"seal", NULL};
	struct err e = ERR_INIT;
	char out[256];

	(void)state;
	assert_int_equal(dispatch(unpack, out, sizeof(out), &e), 3);
	assert_string_equal(out, "unpacked\n");
	assert_int_equal(got.argc, 2);
	assert_int_equal(dispatch(seal, out, sizeof(out), &e), -EBADMSG);
	assert_string_equal(out, "before\n");
	assert_string_equal(e.msg, "failed");
}

static void test_full_disk(void **state)
{
	static const struct {
		const char *args[4];
		int argc;
		const char *want;
	} cases[] = {
		{{"p", "unpack", "a", "b"}, 4,
			"cannot write to standard output: No space left on device"},
		{{"p", "--help"}, 2, "cannot write to standard output: No space left on device"},
		{{"p", "plan", "--help"}, 3,
			"cannot write to standard output: No space left on device"},
		{{"p", "--version"}, 2, "cannot write to standard output: No space left on device"},
		{{"p", "--completion", "bash"}, 3,
			"cannot write to standard output: No space left on device"},
		{{"p", "seal"}, 2, "failed"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
		struct err e = ERR_INIT;
		struct capture c;
		char *argv[5] = {0};
		int rc;

		memcpy(argv, cases[i].args, sizeof(cases[i].args));
		capture_replace(&c, 1, fd);
		rc = opt_dispatch(&program, cases[i].argc, argv, &e);
		capture_restore(&c);
		close(fd);
		clearerr(stdout);
		assert_true(rc < 0);
		assert_string_equal(e.msg, cases[i].want);
	}
}

/* The script in a real bash, the cursor behind the last word. */
static void test_completion(void **state)
{
	static const struct {
		const char *words, *want;
	} cases[] = {
		{"my-prog ''", "plan unpack host help --help --version\n"},
		{"my-prog p", "plan\n"},
		{"my-prog se", "\n"},
		{"my-prog plan --",
			"--json --root= --threads= --size-of-everything-there-is= --wait= --help\n"},
		{"my-prog plan --j", "--json\n"},
		{"my-prog unpack -", "--help\n"},
		{"my-prog unpack x", "\n"},
		{"my-prog none --", "\n"},
	};
	static const char *const args[] = {"--completion", "bash", NULL};
	struct err e = ERR_INIT;
	char script[4096];

	(void)state;
	assert_int_equal(dispatch(args, script, sizeof(script), &e), 0);
	assert_non_null(strstr(script, "\ncomplete -o default -F _my_prog my-prog\n"));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_buf struct buf text = BUF_INIT(8192), out = BUF_INIT(4096);
		const char *argv[] = {"bash", "--norc", "-euc", NULL, NULL};
		int status = -1;

		assert_int_equal(buf_addf(&text,
					 "%s\nCOMP_WORDS=(%s)\n"
					 "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
					 "_my_prog\necho \"${COMPREPLY[*]-}\"\n",
					 script, cases[i].words),
			0);
		argv[3] = buf_str(&text);
		assert_int_equal(proc_run(&(struct proc_request){.argv = argv,
						  .deadline = clock_deadline(20 * NSEC_PER_SEC)},
					 &out, &status, &e),
			0);
		assert_string_equal(buf_str(&out), cases[i].want);
		assert_int_equal(status, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_completion),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
