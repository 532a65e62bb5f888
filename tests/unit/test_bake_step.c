/* SPDX-License-Identifier: Apache-2.0 */
/* The table, what its scripts find in their variables, and what the agent's plan is taken for. */
#include "controller/image/bake_step.h"

#include "tests/unit/scratch.h"

#include <errno.h>
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

/* A bake without files. */
struct made {
	struct project p;
	struct project_app app[2];
	struct bake b;
	struct bake_archive archive[3];
	struct bake_file copy[1], repository[1];
};

static char one[] = "one", two[] = "two", file[] = "/p/shared-prep.ini", path[] = "/x";
static char *packages[] = {(char[]){"gcc"}, (char[]){"make"}};
static char *ecs[] = {(char[]){"A=b 'c'"}, (char[]){"B=$(id)"}};
static char *types[] = {(char[]){"c7a.large"}, (char[]){"c7g.large"}, (char[]){"c6a.large"}};
static char *words[] = {(char[]){"w"}};

static void make(struct made *m)
{
	static const struct {
		const char *name, *target;
		size_t app;
	} archives[] = {{"one_c7a.tar.zst", "c7a", 0}, {"one_x86-64-v2.tar.zst", "x86-64-v2", 0},
		{"two_x86_64.tar.zst", "x86_64", 1}};
	struct err e = ERR_INIT;

	*m = (struct made){
		.p = {.file = file,
			.image = {.packages = {packages, 2},
				.ecs = {ecs, 2},
				.types = {types, 3},
				.copy = {words, 1},
				.repositories = {words, 1}}},
		.app = {{.name = one}, {.name = two}},
		.copy = {{.path = path, .name = "tools", .mode = S_IFDIR | 0750}},
		.repository = {{.path = path, .name = "a.repo", .mode = S_IFREG | 0600}},
	};
	m->b = (struct bake){.project = &m->p,
		.arch = "x86_64",
		.archive = m->archive,
		.n_archives = ARRAY_LEN(archives),
		.copy = m->copy,
		.repository = m->repository};
	for (size_t i = 0; i < ARRAY_LEN(archives); i++) {
		struct bake_archive *a = &m->archive[i];

		a->app = &m->app[archives[i].app];
		a->file = (struct bake_file){.path = path, .bytes = 7, .mode = S_IFREG | 0644};
		snprintf(a->file.name, sizeof(a->file.name), "%s", archives[i].name);
		assert_int_equal(target_find(archives[i].target, NULL, &a->target, &e), 0);
	}
}

static const struct bake_step *find(const char *name)
{
	for (size_t i = 0; i < n_bake_steps; i++) {
		if (strcmp(bake_steps[i].name, name) == 0)
			return &bake_steps[i];
	}
	fail_msg("no step '%s'", name);
	return NULL;
}

/* Its exit code; what it prints is in "out". */
static int run_sh(const struct scratch *t, const char *option, const char *script)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char *const env[] = {
			(char[]){"HOME=/home/x"}, (char[]){"PATH=/usr/bin:/bin"}, NULL};

		if (fchdir(t->fd) < 0 || !freopen("out", "w", stdout))
			_exit(126);
		execle("/bin/sh", "sh", option, script, NULL, env);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void test_scripts(void **state)
{
	const struct scratch *t = *state;
	struct made m;
	const struct bake_place at = {.bake = &m.b, .run = "r", .here = "h"};

	make(&m);
	for (size_t i = 0; i < n_bake_steps; i++) {
		auto_buf struct buf script = BUF_INIT(BAKE_SCRIPT_MAX);
		struct err e = ERR_INIT;

		assert_true(bake_steps[i].limit > 0);
		assert_int_equal(bake_step_script(&bake_steps[i], 0, &at, &script, &e), 0);
		scratch_write(t, "script", buf_str(&script));
		if (run_sh(t, "-n", "script") != 0)
			fail_msg("sh does not read %s", bake_steps[i].name);
	}
}

/* Wiped last, checked after that, listed after that. */
static void test_order(void **state)
{
	static const char *const order[] = {"before", "agent", "rpm", "repository", "packages",
		"archive", "copy", "config", "units", "after", "self-check", "wipe", "wipe-check",
		"manifest"};
	const struct bake_step *last = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		const struct bake_step *s = find(order[i]);

		assert_true(s > last);
		last = s;
	}
	assert_ptr_equal(last, &bake_steps[n_bake_steps - 1]);
}

static void test_counts(void **state)
{
	static const struct {
		const char *step;
		size_t n;
		const char *item; /* of the last */
	} cases[] = {
		{"ecs-stop", 1, ""},
		{"before", 0, NULL},
		{"rpm", 1, ""},
		{"repository", 1, "a.repo"},
		{"packages", 1, ""},
		{"archive", 3, "two_x86_64.tar.zst"},
		{"copy", 1, "tools"},
		{"containers", 0, NULL},
		{"self-check", 2, "c6a.large"},
		{"wipe", 1, ""},
	};
	struct made m;

	(void)state;
	make(&m);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct bake_step *s = find(cases[i].step);

		assert_int_equal(bake_step_count(s, &m.b), cases[i].n);
		if (cases[i].item)
			assert_string_equal(bake_step_item(s, &m.b, cases[i].n - 1), cases[i].item);
	}
	assert_ptr_equal(bake_step_input(find("archive"), &m.b, 1), &m.archive[1].file);
	assert_null(bake_step_input(find("config"), &m.b, 0));
	m.b.before.path = path;
	m.p.image.packages.len = 0;
	assert_int_equal(bake_step_count(find("before"), &m.b), 1);
	assert_int_equal(bake_step_count(find("packages"), &m.b), 0);
}

