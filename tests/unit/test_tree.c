/* SPDX-License-Identifier: Apache-2.0 */
/* The same sequences of entries are given to the writer, with openat2 and without, and to the check
 * that writes nothing: all three must say the same. */
#include "agent/unpack/outline.h"
#include "agent/unpack/tree.h"
#include "common/fs.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define F ENTRY_FILE
#define D ENTRY_DIR
#define S ENTRY_SYMLINK
#define H ENTRY_HARDLINK
#define P ENTRY_FIFO

struct step {
	enum entry_kind kind;
	const char *path;
	const char *link;
};

#define STEPS 5

/* clang-format off */
static const struct {
	const char *name;
	struct step step[STEPS];
	int rc; /* of the last step */
	const char *why;
} sequences[] = {
	{"one file", {{F, "a", NULL}}, 0, NULL},
	{"implied parents", {{F, "a/b/c", NULL}, {F, "a/b/d", NULL}, {F, "a/e", NULL}}, 0, NULL},
	{"top", {{D, "./", NULL}, {F, "a", NULL}}, 0, NULL},
	{"dots and slashes", {{D, "./a//", NULL}, {F, "a/./b", NULL}, {F, ".//a//c", NULL}}, 0, NULL},
	{"absolute", {{F, "/a", NULL}}, -EPERM, "is absolute"},
	{"only slashes", {{D, "//", NULL}}, -EPERM, "is absolute"},
	{"dot dot", {{F, "../a", NULL}}, -EPERM, "contains '..'"},
	{"dot dot inside", {{D, "a", NULL}, {F, "a/../b", NULL}}, -EPERM, "contains '..'"},
	{"dot dot at the end", {{D, "a/..", NULL}}, -EPERM, "contains '..'"},
	{"three dots", {{F, "...", NULL}, {F, "..a/b..", NULL}}, 0, NULL},
	{"empty", {{F, "", NULL}}, -EINVAL, "has no name"},
	{"top as a file", {{F, ".", NULL}}, -EPERM, "top directory"},
	{"through a link", {{S, "l", "/tmp"}, {F, "l/a", NULL}}, -ELOOP, "a symbolic link"},
	{"through a link up", {{S, "l", ".."}, {D, "l/a", NULL}}, -ELOOP, "a symbolic link"},
	{"through a link to a directory", {{D, "d", NULL}, {S, "l", "d"}, {F, "l/a", NULL}}, -ELOOP,
		"'l/a' would be written through 'l', which is a symbolic link"},
	{"through an inner link", {{D, "d", NULL}, {S, "d/l", "."}, {F, "d/l/a/b", NULL}}, -ELOOP,
		"through 'd/l', which"},
	{"through a cached directory that became a link",
		{{D, "d", NULL}, {S, "d", "/tmp"}, {F, "d/a", NULL}}, -ELOOP, "a symbolic link"},
	{"through a file", {{F, "f", NULL}, {F, "f/a", NULL}}, -ENOTDIR, "no directory"},
	{"file twice", {{F, "f", NULL}, {F, "f", NULL}}, 0, NULL},
	{"file over link", {{S, "f", "/etc/passwd"}, {F, "f", NULL}}, 0, NULL},
	{"file over empty directory", {{D, "f", NULL}, {F, "f", NULL}}, 0, NULL},
	{"file over full directory", {{F, "f/a", NULL}, {F, "f", NULL}}, -ENOTEMPTY, "is not empty"},
	{"link over full directory", {{F, "f/a", NULL}, {S, "f", "/"}}, -ENOTEMPTY, "is not empty"},
	{"hard link over full directory", {{F, "a", NULL}, {F, "f/a", NULL}, {H, "f", "a"}}, -ENOTEMPTY,
		"is not empty"},
	{"directory over file", {{F, "d", NULL}, {D, "d", NULL}, {F, "d/a", NULL}}, 0, NULL},
	{"directory over link", {{S, "d", "/"}, {D, "d", NULL}, {F, "d/a", NULL}}, 0, NULL},
	{"directory, file, directory",
		{{D, "d", NULL}, {F, "d", NULL}, {D, "d", NULL}, {F, "d/a", NULL}}, 0, NULL},
	{"hard link", {{F, "a", NULL}, {H, "d/b", "./a"}, {H, "d/b", "a"}}, 0, NULL},
	{"hard link over file", {{F, "a", NULL}, {F, "b", NULL}, {H, "b", "a"}}, 0, NULL},
	{"hard link to nothing", {{H, "b", "a"}}, -ENOENT, "has not brought"},
	{"hard link out", {{H, "b", "../a"}}, -EPERM, "contains '..'"},
	{"hard link to a root", {{H, "b", "/etc/passwd"}}, -EPERM, "is absolute"},
	{"hard link to a link", {{S, "l", "/etc/passwd"}, {H, "b", "l"}}, -EPERM, "is no file"},
	{"hard link through a link", {{S, "l", "/etc"}, {H, "b", "l/passwd"}}, -ENOENT,
		"has not brought"},
	{"hard link to a directory", {{D, "d", NULL}, {H, "b", "d"}}, -EPERM, "is no file"},
	{"hard link to a replaced file", {{F, "a", NULL}, {S, "a", "x"}, {H, "b", "a"}}, -EPERM,
		"is no file"},
	{"hard link to itself", {{F, "a", NULL}, {H, "a", "a"}}, -EPERM, "to itself"},
	{"link to nothing", {{S, "l", ""}}, -EINVAL, "to no name"},
	{"fifo", {{P, "p", NULL}}, -EPERM, "is a FIFO"},
};
/* clang-format on */

