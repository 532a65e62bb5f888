/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/elf.h"
#include "common/auto.h"
#include "tests/unit/elf_image.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

static int file_of(const void *data, size_t n)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), n);
	return fd;
}

static int open_image(const union elf_image *u, int *ret_fd, struct elf *ret)
{
	struct err e = ERR_INIT;
	int rc;

	*ret_fd = file_of(u, sizeof(*u));
	rc = elf_open(*ret_fd, ret, &e);
	assert_int_equal(rc < 0, e.kind == ERR_DATA);
	return rc;
}

static void test_levels(void **state)
{
	static const struct {
		uint32_t bits;
		unsigned level;
	} rows[] = {{0, 0}, {1, 0}, {2, 2}, {3, 2}, {7, 3}, {4, 3}, {15, 4}, {8, 4}, {16, 0}};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		const bool wide = i % 2;
		auto_close int fd = -1;
		struct err e = ERR_INIT;
		unsigned level;
		union elf_image u;
		struct elf f;

		(wide ? elf_image_64 : elf_image_32)(&u, rows[i / 2].bits);
		assert_int_equal(open_image(&u, &fd, &f), 1);
		assert_int_equal(f.arch, CPU_X86_64);
		assert_int_equal(f.amd64, wide);
		assert_int_equal(elf_needed_level(&f, &level, &e), 0);
		assert_int_equal(level, rows[i / 2].level);
	}
}

static const struct {
	uint16_t type, machine;
	int rc;
	enum cpu_arch arch;
} kinds[] = {
	{ET_EXEC, EM_AARCH64, 1, CPU_AARCH64},
	{ET_DYN, EM_X86_64, 1, CPU_X86_64},
	{ET_DYN, EM_CUDA, 1, CPU_OTHER},
	{ET_REL, EM_X86_64, 0, 0},
	{ET_CORE, EM_X86_64, 0, 0},
	{0xfe00, EM_X86_64, 0, 0},
};

static void test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		auto_close int fd = -1;
		struct err e = ERR_INIT;
		unsigned level = 9;
		union elf_image u;
		struct elf f;

		elf_image_64(&u, 15);
		u.wide.header.e_type = kinds[i].type;
		u.wide.header.e_machine = kinds[i].machine;
		assert_int_equal(open_image(&u, &fd, &f), kinds[i].rc);
		if (kinds[i].rc != 1)
			continue;
		assert_int_equal(f.arch, kinds[i].arch);
		assert_int_equal(elf_needed_level(&f, &level, &e), 0);
		assert_int_equal(level, kinds[i].arch == CPU_X86_64 ? 4 : 0);
	}
}

static void test_other_files(void **state)
{
	static const char *const texts[] = {
		"", "#!/bin/sh\n", "\177ELF", "\177ELF\3\1\1abcdefghij", "\177ELF\2\2\1abcdefghij"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		auto_close int fd = file_of(texts[i], strlen(texts[i]));
		struct err e = ERR_INIT;
		struct elf f;

		assert_int_equal(elf_open(fd, &f, &e), 0);
	}
}

struct seen {
	uint64_t bytes;
	unsigned pieces, ends;
	size_t leave;
};

static size_t on_code(const uint8_t *code, size_t n, bool last, void *ctx)
{
	struct seen *s = ctx;
	size_t used = last || n < s->leave ? n : n - s->leave;

	assert_non_null(code);
	assert_true(n > 0);
	s->bytes += used;
	s->pieces++;
	s->ends += last;
	return used;
}

static void test_code(void **state)
{
	auto_close int a = -1, b = -1, c = -1;
	struct err e = ERR_INIT;
	struct seen s = {0};
	union elf_image u;
	struct elf f;

	(void)state;
	elf_image_64(&u, 0);
	assert_int_equal(open_image(&u, &a, &f), 1);
	assert_int_equal(elf_code(&f, on_code, &s, &e), 0);
	assert_int_equal(s.bytes, 0x20);
	assert_int_equal(s.ends, 2);
	/* Without sections the segment; cut to what is there. */
	u.wide.header.e_shnum = 0;
	u.wide.segment[1].p_filesz = UINT64_MAX;
	assert_int_equal(open_image(&u, &b, &f), 1);
	s = (struct seen){0};
	assert_int_equal(elf_code(&f, on_code, &s, &e), 0);
	assert_int_equal(s.bytes, sizeof(u) - ELF_IMAGE_CODE);
	u.wide.segment[1].p_offset = UINT64_MAX;
	assert_int_equal(open_image(&u, &c, &f), 1);
	s = (struct seen){0};
	assert_int_equal(elf_code(&f, on_code, &s, &e), 0);
	assert_int_equal(s.pieces, 0);
}

