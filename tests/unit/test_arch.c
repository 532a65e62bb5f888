/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/arch.h"

#include "common/num.h"
#include "tests/unit/scratch.h"

#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARCHS; i++) {
		char copy[16];

		snprintf(copy, sizeof(copy), "%s", arch_names[i]);
		assert_ptr_equal(arch_find(copy), arch_names[i]);
		assert_int_equal(arch_index(copy), i);
		assert_string_equal(arch_of_ec2(arch_in_ec2(copy)), copy);
	}
	assert_null(arch_find("x86-64"));
	assert_null(arch_find(""));
	assert_false(arch_is_arm("x86_64"));
	assert_string_equal(arch_in_ec2("aarch64"), "arm64");
	assert_string_equal(arch_of_ec2("i386"), "i386");
}

static void test_programs(void **state)
{
	static const struct {
		unsigned char class, data;
		Elf64_Half machine;
		size_t cut; /* of its end */
		const char *want;
	} cases[] = {
		{ELFCLASS64, ELFDATA2LSB, EM_X86_64, 0, "x86_64"},
		{ELFCLASS64, ELFDATA2LSB, EM_AARCH64, 0, "aarch64"},
		{ELFCLASS64, ELFDATA2LSB, EM_RISCV, 0, ""},
		{ELFCLASS64, ELFDATA2LSB, EM_X86_64, 1, NULL},
		{ELFCLASS32, ELFDATA2LSB, EM_X86_64, 0, NULL},
		{ELFCLASS64, ELFDATA2MSB, EM_AARCH64, 0, NULL},
		{ELFCLASSNONE, ELFDATANONE, 0, sizeof(Elf64_Ehdr), NULL},
	};
	const struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		Elf64_Ehdr h = {.e_machine = cases[i].machine};
		const char *got;
		int fd = openat(t->fd, "program", O_RDWR | O_CREAT | O_TRUNC, 0600);

		assert_true(fd >= 0);
		memcpy(h.e_ident, ELFMAG, SELFMAG);
		h.e_ident[EI_CLASS] = cases[i].class;
		h.e_ident[EI_DATA] = cases[i].data;
		assert_int_equal(write(fd, &h, sizeof(h) - cases[i].cut), sizeof(h) - cases[i].cut);
		got = arch_of_program(fd);
		close(fd);
		if (cases[i].want)
			assert_string_equal(got, cases[i].want);
		else
			assert_null(got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test_setup_teardown(test_programs, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
