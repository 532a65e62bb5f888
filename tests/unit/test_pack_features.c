/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_features.h"
#include "common/fs.h"
#include "tests/unit/cpu_names.h"
#include "tests/unit/elf_image.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define V2  "mmx fxsr sse sse2 sse3 ssse3 sse4.1 sse4.2 cx16 sahf popcnt"
#define V3  V2 " xsave avx f16c fma avx2 bmi bmi2 lzcnt movbe"
#define AVX "#!/bin/sh\necho '#define __x86_64__ 1\n#define __AVX__ 1'\n"

static void put(const struct scratch *t, const char *path, const void *data, size_t n)
{
	struct err e = ERR_INIT;

	assert_int_equal(fs_write_atomic(t->fd, path, 0755, data, n, &e), 0);
}

/* A program whose code is one vaddps with EVEX, ret. */
static void put_elf(const struct scratch *t, const char *path, uint16_t machine, uint32_t bits)
{
	static const char code[] = "\x62\xf1\x7c\x48\x58\xc1\xc3";
	union elf_image u;

	elf_image_64(&u, bits);
	u.wide.header.e_machine = machine;
	memset(u.byte + ELF_IMAGE_CODE, 0x90, sizeof(u) - ELF_IMAGE_CODE);
	memcpy(u.byte + ELF_IMAGE_CODE, code, sizeof(code) - 1);
	put(t, path, &u, sizeof(u));
}

/* plain: x86-64 without a level; v3: with one; arm: aarch64; mixed: the first and the last; text:
 * no program; broken: a program that is cut; caps: v3 for the dynamic linker to choose */
static int setup(void **state)
{
	static const char *const dirs[] = {
		"plain", "v3/lib", "arm", "mixed", "text", "broken", "caps/glibc-hwcaps/x86-64-v3"};
	struct err e = ERR_INIT;
	const struct scratch *t;
	union elf_image u;

	if (scratch_setup(state) < 0)
		return -1;
	t = *state;
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		assert_int_equal(fs_mkdir_p(t->fd, dirs[i], 0755, &e), 0);
	put_elf(t, "plain/a", EM_X86_64, 1);
	put_elf(t, "v3/a", EM_X86_64, 1);
	put_elf(t, "v3/lib/b\n.so", EM_X86_64, 7);
	put_elf(t, "v3/lib/c\xff.so", EM_X86_64, 7);
	put_elf(t, "arm/a", EM_AARCH64, 15);
	put_elf(t, "mixed/a", EM_AARCH64, 0);
	put_elf(t, "mixed/b", EM_X86_64, 0);
	put_elf(t, "mixed/gpu", EM_CUDA, 0);
	put(t, "text/a", "#!/bin/sh\n", 10);
	put(t, "cc", AVX, sizeof(AVX) - 1);
	elf_image_64(&u, 15);
	put(t, "broken/a", &u, 100);
	put_elf(t, "caps/glibc-hwcaps/x86-64-v3/a.so", EM_X86_64, 7);
	return 0;
}

struct warned {
	unsigned n;
	char text[1024];
};

static void on_warning(const char *text, void *ctx)
{
	struct warned *w = ctx;

	w->n++;
	snprintf(w->text, sizeof(w->text), "%s", text);
}

static const char own[] =
#if defined(__aarch64__)
	"aarch64";
#else
	"x86_64";
#endif

struct expected {
	const char *dir, *key;
	const char *arch, *march, *cflags, *requires, *scan;
	int rc;
	const char *says;  /* in the message or the warning */
	const char *is;    /* arch */
	const char *needs; /* features */
	const char *named; /* march */
};

