/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"

#include "tests/unit/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

struct settings {
	char *name;
	char *path;
	uint64_t size;
	uint64_t timeout;
	bool flag;
	struct config_words words;
};

static const struct config_key keys[] = {
	{"Shared", "Name", config_string, offsetof(struct settings, name)},
	{"Shared", "Path", config_path, offsetof(struct settings, path)},
	{"Shared", "Size", config_size, offsetof(struct settings, size)},
	{"Other", "Timeout", config_duration, offsetof(struct settings, timeout)},
	{"Other", "Flag", config_bool, offsetof(struct settings, flag)},
	{"Other", "Words", config_list, offsetof(struct settings, words)},
	{.section = NULL},
};

static void settings_free(struct settings *s)
{
	free(s->name);
	free(s->path);
	config_words_free(&s->words);
}

#define auto_settings __attribute__((cleanup(settings_free)))

static int load(const struct scratch *t, const char *text, struct settings *s, struct err *e)
{
	scratch_write(t, "x.conf", text);
	return config_load(t->fd, "/x.conf", keys, s, false, e);
}

static void test_good(void **state)
{
	auto_settings struct settings s = {0};
	struct err e = ERR_INIT;

	assert_int_equal(load(*state,
				 "\xef\xbb\xbf# comment\n; another\n\n[Shared]\r\n"
				 "Name = a name \r\n"
				 "   Path=//a/./b//c/\n"
				 "\tSize=1.5G ; inline\n"
				 "[Other] # comment\n"
				 "Timeout=2min\nFlag=yes\nWords= a  b\tc\nWords=d=e:f;g",
				 &s, &e),
		0);
	assert_string_equal(s.name, "a name");
	assert_string_equal(s.path, "/a/b/c");
	assert_true(s.size == 3ULL << 29);
	assert_true(s.timeout == 120000000000ULL);
	assert_true(s.flag);
	assert_int_equal(s.words.len, 4);
	assert_string_equal(s.words.word[0], "a");
	assert_string_equal(s.words.word[3], "d=e:f;g");
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"[Shard]\n", "/x.conf:1: unknown section [Shard]: did you mean [Shared]?"},
		{"\n[Share]\n", "/x.conf:2: unknown section [Share]: did you mean [Shared]?"},
		{"[SharedX]\n", "/x.conf:1: unknown section [SharedX]: did you mean [Shared]?"},
		{"[Shared\n", "/x.conf:1: neither [Section] nor Key=value nor # comment"},
		{"[Shared] x\n", "/x.conf:1: neither [Section] nor Key=value nor # comment"},
		{"Name=a\n", "/x.conf:1: 'Name=' stands before the first [Section]"},
		{"[Shared]\n\nNmae=a\n",
			"/x.conf:3: unknown key 'Nmae=' in [Shared]: did you mean 'Name='?"},
		{"[Shared]\nname=a\n",
			"/x.conf:2: unknown key 'name=' in [Shared]: did you mean 'Name='?"},
		{"[Shared]\nFlag=yes\n", "/x.conf:2: unknown key 'Flag=' in [Shared]"},
		{"[Shared]\n=a\n", "/x.conf:2: unknown key '=' in [Shared]"},
		{"[Shared]\nName\n", "/x.conf:2: neither [Section] nor Key=value nor # comment"},
		{"[Shared]\nName: a\n", "/x.conf:2: neither [Section] nor Key=value nor # comment"},
		{"[Shared]\nName: a=b\n",
			"/x.conf:2: neither [Section] nor Key=value nor # comment"},
		{"[Shared]\nName ;=b\n",
			"/x.conf:2: neither [Section] nor Key=value nor # comment"},
		{"[Shared]\nName=\n", "/x.conf:2: [Shared] Name=: the value is empty"},
		{"[Shared]\nName= ;x\n", "/x.conf:2: [Shared] Name=: the value is empty"},
		{"[Shared]\nName=a\n  Size=x\n",
			"/x.conf:3: [Shared] Size=: 'x' is not a size: use bytes, or a number with "
			"K, M, G or T"},
		{"[Shared]\nPath=a\n", "/x.conf:2: [Shared] Path=: 'a' is not an absolute path"},
		{"[Shared]\nPath=/a/../b\n", "/x.conf:2: [Shared] Path=: '/a/../b' holds '..'"},
		{"[Other]\nFlag=maybe\n",
			"/x.conf:2: [Other] Flag=: 'maybe' is neither yes nor no"},
		{"[Other]\nTimeout=99999999d\nFlag=maybe\n",
			"/x.conf:2: [Other] Timeout=: '99999999d' is too long a duration"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_settings struct settings s = {0};
		struct err e = ERR_INIT;

		assert_true(load(*state, cases[i].text, &s, &e) < 0);
		assert_string_equal(e.msg, cases[i].want);
		assert_int_equal(e.kind, ERR_CONFIG);
	}
}

