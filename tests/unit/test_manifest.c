/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/manifest.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char full[] =
	"{\"format\":1,\"app\":\"octave\",\"key\":\"c5\",\"version\":\"7.3.0-2\","
	"\"created\":1700000000,\"arch\":\"x86_64\",\"march\":\"skylake-avx512\","
	"\"features\":[\"sse4.2\",\"avx2\",\"avx512f\"],\"entries\":12,\"bytes\":4096,"
	"\"largest\":1024,\"digest\":\"" DIGEST "\",\"entry\":\"bin/octave\"}";

static int parse(const char *json, struct manifest *ret, struct err *e)
{
	return manifest_parse(json, strlen(json), "x.tar.zst", ret, e);
}

static void test_full(void **state)
{
	struct cpu_features want = {0};
	struct err e = ERR_INIT;
	struct manifest m;

	(void)state;
	assert_int_equal(parse(full, &m, &e), 0);
	assert_true(m.present);
	assert_string_equal(m.app, "octave");
	assert_string_equal(m.key, "c5");
	assert_string_equal(m.version, "7.3.0-2");
	assert_string_equal(m.march, "skylake-avx512");
	assert_string_equal(m.digest, DIGEST);
	assert_string_equal(m.entry, "bin/octave");
	assert_string_equal(m.unknown_feature, "");
	assert_int_equal(m.created, 1700000000);
	assert_int_equal(m.entries, 12);
	assert_int_equal(m.bytes, 4096);
	assert_int_equal(m.largest, 1024);
	assert_int_equal(m.arch, CPU_X86_64);
	assert_true(cpu_feature_add(CPU_X86_64, "sse4.2", &want));
	assert_true(cpu_feature_add(CPU_X86_64, "avx2", &want));
	assert_true(cpu_feature_add(CPU_X86_64, "avx512f", &want));
	assert_memory_equal(&m.features, &want, sizeof(want));
}

/* What is printed is what was read, byte for byte; without the digest when it is empty. */
static void test_round_trip(void **state)
{
	auto_buf struct buf text = BUF_INIT(MANIFEST_MAX), bare = BUF_INIT(MANIFEST_MAX);
	auto_buf struct buf undigested = BUF_INIT(MANIFEST_MAX), small = BUF_INIT(20);
	struct err e = ERR_INIT;
	struct manifest m;

	(void)state;
	assert_int_equal(parse(full, &m, &e), 0);
	assert_int_equal(manifest_text(&m, &text, &e), 0);
	assert_string_equal(text.data, full);
	m.digest[0] = '\0';
	assert_int_equal(manifest_text(&m, &bare, &e), 0);
	assert_null(strstr(bare.data, "digest"));
	assert_int_equal(manifest_undigested(full, strlen(full), "x", &undigested, &e), 0);
	assert_string_equal(undigested.data, bare.data);
	assert_int_equal(manifest_text(&m, &small, &e), -EFBIG);
}

/* A later version's manifest: members it added stay part of what the digest is made of. */
static void test_later_version(void **state)
{
	static const char later[] = "{\"format\":1,\"app\":\"a\",\"key\":\"\",\"arch\":\"x86_64\","
				    "\"new\":{\"x\":[1,2]},\"digest\":\"" DIGEST "\","
				    "\"features\":[\"avx2\",\"avx2048\",\"avx4096\"]}";
	auto_buf struct buf text = BUF_INIT(MANIFEST_MAX);
	struct err e = ERR_INIT;
	struct manifest m;

	(void)state;
	assert_int_equal(parse(later, &m, &e), 0);
	assert_string_equal(m.unknown_feature, "avx2048");
	assert_int_equal(manifest_undigested(later, strlen(later), "x", &text, &e), 0);
	assert_string_equal(text.data,
		"{\"format\":1,\"app\":\"a\",\"key\":\"\",\"arch\":\"x86_64\",\"new\":{\"x\":[1,2]},"
		"\"features\":[\"avx2\",\"avx2048\",\"avx4096\"]}");
}

#define HEAD "{\"format\":1,\"app\":\"a\",\"key\":\"k\",\"arch\":\"x86_64\""
#define TEXT100                                                                                    \
	"0123456789012345678901234567890123456789012345678901234567890123456789012345678901"       \
	"234567890123456789"

static void test_accepted(void **state)
{
	static const char *const cases[] = {
		HEAD "}",
		HEAD ",\"version\":\"1.0 (beta) ~git\"}",
		HEAD ",\"features\":[]}",
		HEAD ",\"march\":\"\",\"entry\":\"\",\"digest\":\"\"}",
		HEAD ",\"bytes\":9223372036854775807}",
		HEAD ",\"entry\":\"bin/..x/.hidden\"}",
		"{\"format\":1,\"app\":\"run_scripts+x-1.0\",\"key\":\"\",\"arch\":\"other\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		struct manifest m;

		if (parse(cases[i], &m, &e) < 0)
			fail_msg("%s: %s", cases[i], e.msg);
	}
}