static const struct expected cases[] = {
	/* nothing declared: what linkers noted, and the architecture of the programs */
	{.dir = "plain", .key = "", .is = "x86_64", .needs = ""},
	{.dir = "v3", .key = "c5", .is = "x86_64", .needs = V3},
	{.dir = "v3", .key = "x86_64", .is = "x86_64", .needs = V3},
	{.dir = "v3", .key = "c5", .scan = "none", .is = own, .needs = ""},
	{.dir = "arm", .key = "c6g", .is = "aarch64", .needs = ""},
	{.dir = "text", .key = "", .is = own, .needs = ""},
	{.dir = "caps", .key = "", .is = own, .needs = ""},
	{.dir = "broken", .key = "", .is = own, .needs = "", .says = "damaged ELF"},
	/* declared: that, and a warning where linkers noted more */
	{.dir = "v3",
		.key = "",
		.march = "x86-64-v3",
		.is = "x86_64",
		.needs = V3,
		.named = "x86-64-v3"},
	{.dir = "v3",
		.key = "",
		.march = "x86-64-v2",
		.is = "x86_64",
		.needs = V2,
		.named = "x86-64-v2",
		.says = "'lib/b?.so' and 1 more: linked as needing x86-64-v3"},
	{.dir = "v3", .key = "x86-64-v3", .is = "x86_64", .needs = ""},
	{.dir = "v3",
		.key = "x86-64-v2",
		.is = "x86_64",
		.needs = "",
		.says = "xsave is not declared"},
	{.dir = "v3",
		.key = "",
		.requires = "avx2,sse4_2",
		.is = "x86_64",
		.needs = "sse4.2 avx2",
		.says = "is not declared"},
	{.dir = "v3",
		.key = "",
		.requires = "sha",
		.scan = "properties",
		.is = "x86_64",
		.needs = V3 " sha"},
	{.dir = "plain", .key = "", .cflags = "-mavx", .is = "x86_64", .needs = "avx"},
	{.dir = "plain",
		.key = "",
		.cflags = "-march=haswell",
		.march = "my-cpu",
		.requires = "sha",
		.is = "x86_64",
		.needs = "avx sha",
		.named = "my-cpu"},
	{.dir = "plain",
		.key = "",
		.cflags = "-march=haswell",
		.is = "x86_64",
		.needs = "avx",
		.named = "haswell"},
	/* instructions */
	{.dir = "plain",
		.key = "",
		.scan = "instructions",
		.is = "x86_64",
		.needs = "mmx fxsr sse sse2 avx512f"},
	{.dir = "plain",
		.key = "x86-64-v2",
		.march = "x86-64-v2",
		.scan = "instructions",
		.is = "x86_64",
		.needs = V2 " avx512f",
		.named = "x86-64-v2"},
	{.dir = "text", .key = "x86_64", .scan = "instructions", .is = "x86_64", .needs = ""},
	/* architectures */
	{.dir = "plain", .key = "aarch64", .rc = -EINVAL, .says = "'a': for x86_64"},
	{.dir = "arm", .key = "znver4", .rc = -EINVAL, .says = "'a': for aarch64"},
	{.dir = "arm",
		.key = "x86_64",
		.arch = "x86_64",
		.is = "x86_64",
		.needs = "",
		.says = "not for x86_64"},
	{.dir = "plain",
		.key = "c5",
		.arch = "other",
		.is = "other",
		.needs = "",
		.says = "not for other"},
	{.dir = "mixed", .key = "aarch64", .is = "aarch64", .needs = "", .says = "'b': not for"},
	{.dir = "mixed", .key = "x86_64", .is = "x86_64", .needs = "", .says = "'a': not for"},
	{.dir = "text", .key = "aarch64", .is = "aarch64", .needs = ""},
	{.dir = "text", .key = "", .arch = "other", .is = "other", .needs = ""},
	/* mistakes */
	{.dir = "text", .key = "", .arch = "mips", .rc = -EINVAL, .says = "--arch: 'mips'"},
	{.dir = "text", .key = "", .march = "my-cpu", .rc = -EINVAL, .says = "--march: 'my-cpu'"},
	{.dir = "text", .key = "", .march = "a b", .rc = -EINVAL, .says = "--march: 'a b'"},
	{.dir = "text",
		.key = "aarch64",
		.arch = "aarch64",
		.march = "haswell",
		.rc = -EINVAL,
		.says = "--march: 'haswell'"},
	{.dir = "text", .key = "x86_64", .requires = "avx2,,sha", .rc = -EINVAL, .says = "''"},
	{.dir = "text", .key = "aarch64", .requires = "avx2", .rc = -EINVAL, .says = "'avx2'"},
	{.dir = "text", .key = "", .scan = "all", .rc = -EINVAL, .says = "--scan: 'all'"},
	{.dir = "text",
		.key = "aarch64",
		.cflags = "-O2",
		.rc = -EINVAL,
		.says = "code for x86_64"},
	{.dir = "nowhere", .key = "", .rc = -ENOENT, .says = "nowhere'"},
};

