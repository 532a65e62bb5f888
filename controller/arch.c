/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/arch.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

enum { X86_64, AARCH64 };

const char *const arch_names[ARCHS] = {[X86_64] = "x86_64", [AARCH64] = "aarch64"};

const char *arch_find(const char *name)
{
	for (size_t i = 0; i < ARCHS; i++) {
		if (strcmp(arch_names[i], name) == 0)
			return arch_names[i];
	}
	return NULL;
}

size_t arch_index(const char *arch)
{
	return arch_is_arm(arch) ? AARCH64 : X86_64;
}

bool arch_is_arm(const char *arch)
{
	return strcmp(arch, arch_names[AARCH64]) == 0;
}

const char *arch_of_ec2(const char *ec2)
{
	return strcmp(ec2, "arm64") == 0 ? arch_names[AARCH64] : ec2;
}

const char *arch_in_ec2(const char *arch)
{
	return arch_is_arm(arch) ? "arm64" : arch;
}

const char *arch_of_program(int fd)
{
	Elf64_Ehdr h;

	if (pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
		memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 || h.e_ident[EI_CLASS] != ELFCLASS64 ||
		h.e_ident[EI_DATA] != ELFDATA2LSB)
		return NULL;
	return h.e_machine == EM_X86_64    ? arch_names[X86_64]
	       : h.e_machine == EM_AARCH64 ? arch_names[AARCH64]
					   : "";
}