static void test_long_lines(void **state)
{
	auto_settings struct settings s = {0};
	struct err e = ERR_INIT;
	char text[6000];
	int len = snprintf(text, sizeof(text), "[Shared]\nName=");

	memset(text + len, 'x', sizeof(text) - (size_t)len);
	text[len + 150] = '\0';
	assert_int_equal(load(*state, text, &s, &e), 0);
	assert_int_equal(strlen(s.name), 150);
	text[len + 150] = 'x';
	text[5999] = '\0';
	assert_int_equal(load(*state, text, &s, &e), -EFBIG);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_non_null(strstr(e.msg, "/x.conf:2: the line is longer than "));
	assert_int_equal(strlen(s.name), 150);
}

static void test_paths(void **state)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
		{"/", "/"},
		{"//", "/"},
		{"/.", "/"},
		{"/a", "/a"},
		{"/a/", "/a"},
		{"/.a/..b/...", "/.a/..b/..."},
		{"", NULL},
		{"a/b", NULL},
		{"/..", NULL},
		{"/a/..", NULL},
	};
	auto_free char *field = NULL;
	struct err e = ERR_INIT;
	char text[5000];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int rc = config_path(cases[i].value, &field, &e);

		assert_int_equal(rc, cases[i].want ? 0 : -EINVAL);
		assert_string_equal(field, cases[i].want ? cases[i].want : "/.a/..b/...");
	}
	memset(text, '/', sizeof(text));
	text[4999] = '\0';
	assert_int_equal(config_path(text, &field, &e), -ENAMETOOLONG);
}

static void test_list(void **state)
{
	struct config_words w = {0};
	auto_free char *many = malloc(2 * 4097);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(config_list("a b", &w, &e), 0);
	assert_non_null(many);
	for (int i = 0; i < 4096; i++) {
		many[2 * i] = 'x';
		many[2 * i + 1] = ' ';
	}
	many[2 * 4096] = '\0';
	assert_int_equal(config_list(many, &w, &e), -E2BIG);
	assert_int_equal(w.len, 2);
	assert_int_equal(config_list("", &w, &e), 0);
	assert_int_equal(w.len, 0);
	assert_int_equal(config_list(" c ", &w, &e), 0);
	assert_int_equal(w.len, 1);
	config_words_free(&w);
	config_words_free(&w);
}

static void test_absent(void **state)
{
	const struct scratch *t = *state;
	auto_settings struct settings s = {0};
	struct err e = ERR_INIT;

	assert_int_equal(config_load(t->fd, "/no.conf", keys, &s, true, &e), 0);
	assert_int_equal(config_load(t->fd, "/no.conf", keys, &s, false, &e), -ENOENT);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_non_null(strstr(e.msg, "/no.conf"));
	assert_int_equal(config_load(t->fd, "/", keys, &s, true, &e), -EISDIR);
	assert_int_equal(config_load_dir(t->fd, "/no.d", keys, &s, &e), 0);
	scratch_write(t, "file", "");
	assert_int_equal(config_load_dir(t->fd, "/file", keys, &s, &e), -ENOTDIR);
}

