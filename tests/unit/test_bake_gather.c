/* SPDX-License-Identifier: Apache-2.0 */
/* Packages and archives are made here byte by byte: as they should be, damaged, or of others. */
#include "controller/image/bake.h"

#include "common/buf.h"
#include "common/num.h"

#include "tests/unit/scratch.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void write_bytes(const struct scratch *t, const char *path, const void *data, size_t len)
{
	scratch_write(t, path, "");

	auto_close int fd = openat(t->fd, path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_int_equal(write(fd, data, len), (ssize_t)len);
}

/* --- the RPM */

struct rpm {
	const char *name, *version, *release, *arch;
	unsigned type; /* of the entry of arch */
	size_t cut;    /* so many bytes are missing at the end */
};

static void add_number(struct buf *b, uint32_t n)
{
	n = htobe32(n);
	assert_int_equal(buf_add(b, &n, sizeof(n)), 0);
}

static void add_header(struct buf *b, const struct buf *index, const struct buf *store)
{
	static const char magic[8] = "\x8e\xad\xe8\x01";

	assert_int_equal(buf_add(b, magic, sizeof(magic)), 0);
	add_number(b, (uint32_t)(index->len / 16));
	add_number(b, (uint32_t)store->len);
	assert_int_equal(buf_add(b, buf_str(index), index->len), 0);
	assert_int_equal(buf_add(b, buf_str(store), store->len), 0);
}

static void add_text(struct buf *index, struct buf *store, uint32_t tag, const char *text)
{
	add_number(index, tag);
	add_number(index, 6);
	add_number(index, (uint32_t)store->len);
	add_number(index, 1);
	assert_int_equal(buf_add(store, text, strlen(text) + 1), 0);
}

static void write_rpm(const struct scratch *t, const char *path, const struct rpm *r)
{
	auto_buf struct buf out = BUF_INIT(65536), index = BUF_INIT(4096), store = BUF_INIT(4096);
	char lead[96] = "\xed\xab\xee\xdb";

	assert_int_equal(buf_add(&out, lead, sizeof(lead)), 0);
	/* The signature: 5 bytes, and 3 to make them 8. */
	add_text(&index, &store, 1000, "four");
	add_header(&out, &index, &store);
	assert_int_equal(buf_add(&out, "\0\0\0", 3), 0);
	buf_reset(&index);
	buf_reset(&store);
	add_text(&index, &store, 1000, r->name);
	add_text(&index, &store, 1001, r->version);
	add_text(&index, &store, 1002, r->release);
	add_text(&index, &store, 1022, r->arch);
	if (r->type)
		index.data[index.len - 9] = (char)r->type;
	add_header(&out, &index, &store);
	write_bytes(t, path, out.data, out.len - r->cut);
}

static int read_rpm(const struct scratch *t, const char *name, struct bake_package *p,
	const char **arch, struct err *e)
{
	char path[128];
	int rc;

	snprintf(path, sizeof(path), "%s/%s", t->path, name);
	rc = bake_file_read(path, "rpm=", &p->file, e);
	return rc < 0 ? rc : bake_rpm_read(p, arch, e);
}

static void test_rpm(void **state)
{
	static const struct {
		struct rpm rpm;
		enum err_kind kind;
		const char *says; /* the architecture, or in the message */
	} cases[] = {
		{{"shared-prep", "1.2", "3", "x86_64", 0, 0}, ERR_NONE, "x86_64"},
		{{"shared-prep", "1.2", "3", "aarch64", 0, 0}, ERR_NONE, "aarch64"},
		{{"shared-prep", "1.2", "3", "noarch", 0, 0}, ERR_CONFIG, "for 'noarch'"},
		{{"shared-prep", "1.2", "3", "i686", 0, 0}, ERR_CONFIG, "for 'i686'"},
		{{"other", "1.2", "3", "x86_64", 0, 0}, ERR_CONFIG, "is the RPM of 'other'"},
		{{"shared-prep", "1.2", "3", "x86_64", 4, 0}, ERR_DATA, "is no RPM"},
		{{"shared-prep", "1.2", "3", "x86_64", 0, 1}, ERR_DATA, "is no RPM"},
		{{"shared-prep", "1.2", "3", "x86_64", 0, 90}, ERR_DATA, "is no RPM"},
	};
	const struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bake_package p = {0};
		struct err e = ERR_INIT;
		const char *arch = "";
		int rc;

		write_rpm(t, "a.rpm", &cases[i].rpm);
		rc = read_rpm(t, "a.rpm", &p, &arch, &e);
		assert_int_equal(e.kind, cases[i].kind);
		assert_int_equal(rc == 0, cases[i].kind == ERR_NONE);
		if (rc == 0) {
			assert_string_equal(arch, cases[i].says);
			assert_string_equal(p.version, "1.2-3");
		} else {
			assert_non_null(strstr(e.msg, cases[i].says));
		}
		free(p.file.path);
	}
}