static void fill_entry(struct entry *n, const struct step *s)
{
	*n = (struct entry){
		.kind = s->kind,
		.path = s->path,
		.link = s->link,
		.mode = s->kind == D ? 0755 : 0644,
		.uid = getuid(),
		.gid = getgid(),
		.mtime = {.tv_sec = 1},
	};
}

static int play(const struct step *step, struct tree *t, struct outline *o, struct err *e)
{
	const struct entry_rules rules = {0};
	struct entry n;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < STEPS && step[i].path; i++) {
		fill_entry(&n, &step[i]);
		rc = entry_check(&n, &rules, e);
		if (rc == 0)
			rc = t ? tree_add(t, &n, e) : outline_add(o, &n, e);
		if (rc == 0 && t && n.kind == F)
			rc = tree_end_file(t, &n, e);
	}
	return rc;
}

static void compare(size_t k, const char *how, int rc, const struct err *e)
{
	if (rc != sequences[k].rc || (rc < 0 && !strstr(e->msg, sequences[k].why)))
		fail_msg("%s, %s: %d, '%s'", sequences[k].name, how, rc, e->msg);
	if (rc < 0)
		assert_int_equal(e->kind, ERR_DATA);
}

static void play_tree(const struct scratch *t, bool walk)
{
	for (size_t k = 0; k < ARRAY_LEN(sequences); k++) {
		struct err e = ERR_INIT;
		struct tree *tree = NULL;
		int rc;

		assert_int_equal(tree_open(t->fd, "tree", walk, &tree, &e), 0);
		rc = play(sequences[k].step, tree, NULL, &e);
		compare(k, walk ? "walk" : "openat2", rc, &e);
		if (rc == 0)
			assert_int_equal(tree_finish(tree, &e), 0);
		assert_int_equal(tree_abort(tree, &e), 0);
		tree_close(tree);
		assert_false(fs_exists(t->fd, "tree"));
	}
}

static void test_openat2(void **state)
{
	play_tree(*state, false);
}

static void test_walk(void **state)
{
	play_tree(*state, true);
}

static void test_outline(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(sequences); k++) {
		struct err e = ERR_INIT;
		struct outline *o = NULL;

		assert_int_equal(outline_open(&o, &e), 0);
		compare(k, "outline", play(sequences[k].step, NULL, o, &e), &e);
		outline_close(o);
	}
}

/* Many names, so that the table grows. */
static void test_outline_grows(void **state)
{
	struct outline *o = NULL;
	struct err e = ERR_INIT;
	char name[32];

	(void)state;
	assert_int_equal(outline_open(&o, &e), 0);
	for (int i = 0; i < 5000; i++) {
		struct entry n = {.kind = F, .path = name};

		snprintf(name, sizeof(name), "d%d/f%d", i % 7, i);
		assert_int_equal(outline_add(o, &n, &e), 0);
	}
	for (int i = 0; i < 5000; i++) {
		struct entry n = {.kind = H, .path = "h", .link = name};

		snprintf(name, sizeof(name), "d%d/f%d", i % 7, i);
		assert_int_equal(outline_add(o, &n, &e), 0);
	}
	outline_close(o);
}

