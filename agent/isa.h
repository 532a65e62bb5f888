/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86-64 machine code: the length of an instruction and the CPU features it needs, to find what a
 * program requires that says nothing of it. Intel SDM vol. 2 (ch. 2 formats, app. A opcode maps);
 * AMD APM vol. 3 and, for XOP and FMA4, vol. 4 and 6. Input is hostile: any bytes give an answer.
 *
 * Own tables (10 KiB) instead of a disassembler's library: Debian's Zydis 4 is 400 KiB and more,
 * Capstone 4 is 6 MiB, in a static agent of 2.4 MiB, and of what they know only a length and a set
 * are needed. The price is a table to keep up: APX, and what is newer than AVX10.1, is taken for
 * data. tests/isa compares every opcode with binutils.
 */
#ifndef AGENT_ISA_H
#define AGENT_ISA_H

#include "agent/cpu.h"

#define ISA_LENGTH_MAX 15

enum isa_encoding { ISA_LEGACY, ISA_VEX, ISA_XOP, ISA_EVEX };

enum isa_prefix { ISA_NP, ISA_66, ISA_F3, ISA_F2 };

struct isa_insn {
	uint8_t length;
	uint8_t encoding;
	uint8_t map; /* 0 one byte, 1 0F, 2 0F38, 3 0F3A; 5 and 6 of EVEX; 8 to 10 of XOP */
	uint8_t opcode;
	uint8_t prefix; /* the one that chooses the instruction */
	uint8_t modrm;  /* 0 where there is none */
	uint8_t vector; /* bits: 0 = 128, 1 = 256, 2 = 512 */
	bool w;         /* REX.W, VEX.W, EVEX.W */
};

/* The instruction at code, 64-bit mode. 0: there is none, or it is cut. */
must_check unsigned isa_decode(const uint8_t *code, size_t n, struct isa_insn *ret);

/*
 * Adds the features that the instruction needs; false: no such instruction is known. Left out, as
 * cpu_target.c leaves them out, is what is for the operating system, a cache or a hint, or what
 * programs use only after a test: xsave and its kin, xgetbv, rdpid, clwb, prefetchw, shadow stacks,
 * rtm, waitpkg, key locker and the like; and mmx to sse2, which every x86-64 CPU has. tzcnt counts
 * for nothing: compilers emit it for "rep bsf", which runs everywhere.
 */
must_check bool isa_needs(const struct isa_insn *i, struct cpu_features *set);

/*
 * A linear sweep. Data between functions decodes as nonsense, soon followed by bytes that are no
 * instruction: what a run of fewer than ISA_RUN instructions before such bytes seems to need is
 * dropped. A table long enough can still feign a feature, and a short function between two tables
 * hide one.
 */
#define ISA_RUN 32

struct isa_sweep {
	struct cpu_features found;
	struct cpu_features run; /* of the instructions since the last that was none */
	unsigned length;         /* of the run */
	bool started;            /* the run began behind bytes that are no instruction */
};

/* The next bytes of one section. Returns how many were used up; the rest (under ISA_LENGTH_MAX
 * unless last) comes again in front of those that follow. */
must_check size_t isa_sweep_add(struct isa_sweep *s, const uint8_t *code, size_t n, bool last);

#endif
