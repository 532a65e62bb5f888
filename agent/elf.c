/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/elf.h"

#include "common/num.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define NOTES_MAX (1 * MIB) /* read of one file */
#define NOTE_MAX  (64 * KIB)
#define PIECE     (256 * KIB)

/* binutils include/elf/common.h; the numbers before 2.36 mean something else and are not read. */
#define PROPERTY_X86_ISA_1_NEEDED 0xc0008002U
#ifndef PT_GNU_PROPERTY
#define PT_GNU_PROPERTY 0x6474e553
#endif

/* Of a segment or section, what we look at. */
struct area {
	uint32_t type;
	uint64_t flags;
	uint64_t offset;
	uint64_t size;
	uint64_t align;
};

static int damaged(struct err *e, const char *what)
{
	return err_set(e, ERR_DATA, EBADMSG, "damaged ELF file: %s", what);
}

/* What is there from offset on, at most n. Returns how much, or -errno. */
static ssize_t read_at(const struct elf *f, uint64_t offset, void *out, size_t n, struct err *e)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = pread(
			f->fd, (char *)out + done, n - done, (off_t)(offset + (uint64_t)done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(e, "cannot read");
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static int read_exactly(const struct elf *f, uint64_t offset, void *out, size_t n, struct err *e)
{
	ssize_t got = read_at(f, offset, out, n, e);

	if (got >= 0 && (size_t)got < n)
		return damaged(e, "it is cut");
	return got < 0 ? (int)got : 0;
}

static bool table_fits(const struct elf *f, const struct elf_table *t, size_t least)
{
	const uint64_t bytes = (uint64_t)t->count * t->entry;

	return t->count == 0 ||
	       (t->entry >= least && t->offset <= f->size && bytes <= f->size - t->offset);
}

static void set_machine(struct elf *f, uint16_t machine)
{
	f->amd64 = machine == EM_X86_64;
	f->arch = machine == EM_X86_64 || machine == EM_386 ? CPU_X86_64
		  : machine == EM_AARCH64                   ? CPU_AARCH64
							    : CPU_OTHER;
}

/* PN_XNUM and a section count of 0 stand for a number elsewhere: only object files are so large. */
static struct elf_table table(uint64_t offset, uint32_t count, uint32_t entry, uint32_t none)
{
	struct elf_table t = {.offset = offset, .count = count, .entry = entry};

	if (offset == 0 || count == none)
		t.count = 0;
	return t;
}

static int read_header(struct elf *f, uint16_t *ret_type, struct err *e)
{
	Elf64_Ehdr w;
	Elf32_Ehdr n;
	int rc = f->wide ? read_exactly(f, 0, &w, sizeof(w), e)
			 : read_exactly(f, 0, &n, sizeof(n), e);

	if (rc < 0)
		return rc;
	if (f->wide) {
		*ret_type = w.e_type;
		set_machine(f, w.e_machine);
		f->segments = table(w.e_phoff, w.e_phnum, w.e_phentsize, PN_XNUM);
		f->sections = table(w.e_shoff, w.e_shnum, w.e_shentsize, 0);
	} else {
		*ret_type = n.e_type;
		set_machine(f, n.e_machine);
		f->segments = table(n.e_phoff, n.e_phnum, n.e_phentsize, PN_XNUM);
		f->sections = table(n.e_shoff, n.e_shnum, n.e_shentsize, 0);
	}
	return 0;
}

int elf_open(int fd, struct elf *ret, struct err *e)
{
	struct elf f = {.fd = fd};
	uint8_t ident[EI_NIDENT];
	uint16_t type;
	struct stat st;
	ssize_t got;
	int rc;

	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot examine");
	f.size = (uint64_t)st.st_size;
	got = read_at(&f, 0, ident, sizeof(ident), e);
	if (got < 0)
		return (int)got;
	if (got < EI_NIDENT || memcmp(ident, ELFMAG, SELFMAG) != 0 ||
		ident[EI_DATA] != ELFDATA2LSB ||
		(ident[EI_CLASS] != ELFCLASS64 && ident[EI_CLASS] != ELFCLASS32))
		return 0;
	f.wide = ident[EI_CLASS] == ELFCLASS64;
	rc = read_header(&f, &type, e);
	if (rc < 0)
		return rc;
	if (type != ET_EXEC && type != ET_DYN)
		return 0;
	if (!table_fits(&f, &f.segments, f.wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) ||
		!table_fits(&f, &f.sections, f.wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
		return damaged(e, "its tables are not in it");
	*ret = f;
	return 1;
}

/* Cut to the file: a debug file keeps the segments of the program, but not their content. */
static void cut(const struct elf *f, struct area *a)
{
	if (a->offset > f->size)
		a->offset = f->size;
	if (a->size > f->size - a->offset)
		a->size = f->size - a->offset;
}

static int segment(const struct elf *f, uint32_t i, struct area *ret, struct err *e)
{
	const uint64_t at = f->segments.offset + (uint64_t)i * f->segments.entry;
	Elf64_Phdr w;
	Elf32_Phdr n;
	int rc = f->wide ? read_exactly(f, at, &w, sizeof(w), e)
			 : read_exactly(f, at, &n, sizeof(n), e);

	if (rc < 0)
		return rc;
	*ret = f->wide ? (struct area){w.p_type, w.p_flags, w.p_offset, w.p_filesz, w.p_align}
		       : (struct area){n.p_type, n.p_flags, n.p_offset, n.p_filesz, n.p_align};
	cut(f, ret);
	return 0;
}

static int section(const struct elf *f, uint32_t i, struct area *ret, struct err *e)
{
	const uint64_t at = f->sections.offset + (uint64_t)i * f->sections.entry;
	Elf64_Shdr w;
	Elf32_Shdr n;
	int rc = f->wide ? read_exactly(f, at, &w, sizeof(w), e)
			 : read_exactly(f, at, &n, sizeof(n), e);

	if (rc < 0)
		return rc;
	*ret = f->wide ? (struct area){w.sh_type, w.sh_flags, w.sh_offset, w.sh_size,
				 w.sh_addralign}
		       : (struct area){
				 n.sh_type, n.sh_flags, n.sh_offset, n.sh_size, n.sh_addralign};
	cut(f, ret);
	return 0;
}

static uint32_t word_at(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static size_t aligned(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/* An array of {type, size, data}, each filled up to a word of the class. */
static uint32_t needed_bits(const struct elf *f, const uint8_t *p, size_t n)
{
	uint32_t bits = 0;

	while (n >= 8) {
		const uint32_t size = word_at(p + 4);
		size_t step;

		if (size > n - 8)
			break;
		if (word_at(p) == PROPERTY_X86_ISA_1_NEEDED && size >= 4)
			bits |= word_at(p + 8);
		step = aligned(8 + (size_t)size, f->wide ? 8 : 4);
		if (step > n)
			break;
		p += step;
		n -= step;
	}
	return bits;
}

static uint32_t note_bits(const struct elf *f, const uint8_t *p, size_t n, size_t align)
{
	uint32_t bits = 0;

	while (n >= 12) {
		const size_t name = word_at(p), desc = word_at(p + 4);
		const size_t from = aligned(12 + name, align);
		size_t next;

		if (name > n || desc > n || from > n || desc > n - from)
			break;
		if (name == 4 && memcmp(p + 12, "GNU", 4) == 0 &&
			word_at(p + 8) == NT_GNU_PROPERTY_TYPE_0)
			bits |= needed_bits(f, p + from, desc);
		next = aligned(from + desc, align);
		if (next > n)
			break;
		p += next;
		n -= next;
	}
	return bits;
}

int elf_needed_level(const struct elf *f, unsigned *ret, struct err *e)
{
	auto_free uint8_t *notes = malloc(NOTE_MAX);
	uint64_t total = 0;
	uint32_t bits = 0;

	if (!notes)
		return err_oom(e);
	for (uint32_t i = 0; f->arch == CPU_X86_64 && i < f->segments.count; i++) {
		struct area a;
		ssize_t n;

		if (segment(f, i, &a, e) < 0)
			return -e->num;
		if (a.type != PT_NOTE && a.type != PT_GNU_PROPERTY)
			continue;
		n = read_at(f, a.offset, notes, a.size < NOTE_MAX ? a.size : NOTE_MAX, e);
		if (n < 0)
			return (int)n;
		total += (uint64_t)n;
		if (total > NOTES_MAX)
			return damaged(e, "more than 1 MiB of notes");
		bits |= note_bits(f, notes, (size_t)n, a.align == 8 ? 8 : 4);
	}
	/* bit 0: baseline, then v2, v3, v4 */
	*ret = bits & 8 ? 4 : bits & 4 ? 3 : bits & 2 ? 2 : 0;
	return 0;
}

static int sweep(const struct elf *f, const struct area *a, uint8_t *piece, elf_code_fn fn,
	void *ctx, struct err *e)
{
	uint64_t at = a->offset;
	uint64_t left = a->size;
	size_t held = 0;

	while (left > 0 || held > 0) {
		const size_t room = PIECE - held;
		ssize_t n = read_at(f, at, piece + held, left < room ? (size_t)left : room, e);
		size_t used;

		if (n < 0)
			return (int)n;
		at += (uint64_t)n;
		left = n == 0 ? 0 : left - (uint64_t)n;
		held += (size_t)n;
		if (held == 0)
			return 0;
		used = fn(piece, held, left == 0, ctx);
		if (left == 0)
			return 0;
		held -= used;
		memmove(piece, piece + used, held);
	}
	return 0;
}

/* A section or, without a table of them, a segment is code when this says so. */
static int code_area(const struct elf *f, uint32_t i, struct area *ret, struct err *e)
{
	if (f->sections.count) {
		int rc = section(f, i, ret, e);

		return rc < 0 ? rc : ret->type == SHT_PROGBITS && ret->flags & SHF_EXECINSTR;
	} else {
		int rc = segment(f, i, ret, e);

		return rc < 0 ? rc : ret->type == PT_LOAD && ret->flags & PF_X;
	}
}

int elf_code(const struct elf *f, elf_code_fn fn, void *ctx, struct err *e)
{
	const uint32_t count = f->sections.count ? f->sections.count : f->segments.count;
	auto_free uint8_t *piece = malloc(PIECE);
	uint64_t total = 0;

	if (!piece)
		return err_oom(e);
	for (uint32_t i = 0; i < count; i++) {
		struct area a;
		int rc = code_area(f, i, &a, e);

		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		total += a.size;
		if (total > f->size)
			return damaged(e, "its sections overlap");
		rc = sweep(f, &a, piece, fn, ctx, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}
