/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs and shared objects: their architecture, the x86-64 level that their linker noted as
 * needed, and where their machine code lies. ELF gABI ch. 4 and 5; x86-64 psABI "Program Property"
 * (.note.gnu.property, GNU_PROPERTY_X86_ISA_1_NEEDED). Hostile until checked: tables must lie in
 * the file, what they point at is cut to it, and what is read of one file is bounded.
 */
#ifndef AGENT_ELF_H
#define AGENT_ELF_H

#include "agent/cpu.h"
#include "common/err.h"

struct elf_table {
	uint64_t offset;
	uint32_t count;
	uint32_t entry; /* bytes of one */
};

struct elf {
	int fd; /* the caller's */
	uint64_t size;
	enum cpu_arch arch; /* of i386 x86_64, too; CPU_OTHER: neither x86 nor aarch64 */
	bool amd64;         /* code for 64-bit mode */
	bool wide;          /* ELFCLASS64 */
	struct elf_table segments;
	struct elf_table sections;
};

/* 1: an executable or a shared object; 0: anything else, as object files, cores and text are;
 * -EBADMSG, kind data: it says it is one, but its tables are cut or senseless. */
must_check int elf_open(int fd, struct elf *ret, struct err *e);

/* The level noted as needed: 2, 3 or 4; 0: none beyond what every x86-64 CPU has, or no note. */
must_check int elf_needed_level(const struct elf *f, unsigned *ret, struct err *e);

/* Calls fn with each section of machine code (each executable segment where there is no table of
 * sections) in pieces, in order: at least 1 byte, last: of this section. fn says how much it used
 * up; unless last, the rest comes again before what follows. Sections that overlap so much that
 * they are larger than the file: -EBADMSG. */
typedef size_t (*elf_code_fn)(const uint8_t *code, size_t n, bool last, void *ctx);
must_check int elf_code(const struct elf *f, elf_code_fn fn, void *ctx, struct err *e);

#endif
