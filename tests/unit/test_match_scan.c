/* SPDX-License-Identifier: Apache-2.0 */
/* The data directory: what is found, what is chosen, what is said. */
#include "agent/match.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"

/* A CPU that is exactly what the target needs. */
static struct cpu cpu_of(const char *march)
{
	const struct cpu_target *t = cpu_target_find(march);

	assert_non_null(t);
	return (struct cpu){.arch = t->arch, .features = t->needs, .march = t->name};
}

#define M(app, key, rest) "{\"format\":1,\"app\":\"" app "\",\"key\":\"" key "\"," rest "}"
#define X86               "\"arch\":\"x86_64\""

/* A data directory on a c5n.large with a Skylake-SP. */
static struct settings settings_of(char **apps, size_t n_apps, char **copy, size_t n_copy)
{
	static char data[] = "/data";

	return (struct settings){
		.data = data,
		.apps = {.word = apps, .len = n_apps},
		.copy = {.word = copy, .len = n_copy},
	};
}

static int scan(const struct scratch *t, const struct settings *s, struct match *ret, struct err *e)
{
	struct cpu cpu = cpu_of("skylake-avx512");
	struct match_machine m = {.instance_type = "c5n.large", .cpu = &cpu};

	return match_scan(t->fd, s, &m, ret, e);
}

static const struct candidate *find(const struct match *m, const char *file)
{
	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->candidate[i].file, file) == 0)
			return &m->candidate[i];
	}
	return NULL;
}

static void expect(const struct match *m, const char *file, const char *why)
{
	const struct candidate *c = find(m, file);

	if (!c)
		fail_msg("%s is no candidate", file);
	else if (c->chosen != !why[0] || !strstr(c->why_not, why) || (!why[0] && c->why_not[0]))
		fail_msg("%s: %s, '%s'", file, c->chosen ? "chosen" : "not chosen", c->why_not);
}

static void touch(const struct scratch *t, const char *file)
{
	char path[300];

	snprintf(path, sizeof(path), "data/%s", file);
	scratch_write(t, path, "x");
}