static void test_not_text(void **state)
{
	const struct scratch *t = *state;
	auto_settings struct settings s = {0};
	struct err e = ERR_INIT;
	FILE *f;
	char path[128];

	snprintf(path, sizeof(path), "%s/x.conf", t->path);
	f = fopen(path, "w");
	fwrite("[Shared]\n\0Name=a\n", 1, 17, f);
	fclose(f);
	assert_int_equal(config_load(t->fd, "x.conf", keys, &s, false, &e), -EINVAL);
	assert_string_equal(e.msg, "x.conf: not a text file");
}

static void test_directory(void **state)
{
	const struct scratch *t = *state;
	auto_settings struct settings s = {0};
	struct err e = ERR_INIT;
	char path[64];

	scratch_write(t, "c.d/10-a.conf", "[Shared]\nName=a\nSize=1\n[Other]\nWords=a\n");
	scratch_write(t, "c.d/9-b.conf", "[Shared]\nName=b\n[Other]\nWords=b\n");
	scratch_write(t, "c.d/A.conf", "[Other]\nWords=\nWords=c d\n");
	scratch_write(t, "c.d/.hidden.conf", "bad");
	scratch_write(t, "c.d/x.conf.bak", "bad");
	scratch_write(t, "c.d/conf", "bad");
	assert_int_equal(config_load_dir(t->fd, "/c.d", keys, &s, &e), 0);
	assert_string_equal(s.name, "b");
	assert_int_equal(s.size, 1);
	assert_int_equal(s.words.len, 2);
	scratch_write(t, "c.d/5.conf", "bad\n");
	assert_true(config_load_dir(t->fd, "/c.d", keys, &s, &e) < 0);
	assert_memory_equal(e.msg, "/c.d/5.conf:1: ", 15);
	for (int i = 0; i < 257; i++) {
		snprintf(path, sizeof(path), "many.d/%d.conf", i);
		scratch_write(t, path, "");
	}
	assert_int_equal(config_load_dir(t->fd, "many.d", keys, &s, &e), -E2BIG);
	assert_int_equal(e.kind, ERR_CONFIG);
}

struct item {
	char *name;
	uint64_t size;
	struct config_words words;
};

struct project {
	char *title;
	struct item *item;
	size_t n_items;
};

static int item_init(void *item, struct err *e)
{
	(void)e;
	((struct item *)item)->size = 7;
	return 0;
}

static const struct config_key named_keys[] = {
	{"project", "title", config_string, offsetof(struct project, title)},
	{"app", "size", config_size, offsetof(struct item, size)},
	{"app", "words", config_quoted, offsetof(struct item, words)},
	{.section = NULL},
};

static const struct config_named named[] = {
	{"app", offsetof(struct project, item), offsetof(struct project, n_items),
		sizeof(struct item), 3, config_string, item_init},
	{.section = NULL},
};

static void project_free(struct project *p)
{
	for (size_t i = 0; i < p->n_items; i++) {
		free(p->item[i].name);
		config_words_free(&p->item[i].words);
	}
	free(p->item);
	free(p->title);
}

#define auto_project __attribute__((cleanup(project_free)))

static int load_named(const struct scratch *t, const char *text, struct project *p,
	struct config_lines *lines, struct err *e)
{
	static const struct config_schema schema = {named_keys, named};
	char path[128];

	scratch_write(t, "x.ini", text);
	snprintf(path, sizeof(path), "%s/x.ini", t->path);
	return config_load_named(path, &schema, p, lines, e);
}