static void test_attributes(void **state)
{
	const struct scratch *t = *state;
	const struct entry_rules rules = {0};
	const struct step steps[] = {
		{D, "r", NULL}, {F, "r/f", NULL}, {D, "r/s", NULL}, {F, "r/s/g", NULL}};
	struct err e = ERR_INIT;
	struct tree *tree = NULL;
	struct entry n;
	struct stat st;

	assert_int_equal(tree_open(t->fd, "tree", false, &tree, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		fill_entry(&n, &steps[i]);
		n.mode = steps[i].kind == D ? 0500 : 06755;
		n.mtime = (struct timespec){1600000000, 123456789};
		n.size = 10;
		assert_int_equal(steps[i].kind == D ? (n.size = 0) : 0, 0);
		assert_int_equal(entry_check(&n, &rules, &e), 0);
		assert_int_equal(tree_add(tree, &n, &e), 0);
		if (n.kind != F)
			continue;
		assert_int_equal(tree_write(tree, "abc", 3, 4, &e), 0);
		assert_int_equal(tree_end_file(tree, &n, &e), 0);
	}
	assert_int_equal(scratch_mode(t, "tree"), S_IFDIR | 0700);
	assert_int_equal(tree_finish(tree, &e), 0);
	tree_close(tree);
	assert_int_equal(scratch_mode(t, "tree"), S_IFDIR | 0755);
	assert_int_equal(scratch_mode(t, "tree/r"), S_IFDIR | 0500);
	assert_int_equal(scratch_mode(t, "tree/r/f"), S_IFREG | 0755);
	assert_int_equal(fstatat(t->fd, "tree/r/s/g", &st, 0), 0);
	assert_int_equal(st.st_size, 10);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	assert_int_equal(fstatat(t->fd, "tree/r", &st, 0), 0);
	assert_int_equal(st.st_mtim.tv_sec, 1600000000);
}

static void test_target(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	struct tree *tree = NULL;
	const struct step step[STEPS] = {{F, "a/b", NULL}, {S, "a/c", "/"}};

	scratch_write(t, "full/file", "kept");
	assert_int_equal(tree_open(t->fd, "full", false, &tree, &e), -ENOTEMPTY);
	assert_int_equal(symlinkat("full", t->fd, "link"), 0);
	assert_true(tree_open(t->fd, "link", false, &tree, &e) < 0);
	assert_true(tree_open(t->fd, "full/file", false, &tree, &e) < 0);
	assert_true(fs_exists(t->fd, "full/file"));
	assert_int_equal(mkdirat(t->fd, "empty", 0710), 0);
	assert_int_equal(tree_open(t->fd, "empty", false, &tree, &e), 0);
	assert_int_equal(play(step, tree, NULL, &e), 0);
	assert_true(fs_exists(t->fd, "empty/a/b"));
	assert_int_equal(tree_abort(tree, &e), 0);
	tree_close(tree);
	assert_false(fs_exists(t->fd, "empty/a"));
	assert_int_equal(scratch_mode(t, "empty"), S_IFDIR | 0710);
	assert_int_equal(tree_open(t->fd, "empty", false, &tree, &e), 0);
	assert_int_equal(tree_finish(tree, &e), 0);
	tree_close(tree);
	assert_int_equal(scratch_mode(t, "empty"), S_IFDIR | 0710);
}

static void test_names(void **state)
{
	static const struct {
		const char *raw, *want;
	} names[] = {
		{"a", "a"},
		{"./a/b/", "a/b"},
		{"././", ""},
		{"a///b/././c", "a/b/c"},
		{".a/..b/...", ".a/..b/..."},
		{"/", NULL},
		{"a/../b", NULL},
		{"..", NULL},
		{"a/..", NULL},
	};
	char out[ENTRY_PATH], raw[2 * ENTRY_PATH], quoted[ENTRY_QUOTE];
	const char *why;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int rc = entry_path(names[i].raw, out, &why);

		assert_int_equal(rc, names[i].want ? 0 : -EPERM);
		if (rc == 0)
			assert_string_equal(out, names[i].want);
	}
	for (size_t i = 0; i < sizeof(raw) - 1; i++)
		raw[i] = i % 2 ? '/' : 'a';
	raw[ENTRY_PATH - 1] = '\0';
	assert_int_equal(entry_path(raw, out, &why), 0);
	assert_int_equal(strlen(out), ENTRY_PATH - 1);
	memset(raw, 'a', 256);
	raw[255] = '\0';
	assert_int_equal(entry_path(raw, out, &why), 0);
	raw[255] = 'a';
	raw[256] = '\0';
	assert_int_equal(entry_path(raw, out, &why), -ENAMETOOLONG);
	assert_string_equal(entry_quote("a\x1b[m\n\\", quoted), "'a\\033[m\\012\\134'");
	memset(raw, '\1', sizeof(raw) - 1);
	raw[sizeof(raw) - 1] = '\0';
	assert_true(strlen(entry_quote(raw, quoted)) < ENTRY_QUOTE);
	for (size_t len = 50; len < 200; len++) {
		raw[len] = '\0';
		assert_true(strlen(entry_quote(raw, quoted)) < ENTRY_QUOTE);
		raw[len] = '\1';
	}
}

static void test_strip(void **state)
{
	static const struct {
		const char *path, *want;
	} cases[] = {
		{"app/bin/x", "bin/x"},
		{"./app//x/", "x"},
		{"app2/x", NULL},
		{"x", NULL},
	};
	const struct entry_rules rules = {.strip = "app"};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct entry n = {.kind = F, .path = cases[i].path};
		int rc = entry_check(&n, &rules, &e);

		assert_int_equal(rc, cases[i].want ? 0 : -EPERM);
		if (rc == 0)
			assert_string_equal(n.path, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_strip),
		cmocka_unit_test(test_outline),
		cmocka_unit_test(test_outline_grows),
		cmocka_unit_test_setup_teardown(test_openat2, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_walk, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_attributes, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_target, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
