/* SPDX-License-Identifier: Apache-2.0 */
/* Small ELF files, made in memory. */
#ifndef TESTS_UNIT_ELF_IMAGE_H
#define TESTS_UNIT_ELF_IMAGE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ELF_IMAGE_CODE 0x400U

/* A whole program for 64 bits: one note, one segment and two sections of code. */
struct image64 {
	Elf64_Ehdr header;
	Elf64_Phdr segment[2];
	Elf64_Shdr section[4];
	struct {
		uint32_t namesz, descsz, type;
		char name[4];
		uint32_t property[8]; /* two properties */
	} note;
};

struct image32 {
	Elf32_Ehdr header;
	Elf32_Phdr segment[1];
	struct {
		uint32_t namesz, descsz, type;
		char name[4];
		uint32_t property[6];
	} note;
};

union elf_image {
	struct image64 wide;
	struct image32 narrow;
	uint8_t byte[0x500];
};

static inline void set_ident(uint8_t *ident, uint8_t class)
{
	memcpy(ident, ELFMAG, SELFMAG);
	ident[EI_CLASS] = class;
	ident[EI_DATA] = ELFDATA2LSB;
	ident[EI_VERSION] = EV_CURRENT;
}

static inline void elf_image_64(union elf_image *u, uint32_t bits)
{
	struct image64 *i = &u->wide;

	memset(u, 0, sizeof(*u));
	set_ident(i->header.e_ident, ELFCLASS64);
	i->header.e_type = ET_DYN;
	i->header.e_machine = EM_X86_64;
	i->header.e_phoff = offsetof(struct image64, segment);
	i->header.e_phnum = 2;
	i->header.e_phentsize = sizeof(Elf64_Phdr);
	i->header.e_shoff = offsetof(struct image64, section);
	i->header.e_shnum = 4;
	i->header.e_shentsize = sizeof(Elf64_Shdr);
	i->segment[0] = (Elf64_Phdr){.p_type = PT_NOTE,
		.p_offset = offsetof(struct image64, note),
		.p_filesz = sizeof(i->note),
		.p_align = 8};
	i->segment[1] = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = ELF_IMAGE_CODE,
		.p_filesz = 0x30};
	i->section[1] = (Elf64_Shdr){.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_offset = ELF_IMAGE_CODE,
		.sh_size = 0x10};
	i->section[2] = (Elf64_Shdr){.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_offset = ELF_IMAGE_CODE + 0x20,
		.sh_size = 0x10};
	i->section[3] = (Elf64_Shdr){.sh_type = SHT_NOBITS,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_size = 0x10000000};
	i->note.namesz = 4;
	i->note.descsz = sizeof(i->note.property);
	i->note.type = NT_GNU_PROPERTY_TYPE_0;
	memcpy(i->note.name, "GNU", 4);
	i->note.property[0] = 0xc0000002; /* IBT and shadow stack */
	i->note.property[1] = 4;
	i->note.property[2] = 3;
	i->note.property[4] = 0xc0008002;
	i->note.property[5] = 4;
	i->note.property[6] = bits;
}

static inline void elf_image_32(union elf_image *u, uint32_t bits)
{
	struct image32 *i = &u->narrow;

	memset(u, 0, sizeof(*u));
	set_ident(i->header.e_ident, ELFCLASS32);
	i->header.e_type = ET_EXEC;
	i->header.e_machine = EM_386;
	i->header.e_phoff = offsetof(struct image32, segment);
	i->header.e_phnum = 1;
	i->header.e_phentsize = sizeof(Elf32_Phdr);
	i->segment[0] = (Elf32_Phdr){.p_type = PT_GNU_PROPERTY,
		.p_offset = offsetof(struct image32, note),
		.p_filesz = sizeof(i->note),
		.p_align = 4};
	i->note.namesz = 4;
	i->note.descsz = sizeof(i->note.property);
	i->note.type = NT_GNU_PROPERTY_TYPE_0;
	memcpy(i->note.name, "GNU", 4);
	i->note.property[0] = 0xc0000002;
	i->note.property[1] = 4;
	i->note.property[3] = 0xc0008002;
	i->note.property[4] = 4;
	i->note.property[5] = bits;
}

#endif