/* Whatever bytes its counts have, nothing is read that is not there. */
static void test_rpm_damage(void **state)
{
	const struct scratch *t = *state;
	char bytes[4096];
	size_t len;

	write_rpm(t, "a.rpm", &(struct rpm){"shared-prep", "1", "1", "x86_64", 0, 0});
	{
		auto_close int fd = openat(t->fd, "a.rpm", O_RDONLY | O_CLOEXEC);

		len = (size_t)read(fd, bytes, sizeof(bytes));
	}
	for (size_t i = 0; i < len; i++) {
		const char was = bytes[i];
		struct bake_package p = {0};
		struct err e = ERR_INIT;
		const char *arch = "";

		bytes[i] = (char)0xff;
		write_bytes(t, "b.rpm", bytes, len);
		if (read_rpm(t, "b.rpm", &p, &arch, &e) < 0)
			assert_true(e.kind == ERR_DATA || e.kind == ERR_CONFIG);
		free(p.file.path);
		bytes[i] = was;
	}
}

/* --- archives */

static void write_archive(const struct scratch *t, const char *json, uint32_t magic, size_t cut)
{
	auto_buf struct buf out = BUF_INIT(65536);
	uint32_t head[2] = {htole32(magic), htole32((uint32_t)strlen(json))};
	uint64_t foot[2] = {htole64(5), htole64(24)};

	assert_int_equal(buf_adds(&out, "frame"), 0);
	assert_int_equal(buf_add(&out, head, sizeof(head)), 0);
	assert_int_equal(buf_adds(&out, json), 0);
	assert_int_equal(buf_add(&out, foot, sizeof(foot)), 0);
	assert_int_equal(buf_adds(&out, "SPINDEX1"), 0);
	write_bytes(t, "a.tar.zst", out.data, out.len - cut);
}

#define OURS 0x184D2A5CU
#define JSON                                                                                       \
	"{\"app\":\"one\",\"key\":\"c7a\",\"arch\":\"x86_64\",\"march\":\"znver4\",\"version\":\"2\"}"

