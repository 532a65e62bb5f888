/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/project/matrix.h"

#include "tests/unit/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define PROJECT                                                                                    \
	"[app one]\nsource=src\nscript=build\ntargets=znver4 c7a c7g\nflags=default fast\n"        \
	"[app two]\nsource=src\nscript=build\ntargets=c7a znver3\n"                                \
	"[flags fast]\ncflags=-O3\n"

static void load(const struct scratch *t, const char *text, struct project *p)
{
	struct err e = ERR_INIT;

	scratch_write(t, "src/build", "");
	assert_int_equal(fchmodat(t->fd, "src/build", 0755, 0), 0);
	scratch_write(t, "shared-prep.ini", text);
	if (project_load(t->path, p, &e) < 0)
		fail_msg("%s", e.msg);
}

/* "KEY/FLAGS+KEY/FLAGS KEY/FLAGS": crews, and who is in each. */
static void check_crews(const struct matrix *m, const char *want)
{
	char got[1024] = "";
	size_t len = 0;

	for (size_t i = 0; i < m->n_crews; i++) {
		for (size_t n = 0; n < m->crew[i].n; n++)
			len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s/%s",
				n   ? "+"
				: i ? " "
				    : "",
				m->crew[i].build[n]->key, m->crew[i].build[n]->flags->name);
	}
	assert_string_equal(got, want);
}

static void test_crews(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"[project]\nname=p\n" PROJECT,
			"one_znver4/default+one_znver4/fast+one_c7a/default+one_c7a/fast "
			"one_c7g/default+one_c7g/fast two_c7a/default two_znver3/default"},
		{"[project]\nname=p\n" PROJECT "[target c7a]\ntypes=c7a.large\n",
			"one_znver4/default+one_znver4/fast one_c7a/default+one_c7a/fast "
			"one_c7g/default+one_c7g/fast two_c7a/default two_znver3/default"},
		{"[project]\nname=p\n" PROJECT "[target c7a]\nmarch=znver3\n",
			"one_znver4/default+one_znver4/fast one_c7a/default+one_c7a/fast "
			"one_c7g/default+one_c7g/fast two_c7a/default+two_znver3/default"},
		/* Hosts take targets by their names. */
		{"[project]\nname=p\nprovider=ssh\n" PROJECT "[host h]\naddress=h\n",
			"one_znver4/default+one_znver4/fast one_c7a/default+one_c7a/fast "
			"one_c7g/default+one_c7g/fast two_c7a/default two_znver3/default"},
	};
	const struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_project struct project p = {0};
		auto_matrix struct matrix m = {0};
		struct err e = ERR_INIT;

		load(t, cases[i].text, &p);
		assert_int_equal(matrix_make(&p, &(struct matrix_choice){0}, &m, &e), 0);
		assert_int_equal(m.n, 8);
		assert_int_equal(matrix_count(&m, BUILD_WAITING), 8);
		assert_int_equal(crew_count(&m.crew[0], BUILD_DONE), 0);
		check_crews(&m, cases[i].want);
	}
}

static const struct {
	const char *app[2], *target[2], *flags[2], *want; /* NULL: refused */
} choices[] = {
	{{"two"}, {0}, {0}, "two_c7a/default two_znver3/default"},
	{{0}, {"c7a"}, {0}, "one_c7a/default+one_c7a/fast two_c7a/default"},
	{{0}, {0}, {"fast"}, "one_znver4/fast+one_c7a/fast one_c7g/fast"},
	{{"two", "one"}, {"c7a", "znver3"}, {"default"},
		"one_c7a/default two_c7a/default two_znver3/default"},
	{{"one"}, {"c7g"}, {"fast"}, "one_c7g/fast"},
	{{"two"}, {0}, {"fast"}, NULL},
	{{"one"}, {"znver3"}, {0}, NULL},
	{{"three"}, {0}, {0}, NULL},
	{{0}, {"znver5"}, {0}, NULL},
	{{0}, {0}, {"slow"}, NULL},
	{{"one", "three"}, {0}, {0}, NULL},
	{{""}, {0}, {0}, NULL},
};

static size_t count(const char *const *names)
{
	return names[0] ? names[1] ? 2 : 1 : 0;
}

static void test_choices(void **state)
{
	auto_project struct project p = {0};

	load(*state, "[project]\nname=p\n" PROJECT, &p);
	for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
		const struct matrix_choice c = {
			.app = choices[i].app,
			.n_apps = count(choices[i].app),
			.target = choices[i].target,
			.n_targets = count(choices[i].target),
			.flags = choices[i].flags,
			.n_flags = count(choices[i].flags),
		};
		auto_matrix struct matrix m = {0};
		struct err e = ERR_INIT;
		int rc = matrix_make(&p, &c, &m, &e);

		if (choices[i].want) {
			assert_int_equal(rc, 0);
			check_crews(&m, choices[i].want);
		} else {
			assert_int_equal(rc, -ENOENT);
			assert_int_equal(e.kind, ERR_USAGE);
		}
	}
}

static void test_names(void **state)
{
	auto_project struct project p = {0};
	auto_matrix struct matrix m = {0};
	struct err e = ERR_INIT;
	char name[MATRIX_KEY + 80];

	load(*state, "[project]\nname=p\n" PROJECT, &p);
	assert_int_equal(matrix_make(&p, &(struct matrix_choice){0}, &m, &e), 0);
	assert_string_equal(build_name(&m.build[0], name, sizeof(name)), "one_znver4");
	assert_string_equal(build_name(&m.build[1], name, sizeof(name)), "one_znver4 (fast)");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_crews),
		TEST(test_choices),
		TEST(test_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
