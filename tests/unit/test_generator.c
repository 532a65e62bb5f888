/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/generator.h"
#include "agent/mnt.h"
#include "agent/settings.h"
#include "common/fs.h"
#include "common/num.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the four above */
#include <cmocka.h>

#include "tests/unit/namespace.h"

static void test_unit_name(void **state)
{
	/* as systemd-escape --path --suffix=mount prints them */
	static const struct {
		const char *path, *name;
	} row[] = {
		{"/shared", "shared.mount"},
		{"/", "-.mount"},
		{"//a///b/", "a-b.mount"},
		{"/mnt/my-disk", "mnt-my\\x2ddisk.mount"},
		{"/.hidden/.two", "\\x2ehidden-.two.mount"},
		{"/a b\\c", "a\\x20b\\x5cc.mount"},
		{"/a:b_c.d", "a:b_c.d.mount"},
		{"/\xc3\xa4", "\\xc3\\xa4.mount"},
		{"/a@b+c%d", "a\\x40b\\x2bc\\x25d.mount"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		auto_buf struct buf out = BUF_INIT(4096);
		struct err e = ERR_INIT;

		assert_int_equal(generator_unit_name(row[i].path, &out, &e), 0);
		assert_string_equal(buf_str(&out), row[i].name);
	}
}

static void test_long_unit_name(void **state)
{
	auto_buf struct buf out = BUF_INIT(4096);
	struct err e = ERR_INIT;
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "/%0300d", 1);
	assert_int_equal(generator_unit_name(path, &out, &e), -ENAMETOOLONG);
	assert_int_equal(e.kind, ERR_CONFIG);
}

#define OPTIONS "size=1048576,nr_inodes=64,mode=0755,nosuid,nodev"

static void test_unit(void **state)
{
	auto_buf struct buf out = BUF_INIT(4096);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(generator_unit("/shared", OPTIONS, &out, &e), 0);
	assert_string_equal(buf_str(&out),
		"# Written by shared-prep-generator at each boot and daemon-reload.\n"
		"[Unit]\n"
		"Description=Memory for shared-prep\n"
		"Documentation=man:shared-prep(8)\n"
		"DefaultDependencies=no\n"
		"ConditionPathIsSymbolicLink=!/shared\n"
		"Conflicts=umount.target\n"
		"Before=umount.target local-fs.target docker.service containerd.service\n"
		"Before=shared-prep.service\n"
		"Wants=shared-prep-seal.service\n"
		"After=systemd-remount-fs.service swap.target shared-prep-seal.service\n"
		"\n"
		"[Mount]\n"
		"What=tmpfs\n"
		"Type=tmpfs\n"
		"Where=/shared\n"
		"Options=" OPTIONS "\n");
	buf_reset(&out);
	assert_int_equal(generator_unit("/a%b", OPTIONS, &out, &e), 0);
	assert_non_null(strstr(buf_str(&out), "Where=/a%%b\n"));
	out.max = out.len + 100;
	assert_int_equal(generator_unit("/shared", OPTIONS, &out, &e), -ENOMEM);
}