static void test_archive(void **state)
{
	static const struct {
		const char *json;
		uint32_t magic;
		size_t cut;
		enum err_kind kind;
		const char *says;
	} cases[] = {
		{JSON, OURS, 0, ERR_NONE, ""},
		{"{\"app\":\"one\",\"key\":\"c7a\",\"arch\":\"other\"}", OURS, 0, ERR_NONE, ""},
		{"{\"app\":\"one\",\"key\":\"c7a\",\"arch\":\"x86_64\",\"march\":\"haswell\"}",
			OURS, 0, ERR_NONE, ""},
		{JSON, OURS, 1, ERR_DATA, "has no manifest"},
		{JSON, OURS + 1, 0, ERR_DATA, "is damaged at its end"},
		{"{\"app\":\"one\"", OURS, 0, ERR_DATA, ""},
		{"{\"app\":\"one\",\"key\":\"c7a\",\"arch\":\"aarch64\"}", OURS, 0, ERR_DATA,
			"is for 'aarch64', but its name says c7a, which is x86_64"},
		{"{\"app\":\"two\",\"key\":\"c7a\",\"arch\":\"x86_64\"}", OURS, 0, ERR_DATA,
			"it is app 'two'"},
		{"{\"app\":\"one\",\"key\":\"c7i\",\"arch\":\"x86_64\"}", OURS, 0, ERR_DATA,
			"for 'c7i'"},
		{"{\"app\":\"one\",\"key\":\"c7a\",\"arch\":\"x86_64\",\"march\":\"znver5\"}", OURS,
			0, ERR_DATA, "is compiled for 'znver5'"},
		{"{\"app\":\"one\",\"key\":\"c7a\"}", OURS, 0, ERR_DATA, "is for ''"},
	};
	const struct scratch *t = *state;
	char one[] = "one";
	const struct project_app app = {.name = one};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bake_archive a = {.app = &app};
		struct err e = ERR_INIT;
		char path[128];
		int rc;

		assert_int_equal(target_find("c7a", NULL, &a.target, &e), 0);
		write_archive(t, cases[i].json, cases[i].magic, cases[i].cut);
		snprintf(path, sizeof(path), "%s/a.tar.zst", t->path);
		assert_int_equal(bake_file_read(path, "archive ", &a.file, &e), 0);
		rc = bake_archive_check(&a, &e);
		assert_int_equal(e.kind, cases[i].kind);
		assert_int_equal(rc == 0, cases[i].kind == ERR_NONE);
		assert_non_null(strstr(e.msg, cases[i].says));
		if (i == 0)
			assert_string_equal(a.version, "2");
		free(a.file.path);
	}
}

static void test_suits(void **state)
{
	static const struct {
		const char *target, *type;
		bool suits;
	} cases[] = {
		{"c7a", "c7a.large", true},
		{"c7a.large", "c7a.large", true},
		{"c7a.large", "c7a.xlarge", false},
		{"c7a", "c7i.large", false},
		{"znver4", "c7a.large", true},
		{"znver3", "c7a.large", true},
		{"znver5", "c7a.large", false},
		{"x86-64-v4", "c7a.large", true},
		{"x86-64-v4", "c6a.large", false},
		{"x86_64", "c6a.large", true},
		{"x86_64", "c7g.large", false},
		{"aarch64", "c7g.large", true},
		{"neoverse-n1", "c7g.large", true},
		{"neoverse-v2", "c7g.large", false},
		/* Another machine's name, though it is the same processor. */
		{"m7a", "c7a.large", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bake_archive a = {0};
		struct err e = ERR_INIT;

		assert_int_equal(target_find(cases[i].target, NULL, &a.target, &e), 0);
		if (bake_suits(&a, cases[i].type) != cases[i].suits)
			fail_msg("%s on %s", cases[i].target, cases[i].type);
	}
}

static void test_volume(void **state)
{
	static const struct {
		uint64_t size, base, archive; /* GiB */
		uint64_t want;                /* GiB; 0: an error */
	} cases[] = {
		{0, 8, 1, 8},
		{0, 8, 30, 35},
		{8, 8, 1, 8},
		{40, 30, 20, 40},
		{20, 30, 1, 0},
		{30, 30, 16, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct project p = {.image.size = cases[i].size * GIB};
		struct bake_archive archive = {.file.bytes = cases[i].archive * GIB};
		const struct bake b = {.project = &p, .archive = &archive, .n_archives = 1};
		struct err e = ERR_INIT;
		uint64_t bytes = 0;
		int rc = bake_volume(&b, cases[i].base * GIB, &bytes, &e);

		assert_int_equal(bytes / GIB, cases[i].want);
		assert_int_equal(rc, cases[i].want ? 0 : -ENOSPC);
		assert_int_equal(e.kind, cases[i].want ? ERR_NONE : ERR_CONFIG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rpm, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_rpm_damage, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_archive, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_suits),
		cmocka_unit_test(test_volume),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