/* A section larger than what is read at once; what is left over comes again. */
static void test_large_code(void **state)
{
	const size_t size = 1000003;
	auto_free uint8_t *data = calloc(1, size);
	auto_close int fd = -1;
	struct err e = ERR_INIT;
	struct seen s = {.leave = 14};
	union elf_image u;
	struct elf f;

	(void)state;
	elf_image_64(&u, 0);
	u.wide.section[1].sh_size = size - ELF_IMAGE_CODE;
	u.wide.section[2].sh_type = SHT_NOTE;
	memcpy(data, &u, sizeof(u));
	fd = file_of(data, size);
	assert_int_equal(elf_open(fd, &f, &e), 1);
	assert_int_equal(elf_code(&f, on_code, &s, &e), 0);
	assert_int_equal(s.bytes, size - ELF_IMAGE_CODE);
	assert_true(s.pieces > 3);
	assert_int_equal(s.ends, 1);
}

static void test_sections_overlap(void **state)
{
	auto_close int fd = -1;
	struct err e = ERR_INIT;
	struct seen s = {0};
	union elf_image u;
	struct elf f;

	(void)state;
	elf_image_64(&u, 0);
	u.wide.section[1].sh_offset = u.wide.section[2].sh_offset = 0;
	u.wide.section[1].sh_size = u.wide.section[2].sh_size = sizeof(u);
	assert_int_equal(open_image(&u, &fd, &f), 1);
	assert_int_equal(elf_code(&f, on_code, &s, &e), -EBADMSG);
	assert_int_equal(s.bytes, sizeof(u));
}

static void test_tables_outside(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		auto_close int fd = -1;
		union elf_image u;
		struct elf f;

		elf_image_64(&u, 0);
		if (i == 0)
			u.wide.header.e_phoff = sizeof(u) - sizeof(Elf64_Phdr) - 1;
		else if (i == 1)
			u.wide.header.e_phoff = UINT64_MAX - 8;
		else if (i == 2)
			u.wide.header.e_phnum = 0xfff0;
		else if (i == 3)
			u.wide.header.e_phentsize = sizeof(Elf64_Phdr) - 1;
		else if (i == 4)
			u.wide.header.e_shoff = sizeof(u);
		else
			u.wide.header.e_shentsize = 0;
		assert_int_equal(open_image(&u, &fd, &f), -EBADMSG);
	}
}

/* Reads all of it; only what it says may be wrong. */
static void read_all(const void *data, size_t n)
{
	auto_close int fd = file_of(data, n);
	struct err e = ERR_INIT;
	struct seen s = {.leave = 14};
	unsigned level = 0;
	struct elf f;
	int rc = elf_open(fd, &f, &e);

	if (rc <= 0) {
		assert_true(rc == 0 || rc == -EBADMSG);
		return;
	}
	rc = elf_needed_level(&f, &level, &e);
	assert_true(level <= 4);
	if (rc == 0)
		rc = elf_code(&f, on_code, &s, &e);
	assert_true(rc >= 0 || rc == -EBADMSG);
	assert_true(s.bytes <= n);
}

static void test_cut_and_flipped(void **state)
{
	union elf_image u;

	(void)state;
	elf_image_64(&u, 15);
	for (size_t n = 0; n <= sizeof(u); n++)
		read_all(&u, n);
	for (size_t bit = 0; bit < 8 * sizeof(struct image64); bit++) {
		u.byte[bit / 8] ^= (uint8_t)(1U << bit % 8);
		read_all(&u, sizeof(u));
		u.byte[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	elf_image_32(&u, 15);
	for (size_t bit = 0; bit < 8 * sizeof(struct image32); bit++) {
		u.byte[bit / 8] ^= (uint8_t)(1U << bit % 8);
		read_all(&u, sizeof(u));
		u.byte[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_large_code),
		cmocka_unit_test(test_sections_overlap),
		cmocka_unit_test(test_tables_outside),
		cmocka_unit_test(test_cut_and_flipped),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