static int run(const struct scratch *t, const struct expected *c, struct manifest *m,
	struct warned *w, struct err *e)
{
	char dir[128], cc[128];
	const struct pack_features_request r = {
		.dir = dir,
		.arch = c->arch,
		.march = c->march,
		.cflags = c->cflags,
		.cc = c->cflags ? cc : NULL,
		.requires = c->requires,
		.scan = c->scan,
		.warn = on_warning,
		.ctx = w,
	};

	snprintf(dir, sizeof(dir), "%s/%s", t->path, c->dir);
	snprintf(cc, sizeof(cc), "%s/cc", t->path);
	snprintf(m->key, sizeof(m->key), "%s", c->key);
	return pack_features(&r, m, NULL, e);
}

static void test_cases(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct expected *c = &cases[i];
		struct manifest m = {.present = true};
		struct warned w = {0};
		struct err e = ERR_INIT;
		char text[CPU_NAMES];
		int rc = run(*state, c, &m, &w, &e);

		if (rc != c->rc)
			fail_msg("case %zu: %d: %s", i, rc, e.msg);
		if (c->says && !strstr(rc < 0 ? e.msg : w.text, c->says))
			fail_msg("case %zu: '%s'", i, rc < 0 ? e.msg : w.text);
		if (!c->says && w.n)
			fail_msg("case %zu warns: %s", i, w.text);
		if (rc < 0)
			continue;
		cpu_names(m.arch, &m.features, text);
		if (strcmp(cpu_arch_name(m.arch), c->is) != 0 || strcmp(text, c->needs) != 0 ||
			strcmp(m.march, c->named ? c->named : "") != 0)
			fail_msg("case %zu: %s '%s' '%s'", i, cpu_arch_name(m.arch), m.march, text);
	}
}

static void test_cc_alone(void **state)
{
	const struct scratch *t = *state;
	const struct pack_features_request r = {.dir = t->path, .cc = "gcc"};
	struct manifest m = {.present = true};
	struct err e = ERR_INIT;

	assert_int_equal(pack_features(&r, &m, NULL, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "--cc"));
}

static void test_report(void **state)
{
	const struct scratch *t = *state;
	auto_json json_t *files = json_array();
	char dir[128];
	const struct pack_features_request r = {.dir = dir, .scan = "properties"};
	struct manifest m = {.present = true};
	struct err e = ERR_INIT;
	const json_t *file;

	snprintf(dir, sizeof(dir), "%s/v3", t->path);
	assert_int_equal(pack_features(&r, &m, files, &e), 0);
	assert_int_equal(json_array_size(files), 2);
	file = json_array_get(files, 0);
	assert_string_equal(json_string_value(json_object_get(file, "file")), "lib/b?.so");
	assert_string_equal(json_string_value(json_object_get(file, "level")), "x86-64-v3");
	assert_int_equal(json_array_size(json_object_get(file, "features")), 20);
	file = json_array_get(files, 1);
	assert_string_equal(json_string_value(json_object_get(file, "file")), "lib/c?.so");
}

/* More levels than there may be descriptors. */
static void test_deep(void **state)
{
	const struct scratch *t = *state;
	const struct expected c = {.dir = "deep", .key = "", .is = "x86_64"};
	struct manifest m = {.present = true};
	struct warned w = {0};
	struct err e = ERR_INIT;
	char path[3000] = "deep";

	for (size_t len = 4; len < 2800; len += 2)
		memcpy(path + len, "/d", 3);
	assert_int_equal(fs_mkdir_p(t->fd, path, 0755, &e), 0);
	memcpy(path + strlen(path), "/a", 3);
	put_elf(t, path, EM_X86_64, 3);
	assert_int_equal(run(t, &c, &m, &w, &e), 0);
	assert_true(cpu_has(&m.features, &cpu_target_find("x86-64-v2")->needs));
}

static bool yes(void *ctx)
{
	(void)ctx;
	return true;
}

static void test_interrupt(void **state)
{
	const struct scratch *t = *state;
	const struct pack_features_request r = {.dir = t->path, .cancelled = yes};
	struct manifest m = {.present = true};
	struct err e = ERR_INIT;

	assert_int_equal(pack_features(&r, &m, NULL, &e), -ECANCELED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cases, setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_cc_alone, setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_report, setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_deep, setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_interrupt, setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