static void test_named(void **state)
{
	auto_project struct project p = {0};
	auto_config_lines struct config_lines lines = {0};
	struct err e = ERR_INIT;

	assert_int_equal(
		load_named(*state,
			"[app one]\nsize=1K\n[project]\ntitle=t\n"
			"[app \ta name of more than the fifty bytes that inih's buffer has]\n"
			"words=a 'b c'\n\nwords=\"d\" ab\n",
			&p, &lines, &e),
		0);
	assert_string_equal(p.title, "t");
	assert_int_equal(p.n_items, 2);
	assert_string_equal(p.item[0].name, "one");
	assert_int_equal(p.item[0].size, 1024);
	assert_string_equal(
		p.item[1].name, "a name of more than the fifty bytes that inih's buffer has");
	assert_int_equal(p.item[1].size, 7);
	assert_int_equal(p.item[1].words.len, 4);
	assert_string_equal(p.item[1].words.word[1], "b c");
	assert_int_equal(config_line(&lines, "app one", "", NULL), 1);
	assert_int_equal(config_line(&lines, "app one", "size", NULL), 2);
	assert_int_equal(config_line(&lines, "app one", "words", NULL), 0);
	assert_int_equal(config_line(&lines,
				 "app a name of more than the fifty bytes that "
				 "inih's buffer has",
				 "words", "d"),
		8);
	assert_int_equal(config_line(&lines, "app two", "size", NULL), 0);
	assert_int_equal(config_line(&lines, "project", "title", "t"), 4);
}

static void test_lines(void **state)
{
	static const struct {
		const char *word;
		int line;
	} cases[] = {{NULL, 4}, {"a", 2}, {"c5", 3}, {"c5n", 2}, {"d", 4}, {"x", 4}, {"", 4}};
	auto_project struct project p = {0};
	auto_config_lines struct config_lines lines = {0};
	struct err e = ERR_INIT;

	assert_int_equal(load_named(*state, "[app a]\nwords=a c5n\nwords=b c5\nwords='c' \"d\"\n",
				 &p, &lines, &e),
		0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
			config_line(&lines, "app a", "words", cases[i].word), cases[i].line);
}

static void test_bad_named(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"[app]\n", "x.ini:1: [app] needs a name: [app NAME]"},
		{"[app ]\n", "x.ini:1: [app ] needs a name: [app NAME]"},
		{"[ap x]\n", "x.ini:1: unknown section [ap x]: did you mean [app NAME]?"},
		{"[application x]\n", "x.ini:1: unknown section [application x]"},
		{"[project x]\n", "x.ini:1: unknown section [project x]: did you mean [project]?"},
		{"[app a]\n[app b]\n[app a]\n", "x.ini:3: there is a [app a] already"},
		{"[app a]\n[app b]\n[app c]\n[app d]\n",
			"x.ini:4: more than 3 sections like [app d]"},
		{"[app a]\ntitle=x\n", "x.ini:2: unknown key 'title=' in [app a]"},
		{"[app a]\nsice=1\n",
			"x.ini:2: unknown key 'sice=' in [app a]: did you mean 'size='?"},
		{"[app a]\nwords='x\n", "x.ini:2: [app a] words=: a ' has no end"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_project struct project p = {0};
		auto_config_lines struct config_lines lines = {0};
		struct err e = ERR_INIT;
		const char *slash;

		assert_true(load_named(*state, cases[i].text, &p, &lines, &e) < 0);
		slash = strstr(e.msg, "x.ini");
		assert_string_equal(slash ? slash : e.msg, cases[i].want);
		assert_int_equal(e.kind, ERR_CONFIG);
	}
}

#define WITH_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCRATCH(test_good),
		WITH_SCRATCH(test_bad),
		WITH_SCRATCH(test_long_lines),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_list),
		WITH_SCRATCH(test_absent),
		WITH_SCRATCH(test_not_text),
		WITH_SCRATCH(test_directory),
		WITH_SCRATCH(test_named),
		WITH_SCRATCH(test_lines),
		WITH_SCRATCH(test_bad_named),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
