/* SPDX-License-Identifier: Apache-2.0 */
/* Processors as /proc/cpuinfo shows them: the project's own (tests/data/cpu) and recorded ones. */
#include "agent/cpu.h"
#include "common/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/cpu_check.h"

#define TEXT_MAX (1024 * 1024)

static const char *top(void)
{
	const char *t = getenv("TOP");

	return t ? t : ".";
}

static void read_text(const char *dir, const char *name, struct buf *out)
{
	auto_close int fd = -1;
	struct err e = ERR_INIT;

	if (fs_root(dir, &fd, &e) < 0 || fs_read(fd, name, out, &e) < 0)
		fail_msg("%s/%s: %s", dir, name, e.msg);
}

static void line_value(const char *text, const char *key, char *out, size_t size)
{
	const char *p = strstr(text, key);

	out[0] = '\0';
	if (p && (p = strchr(p, ':')))
		snprintf(out, size, "%.*s", (int)strcspn(p + 2, "\n"), p + 2);
}

typedef void fixture_fn(const char *name, const char *text);

/* Returns how many files there were, -1 without the folder. */
static int for_each_file(const char *dir, const char *prefix, fixture_fn *fn)
{
	auto_dir DIR *d = opendir(dir);
	int n = 0;

	if (!d)
		return -1;
	for (const struct dirent *f; (f = readdir(d));) {
		auto_buf struct buf text = BUF_INIT(TEXT_MAX);

		if (f->d_name[0] == '.' || strcmp(f->d_name, "README") == 0 ||
			strncmp(f->d_name, prefix, strlen(prefix)) != 0)
			continue;
		read_text(dir, f->d_name, &text);
		fn(f->d_name, buf_str(&text));
		n++;
	}
	return n;
}

static void check_fixture(const char *name, const char *text)
{
	char march[64], level[64];
	const char *levels[5];
	struct err e = ERR_INIT;
	struct cpu c;

	line_value(text, "expected march", march, sizeof(march));
	line_value(text, "expected level", level, sizeof(level));
	assert_int_equal(cpu_from_cpuinfo(text, &c, &e), 0);
	cpu_levels(&c, levels);
	check_text(name, c.march, march);
	check_text(name, levels[0], level);
	assert_string_equal(c.source, "cpuinfo");
	check_consistent(name, &c);
}

static void test_own_fixtures(void **state)
{
	char dir[4096];

	(void)state;
	snprintf(dir, sizeof(dir), "%s/tests/data/cpu", top());
	assert_true(for_each_file(dir, "", check_fixture) >= 35);
}

/* Where a target's name in archspec is not GCC's. */
static const struct {
	const char *archspec;
	const char *gcc;
} renamed[] = {
	{"zen", "znver1"},
	{"zen2", "znver2"},
	{"zen3", "znver3"},
	{"zen4", "znver4"},
	{"zen5", "znver5"},
	{"icelake", "icelake-server"},
};

static const struct {
	const char *march;
	const char *level;
} march_levels[] = {
	{"ivybridge", "x86-64-v2"},
	{"haswell", "x86-64-v3"},
	{"broadwell", "x86-64-v3"},
	{"skylake", "x86-64-v3"},
	{"alderlake", "x86-64-v3"},
	{"skylake-avx512", "x86-64-v4"},
	{"cascadelake", "x86-64-v4"},
	{"icelake-server", "x86-64-v4"},
	{"sapphirerapids", "x86-64-v4"},
	{"znver1", "x86-64-v3"},
	{"znver2", "x86-64-v3"},
	{"znver3", "x86-64-v3"},
	{"znver4", "x86-64-v4"},
	{"znver5", "x86-64-v4"},
	{"x86-64-v2", "x86-64-v2"},
	{"x86-64-v3", "x86-64-v3"},
	{"x86-64-v4", "x86-64-v4"},
};

/* linux-DISTRIBUTION-TARGET */
static void check_vector(const char *name, const char *text)
{
	const char *target = strrchr(name, '-') + 1, *level = "none", *levels[5];
	struct err e = ERR_INIT;
	char want[64];
	struct cpu c;

	snprintf(want, sizeof(want), "%s", target);
	for (char *p = want; *p; p++)
		*p = *p == '_' ? '-' : *p;
	for (size_t i = 0; i < ARRAY_LEN(renamed); i++) {
		if (strcmp(renamed[i].archspec, target) == 0)
			snprintf(want, sizeof(want), "%s", renamed[i].gcc);
	}
	for (size_t i = 0; i < ARRAY_LEN(march_levels); i++) {
		if (strcmp(march_levels[i].march, want) == 0)
			level = march_levels[i].level;
	}
	assert_int_equal(cpu_from_cpuinfo(text, &c, &e), 0);
	cpu_levels(&c, levels);
	check_text(name, c.march, want);
	check_text(name, levels[0], level);
	check_consistent(name, &c);
}

static void test_vectors(void **state)
{
	const char *vectors = getenv("VECTORS");
	char dir[4096];
	int n;

	(void)state;
	if (vectors)
		snprintf(dir, sizeof(dir), "%s/cpuinfo", vectors);
	else
		snprintf(dir, sizeof(dir), "%s/../shared/vectors/cpuinfo", top());
	n = for_each_file(dir, "linux-", check_vector);
	if (n <= 0 && getenv("CI"))
		fail_msg("no vectors in '%s'", dir);
	/* cmocka's skip() prints "not ok", which counts as a failure. */
	if (n <= 0)
		print_message("# no vectors in '%s': nothing tested\n", dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_fixtures),
		cmocka_unit_test(test_vectors),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