static void test_refused(void **state)
{
	/* clang-format off */
	static const struct {
		const char *json;
		const char *says;
	} cases[] = {
		{"", "x.tar.zst"},
		{"[]", "not an object"},
		{"{", "x.tar.zst"},
		{full + 1, "x.tar.zst"},
		{"{}", "'format'"},
		{"{\"format\":2,\"app\":\"a\",\"key\":\"\",\"arch\":\"x86_64\"}", "newer"},
		{"{\"format\":\"1\",\"app\":\"a\",\"key\":\"\",\"arch\":\"x86_64\"}", "'format'"},
		{"{\"format\":1,\"key\":\"\",\"arch\":\"x86_64\"}", "'app' is missing"},
		{"{\"format\":1,\"app\":\"a\",\"arch\":\"x86_64\"}", "'key' is missing"},
		{"{\"format\":1,\"app\":\"a\",\"key\":\"\"}", "'arch'"},
		{"{\"format\":1,\"app\":\"a\",\"key\":\"\",\"arch\":\"riscv64\"}", "'arch'"},
		{"{\"format\":1,\"app\":\"\",\"key\":\"\",\"arch\":\"x86_64\"}", "'app'"},
		{"{\"format\":1,\"app\":\"../x\",\"key\":\"\",\"arch\":\"x86_64\"}", "'app'"},
		{"{\"format\":1,\"app\":\"..\",\"key\":\"\",\"arch\":\"x86_64\"}", "'app'"},
		{"{\"format\":1,\"app\":\"a b\",\"key\":\"\",\"arch\":\"x86_64\"}", "'app'"},
		{"{\"format\":1,\"app\":7,\"key\":\"\",\"arch\":\"x86_64\"}", "not a string"},
		{"{\"format\":1,\"app\":\"" TEXT100 TEXT100 "\",\"key\":\"\",\"arch\":\"x86_64\"}",
 "too long"},
		{"{\"format\":1,\"app\":\"a\",\"key\":\"a/b\",\"arch\":\"x86_64\"}", "'key'"},
		{HEAD ",\"version\":\"a\\nb\"}", "'version'"},
		{HEAD ",\"version\":\"\\u00e4\"}", "'version'"},
		{HEAD ",\"version\":\"a\\u0000b\"}", "x.tar.zst"},
		{HEAD ",\"march\":\"-x\"}", "'march'"},
		{HEAD ",\"created\":-1}", "'created'"},
		{HEAD ",\"bytes\":1.5}", "'bytes'"},
		{HEAD ",\"bytes\":\"1\"}", "'bytes'"},
		{HEAD ",\"bytes\":99999999999999999999}", "x.tar.zst"},
		{HEAD ",\"bytes\":1,\"largest\":2}", "'largest'"},
		{HEAD ",\"digest\":\"abc\"}", "'digest'"},
		{HEAD ",\"digest\":\"" DIGEST "0\"}", "'digest'"},
		{HEAD ",\"entry\":\"/bin/sh\"}", "'entry'"},
		{HEAD ",\"entry\":\"../sh\"}", "'entry'"},
		{HEAD ",\"entry\":\"bin/../../sh\"}", "'entry'"},
		{HEAD ",\"entry\":\"bin//sh\"}", "'entry'"},
		{HEAD ",\"entry\":\"bin/\"}", "'entry'"},
		{HEAD ",\"features\":\"avx2\"}", "'features'"},
		{HEAD ",\"features\":[1]}", "'features'"},
		{HEAD ",\"features\":[\"\"]}", "'features'"},
		{HEAD ",\"features\":[\"a b\"]}", "'features'"},
		{HEAD ",\"app\":\"b\"}", "x.tar.zst"},
		{HEAD "}}", "x.tar.zst"},
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		struct manifest m = {.bytes = 77};

		if (parse(cases[i].json, &m, &e) >= 0)
			fail_msg("accepted: %s", cases[i].json);
		if (e.kind != ERR_DATA || !strstr(e.msg, cases[i].says))
			fail_msg("%s: kind %d: %s", cases[i].json, (int)e.kind, e.msg);
		assert_int_equal(m.bytes, 77);
	}
}

static void test_too_long(void **state)
{
	auto_free char *json = malloc(MANIFEST_MAX + 2);
	struct err e = ERR_INIT;
	struct manifest m;

	(void)state;
	assert_non_null(json);
	memset(json, ' ', MANIFEST_MAX + 2);
	memcpy(json, full, strlen(full));
	assert_int_equal(manifest_parse(json, MANIFEST_MAX, "x", &m, &e), 0);
	assert_int_equal(manifest_parse(json, MANIFEST_MAX + 1, "x", &m, &e), -EFBIG);
}

static void test_sidecar(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	struct manifest m;

	scratch_write(t, "data/a_k.tar.gz", "not looked into");
	assert_int_equal(manifest_read(t->fd, "data/a_k.tar.gz", &m, &e), 0);
	assert_false(m.present);
	scratch_write(t, "data/a_k.tar.gz.json", HEAD ",\"features\":[\"avx\"]}");
	assert_int_equal(manifest_read(t->fd, "data/a_k.tar.gz", &m, &e), 0);
	assert_true(m.present);
	assert_string_equal(m.app, "a");
	scratch_write(t, "data/a_k.tar.gz.json", "{");
	assert_int_not_equal(manifest_read(t->fd, "data/a_k.tar.gz", &m, &e), 0);
	assert_int_equal(e.kind, ERR_DATA);
	assert_int_equal(manifest_read(t->fd, "data/absent.tar.gz", &m, &e), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_later_version),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test_setup_teardown(test_sidecar, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
