/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which CPU features the programs and shared objects of a tree need, found in the files themselves:
 * the level noted by the linker (elf.h) and, on request, a sweep over their instructions (isa.h).
 *
 * Limits. Few linkers note a level beyond the baseline unless told to (-z x86-64-v3, gcc -mneeded),
 * so nothing noted proves nothing. Instructions are found wherever they stand: a library that asks
 * the CPU and chooses (glibc, OpenBLAS, OpenSSL) has many that it does not need. Not looked at:
 * object files and archives of them, code of other architectures and of 32 bits, what a program
 * makes as it runs; and what lies beneath a directory named glibc-hwcaps, where the dynamic linker
 * takes only what the CPU can run. Symbolic links are not followed.
 */
#ifndef AGENT_PACK_SCAN_H
#define AGENT_PACK_SCAN_H

#include "agent/cpu.h"

/* One ELF program or shared object. */
struct pack_scan_file {
	const char *path; /* beneath the tree */
	enum cpu_arch arch;
	unsigned level;               /* elf_needed_level() */
	bool swept;                   /* its instructions were read, too */
	struct cpu_features features; /* of both, beyond the x86-64 baseline */
	const char *damaged; /* why it could not be read as the ELF file it says it is, then
				only path holds; else NULL */
};

struct pack_scan_request {
	const char *dir;
	bool instructions;
	bool (*cancelled)(void *ctx); /* may be NULL; then -ECANCELED */
	/* Files in the order of the C locale; a negative answer ends the scan. */
	int (*found)(const struct pack_scan_file *file, void *ctx, struct err *e);
	void *ctx;
};

must_check int pack_scan(const struct pack_scan_request *r, struct err *e);

#endif