static void test_scan(void **state)
{
	static char copy0[] = "octave_workflow.tar.xz", copy1[] = "run_scripts/";
	char *copy[] = {copy0, copy1};
	struct settings s = settings_of(NULL, 0, copy, 2);
	const struct scratch *t = *state;
	auto_match struct match m = {0};
	struct err e = ERR_INIT;

	touch(t, "octave_c5.tar.gz");
	touch(t, "octave_c5n.tar.gz");
	touch(t, "octave_c5n.tar.bz2");
	touch(t, "octave_c7g.tar.gz");
	touch(t, "octave.tar.gz");
	touch(t, "octave_workflow.tar.xz");
	touch(t, "run_scripts/x.tar.gz");
	touch(t, "README");
	touch(t, "folder.tar.gz/x");
	touch(t, "damaged_c5n.tar.gz");
	scratch_write(t, "data/damaged_c5n.tar.gz.json", "{");
	touch(t, "damaged_x86_64.tar.gz");
	touch(t, "future_c77xyz.tar.gz");
	scratch_write(t, "data/future_c77xyz.tar.gz.json", M("future", "c77xyz", X86));
	touch(t, "future_x86_64.tar.gz");
	scratch_write(t, "elsewhere/real", "x");
	assert_int_equal(symlinkat("/elsewhere/real", t->fd, "data/linked_c5n.tar.gz"), 0);
	assert_int_equal(symlinkat("/nowhere", t->fd, "data/dangling.tar.gz"), 0);
	assert_int_equal(mkfifoat(t->fd, "data/fifo.tar.gz", 0600), 0);

	if (scan(t, &s, &m, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(m.n, 11);
	expect(&m, "octave_c5n.tar.gz", "");
	expect(&m, "octave_c5n.tar.bz2", "octave_c5n.tar.gz has the same key and unpacks faster");
	expect(&m, "octave_c5.tar.gz", "no manifest");
	expect(&m, "octave_c7g.tar.gz", "made for c7g");
	expect(&m, "octave.tar.gz", "less specific than octave_c5n.tar.gz");
	expect(&m, "damaged_c5n.tar.gz", "manifest");
	expect(&m, "damaged_x86_64.tar.gz", "");
	expect(&m, "future_c77xyz.tar.gz", "made for c77xyz");
	expect(&m, "future_x86_64.tar.gz", "");
	expect(&m, "linked_c5n.tar.gz", "");
	expect(&m, "dangling.tar.gz", "dangling.tar.gz");
	/* sorted by app */
	for (size_t i = 1; i < m.n; i++)
		assert_true(strcmp(m.candidate[i - 1].app, m.candidate[i].app) <= 0);
	assert_int_equal(match_check(&m, &e), -ENOEXEC);
	assert_int_equal(e.kind, ERR_NO_FIT);
	assert_non_null(strstr(e.msg, "'dangling'"));
}

static void test_scan_apps(void **state)
{
	static char octave[] = "octave", julia[] = "julia";
	char *apps[] = {octave, julia};
	const struct scratch *t = *state;
	struct settings s = settings_of(apps, 1, NULL, 0);
	auto_match struct match m = {0}, none = {0};
	struct err e = ERR_INIT;

	touch(t, "octave_c5n.tar.gz");
	touch(t, "other_c7g.tar.gz");
	assert_int_equal(scan(t, &s, &m, &e), 0);
	assert_int_equal(m.n, 1);
	assert_int_equal(match_check(&m, &e), 0);
	s.apps.len = 2;
	assert_int_equal(scan(t, &s, &none, &e), -ENOENT);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_non_null(strstr(e.msg, "'julia'"));
	assert_non_null(strstr(e.msg, "octave, other"));
	assert_null(none.candidate);
}

static void test_scan_nothing(void **state)
{
	static char octave[] = "octave";
	char *apps[] = {octave};
	const struct scratch *t = *state;
	struct settings s = settings_of(NULL, 0, NULL, 0);
	auto_match struct match m = {0};
	struct err e = ERR_INIT;

	assert_int_equal(scan(t, &s, &m, &e), 0);
	assert_int_equal(m.n, 0);
	assert_int_equal(match_check(&m, &e), 0);
	s = settings_of(apps, 1, NULL, 0);
	assert_int_equal(scan(t, &s, &m, &e), -ENOENT);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_non_null(strstr(e.msg, "holds no archive"));
	scratch_write(t, "data", "not a directory");
	assert_int_equal(scan(t, &s, &m, &e), -ENOTDIR);
}

static void test_check_nearest(void **state)
{
	const struct scratch *t = *state;
	struct settings s = settings_of(NULL, 0, NULL, 0);
	auto_match struct match m = {0};
	struct err e = ERR_INIT;

	touch(t, "octave_aarch64.tar.gz");
	touch(t, "octave_c7g.tar.gz");
	touch(t, "octave_icelake-server.tar.gz");
	assert_int_equal(scan(t, &s, &m, &e), 0);
	assert_int_equal(match_check(&m, &e), -ENOEXEC);
	assert_string_equal(e.msg,
		"match: none of 3 archive(s) of 'octave' fits this machine; nearest is "
		"'octave_icelake-server.tar.gz': icelake-server needs sha, which this CPU lacks");
}

static void test_too_many(void **state)
{
	const struct scratch *t = *state;
	struct settings s = settings_of(NULL, 0, NULL, 0);
	auto_match struct match m = {0};
	struct err e = ERR_INIT;

	touch(t, "a.tar.gz");
	for (int i = 0; i < 4096; i++) {
		char name[32];

		snprintf(name, sizeof(name), "data/%d", i);
		assert_int_equal(symlinkat("x", t->fd, name), 0);
	}
	assert_int_equal(scan(t, &s, &m, &e), -E2BIG);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_int_equal(unlinkat(t->fd, "data/0", 0), 0);
	assert_int_equal(scan(t, &s, &m, &e), 0);
	assert_int_equal(m.n, 1);
}

#define scratch_test(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_scan),
		scratch_test(test_scan_apps),
		scratch_test(test_scan_nothing),
		scratch_test(test_check_nearest),
		scratch_test(test_too_many),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