static void test_drop_in(void **state)
{
	char shared[] = "/shared", other[] = "/scratch";
	const struct {
		struct settings s;
		const char *text;
	} row[] = {
		{{.path = shared}, ""},
		{{.path = shared, .on_failure = ON_FAILURE_POWEROFF},
			"[Unit]\nOnFailure=poweroff.target\n"
			"OnFailureJobMode=replace-irreversibly\n"},
		{{.path = other}, "[Service]\nReadWritePaths=-/scratch\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		auto_buf struct buf out = BUF_INIT(4096);
		struct err e = ERR_INIT;

		assert_int_equal(generator_drop_in(&row[i].s, &out, &e), 0);
		assert_string_equal(buf_str(&out), row[i].text);
	}
}

static void test_plan_file(void **state)
{
	static const struct {
		const char *json, *text; /* NULL: refused */
	} row[] = {
		{"{\"size_bytes\": 2097152, \"nr_inodes\": 5, \"options\": "
		 "\"size=1,nr_inodes=1,mode=0755,huge=within_size,noswap,nosuid,nodev\"}",
			"size=2097152,nr_inodes=5,mode=0755,huge=within_size,noswap,nosuid,nodev"},
		{"{\"size_bytes\": 2097152, \"nr_inodes\": 5, \"options\": \"\"}",
			"size=2097152,nr_inodes=5,mode=0755,nosuid,nodev"},
		{"{\"size_bytes\": 0, \"nr_inodes\": 5, \"options\": \"\"}", NULL},
		{"{\"size_bytes\": 1, \"nr_inodes\": 0, \"options\": \"\"}", NULL},
		{"{\"size_bytes\": -1, \"nr_inodes\": 5, \"options\": \"\"}", NULL},
		{"{\"size_bytes\": \"1\", \"nr_inodes\": 5, \"options\": \"\"}", NULL},
		{"{\"size_bytes\": 1, \"nr_inodes\": 5}", NULL},
		{"{\"size_bytes\": 1, \"nr_inodes\": 5, \"options\": \"huge=x\\nExecStart=y\"}",
			NULL},
		{"{\"size_bytes\": 1,", NULL},
		{"[]", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct mnt_options o;
		struct err e = ERR_INIT;
		char text[512];
		int rc = generator_plan_options(row[i].json, strlen(row[i].json), &o, &e);

		assert_int_equal(rc == 0, row[i].text != NULL);
		if (rc < 0) {
			assert_int_equal(e.kind, ERR_DATA);
			continue;
		}
		assert_int_equal(mnt_options_text(&o, text, sizeof(text), &e), 0);
		assert_string_equal(text, row[i].text);
	}
}

/* A root with 4 GiB beneath the scratch directory, and an empty directory for the output. */
static void make_root(const struct scratch *t, const char *conf)
{
	scratch_write(t, "root/proc/meminfo", "MemTotal: 4194304 kB\nMemAvailable: 4000000 kB\n");
	scratch_write(t, "root/etc/shared-prep/shared-prep.conf", conf);
	assert_int_equal(mkdirat(t->fd, "root/shared", 0755), 0);
	assert_int_equal(mkdirat(t->fd, "out", 0755), 0);
}

static int run(const struct scratch *t, char said[static GENERATOR_SAID], struct err *e)
{
	char root[128], out[128];

	snprintf(root, sizeof(root), "%s/root", t->path);
	snprintf(out, sizeof(out), "%s/out", t->path);
	return generator_run(root, out, said, e);
}

static bool is_there(const struct scratch *t, const char *name)
{
	return faccessat(t->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void check_unit(const struct scratch *t, const char *name, const char *line)
{
	char path[128], text[4096];

	snprintf(path, sizeof(path), "out/%s", name);
	scratch_read(t, path, text, sizeof(text));
	if (!strstr(text, line))
		fail_msg("no '%s' in '%s'", line, text);
}

static void check_link(const struct scratch *t, const char *path, const char *want)
{
	char to[PATH_MAX] = "";

	assert_true(readlinkat(t->fd, path, to, sizeof(to) - 1) > 0);
	assert_string_equal(to, want);
}

static void test_run_plans(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char said[GENERATOR_SAID];

	make_root(t, "[Shared]\nMaxSize=512M\n");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(run(t, said, &e), 0);
		assert_string_equal(said, "");
		check_unit(
			t, "shared.mount", "\nOptions=size=536870912,nr_inodes=32768,mode=0755,");
	}
	check_link(t, "out/local-fs.target.wants/shared.mount", "../shared.mount");
	check_link(t, "out/shared-prep.service.wants/shared.mount", "../shared.mount");
	assert_false(is_there(t, "out/local-fs.target.requires"));
	assert_false(is_there(t, "out/shared-prep.service.d"));
}

static void test_run_of_another_path(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char said[GENERATOR_SAID];

	make_root(t, "[Shared]\nPath=/my-disk/tmp\nOnFailure=poweroff\n");
	assert_int_equal(run(t, said, &e), 0);
	check_unit(t, "my\\x2ddisk-tmp.mount", "\nWhere=/my-disk/tmp\n");
	check_link(
		t, "out/local-fs.target.wants/my\\x2ddisk-tmp.mount", "../my\\x2ddisk-tmp.mount");
	check_unit(t, "shared-prep.service.d/50-configuration.conf",
		"[Unit]\nOnFailure=poweroff.target\n");
	check_unit(t, "shared-prep.service.d/50-configuration.conf",
		"[Service]\nReadWritePaths=-/my-disk/tmp\n");
}

static void test_run_without_room(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char said[GENERATOR_SAID];

	make_root(t, "[Shared]\nJobMemory=4G\n");
	assert_int_equal(run(t, said, &e), 0);
	assert_non_null(
		strstr(said, "a safe '/shared' would have 0 B, less than MinSize=64.0 MiB"));
	assert_false(is_there(t, "out/shared.mount"));
	assert_false(is_there(t, "out/local-fs.target.wants"));
}

static void test_run_of_a_bad_configuration(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char said[GENERATOR_SAID];

	make_root(t, "[Shared]\nMaxSize=0\n");
	assert_true(run(t, said, &e) < 0);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_false(is_there(t, "out/shared.mount"));
	scratch_write(t, "root/etc/shared-prep/shared-prep.conf", "");
	assert_int_equal(unlinkat(t->fd, "out", AT_REMOVEDIR), 0);
	assert_int_equal(run(t, said, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "/out'"));
}

/* Half of it is none of it. */
static void test_run_without_links(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char said[GENERATOR_SAID];

	make_root(t, "");
	scratch_write(t, "out/local-fs.target.wants", "a file");
	assert_true(run(t, said, &e) < 0);
	assert_false(is_there(t, "out/shared.mount"));
}

static void test_run_with_a_plan_file(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char said[GENERATOR_SAID];

	make_root(t, "");
	scratch_write(t, "root/run/shared-prep/plan.json",
		"{\"size_bytes\": 1234567168, \"nr_inodes\": 777, \"options\": \"noswap\"}");
	assert_int_equal(run(t, said, &e), 0);
	check_unit(t, "shared.mount",
		"\nOptions=size=1234567168,nr_inodes=777,mode=0755,noswap,nosuid,nodev\n");
	scratch_write(t, "root/run/shared-prep/plan.json", "{");
	assert_int_equal(run(t, said, &e), 0);
	assert_non_null(strstr(said, "plan.json"));
	assert_non_null(strstr(said, "planned anew"));
	check_unit(t, "shared.mount", "\nOptions=size=3");
}

static void test_run_while_mounted(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char said[GENERATOR_SAID], path[128];

	namespace_needed();
	make_root(t, "[Shared]\nMaxSize=64M\n");
	scratch_write(t, "root/run/shared-prep/plan.json",
		"{\"size_bytes\": 1234567168, \"nr_inodes\": 777, \"options\": \"noswap\"}");
	snprintf(path, sizeof(path), "%s/root/shared", t->path);
	assert_int_equal(mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV,
				 "size=12344k,nr_inodes=99,huge=within_size"),
		0);
	assert_int_equal(run(t, said, &e), 0);
	check_unit(t, "shared.mount",
		"\nOptions=size=12640256,nr_inodes=99,mode=0755,huge=within_size,nosuid,nodev\n");
	assert_int_equal(umount2(path, 0), 0);
	/* something else there is left to whoever put it there */
	assert_int_equal(mount("proc", path, "proc", 0, NULL), 0);
	assert_int_equal(unlinkat(t->fd, "out/shared.mount", 0), 0);
	assert_int_equal(run(t, said, &e), -EEXIST);
	assert_false(is_there(t, "out/shared.mount"));
	assert_int_equal(umount2(path, 0), 0);
}

static void test_arguments(void **state)
{
	char name[] = "shared-prep-generator", x[] = "x";
	char *argv[] = {name, x, x, x, x, NULL};

	(void)state;
	assert_int_equal(generator_main(1, argv), 1);
	assert_int_equal(generator_main(5, argv), 1);
}

#define MOUNTS(f) cmocka_unit_test_setup_teardown(f, namespace_setup, namespace_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unit_name),
		cmocka_unit_test(test_long_unit_name),
		cmocka_unit_test(test_unit),
		cmocka_unit_test(test_drop_in),
		cmocka_unit_test(test_plan_file),
		MOUNTS(test_run_plans),
		MOUNTS(test_run_of_another_path),
		MOUNTS(test_run_without_room),
		MOUNTS(test_run_of_a_bad_configuration),
		MOUNTS(test_run_without_links),
		MOUNTS(test_run_with_a_plan_file),
		MOUNTS(test_run_while_mounted),
		cmocka_unit_test(test_arguments),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, namespace_enter, NULL);
}