static void test_variables(void **state)
{
	static const struct bake_step print = {.scope = BAKE_EACH_COPY,
		.input = BAKE_ITEM,
		.script =
			"printf '[%s]' \"$NAME\" \"$TREE\" \"$MODE\" \"$PACKAGES\" \"$COPIES\" \"$W\" "
			"\"$HERE\" \"$MARKER\" \"$#\" \"$@\"\n"};
	const struct scratch *t = *state;
	auto_buf struct buf script = BUF_INIT(BAKE_SCRIPT_MAX);
	struct err e = ERR_INIT;
	struct made m;
	const struct bake_place at = {.bake = &m.b, .run = "r'1", .here = "$(id)"};
	char got[512];

	make(&m);
	assert_int_equal(bake_step_script(&print, 0, &at, &script, &e), 0);
	assert_int_equal(run_sh(t, "-c", buf_str(&script)), 0);
	scratch_read(t, "out", got, sizeof(got));
	assert_string_equal(got,
		"[tools][yes][750][gcc make][tools][/home/x/.shared-prep/bake-r'1][$(id)]"
		"[/run/shared-prep-worker][2][A=b 'c'][B=$(id)]");
}

#define C(file, chosen, why) "{\"file\":\"" file "\",\"chosen\":" chosen ",\"why_not\":\"" why "\"}"
#define PLAN(list)           "{\"candidates\":[" list "]}"
#define TWO                  C("two_x86_64.tar.zst", "true", "")

static void test_plan(void **state)
{
	static const struct {
		const char *type, *plan;
		enum err_kind kind;
		size_t unseen;
		const char *says;
	} cases[] = {
		{"c7a.large", PLAN(C("one_c7a.tar.zst", "true", "") "," TWO), ERR_NONE, 0, ""},
		{"c6a.large", PLAN(C("one_x86-64-v2.tar.zst", "true", "") "," TWO), ERR_NONE, 0,
			""},
		/* What suits another type is none for this. */
		{"c6a.large", PLAN(C("one_c7a.tar.zst", "true", "") "," TWO), ERR_NO_FIT, 0,
			"on c6a.large no archive of app 'one' would be taken: the agent does not see it"},
		/* This worker's processor is not that of the type. */
		{"c7a.large",
			PLAN(C("one_c7a.tar.zst", "false",
				"needs avx512f, which this CPU lacks") "," TWO),
			ERR_NONE, 1, ""},
		{"c7a.large",
			PLAN(C("one_c7a.tar.zst", "false", "its manifest says app 'x'") "," TWO),
			ERR_NO_FIT, 0, "would be taken: its manifest says app 'x'"},
		{"c7a.large", PLAN(C("one_c7a.tar.zst", "true", "")), ERR_NO_FIT, 0, "app 'two'"},
		{"c7a.large", PLAN(""), ERR_NO_FIT, 0, "app 'one'"},
		{"c7a.large", "{}", ERR_NO_FIT, 0, "app 'one'"},
		{"c7a.large", "shared-prep: no", ERR_DATA, 0, "shared-prep plan"},
	};
	struct made m;

	(void)state;
	make(&m);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_buf struct buf plan = BUF_INIT(4096);
		struct err e = ERR_INIT;
		size_t unseen = 0;

		assert_int_equal(buf_adds(&plan, cases[i].plan), 0);
		(void)!bake_plan_check(&m.b, cases[i].type, &plan, &unseen, &e);
		assert_int_equal(e.kind, cases[i].kind);
		assert_int_equal(unseen, cases[i].unseen);
		assert_non_null(strstr(e.msg, cases[i].says));
	}
}

/* All that makes another image makes another fingerprint, and nothing else does. */
static void test_fingerprint(void **state)
{
	char region[] = "eu-west-1", key[] = "alias/x", none[] = "", check[] = "/c";
	char *other[] = {region};
	char first[DIGEST_TEXT], text[DIGEST_TEXT];
	struct err e = ERR_INIT;
	struct made m;

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		struct image_spec *s = &m.p.image;

		make(&m);
		s->encrypt = i == 1;
		s->kms_key = i == 2 ? key : none;
		s->format = i == 3 ? IMAGE_QCOW2 : IMAGE_RAW;
		s->size = i == 4 ? 1 << 30 : 0;
		s->regions = i == 5 ? (struct config_words){other, 1} : s->regions;
		s->accounts = i == 6 ? (struct config_words){other, 1} : s->accounts;
		s->units = i == 7 ? (struct config_words){other, 1} : s->units;
		s->containers = i == 8 ? (struct config_words){other, 1} : s->containers;
		s->ecs.len = i == 9 ? 1 : 2;
		s->types.len = i == 10 ? 1 : 3;
		s->check = i == 11 ? check : none;
		assert_int_equal(bake_fingerprint(&m.b, "ami-1", text, &e), 0);
		if (i == 0)
			snprintf(first, sizeof(first), "%s", text);
		if ((strcmp(first, text) == 0) != (i == 0 || i == 11))
			fail_msg("case %u", i);
	}
}

static void test_too_long(void **state)
{
	auto_buf struct buf script = BUF_INIT(4096);
	struct err e = ERR_INIT;
	struct made m;
	const struct bake_place at = {.bake = &m.b, .run = "r", .here = "h"};

	(void)state;
	make(&m);
	assert_int_equal(bake_step_script(find("wipe"), 0, &at, &script, &e), -EFBIG);
	assert_int_equal(e.kind, ERR_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_scripts, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_counts),
		cmocka_unit_test_setup_teardown(test_variables, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_too_long),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
