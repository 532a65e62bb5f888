/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a compiler may emit under given flags, asked of the compiler itself (gcc or clang): the
 * macros it predefines say which features are on. GCC manual, x86 and AArch64 options; Arm C
 * Language Extensions ch. 6. The program is run without a shell and without most of the flags:
 * only those go along that choose the target (-m…, --target, -target X, -Xclang X, -mllvm X);
 * others write files, load plugins, or are not for C.
 */
#ifndef AGENT_COMPILER_H
#define AGENT_COMPILER_H

#include "agent/cpu.h"
#include "agent/manifest.h"

struct compiler_answer {
	enum cpu_arch arch;
	struct cpu_features features;
	/* What -march= (aarch64: -mcpu=) in the flags names, for native what the compiler takes
	 * this machine for. "" where that is no cpu_target, or has features that other flags turn
	 * off. */
	char march[MANIFEST_NAME];
};

/*
 * cc: a program and its first arguments, cflags: both as words_split() takes them. Kind usage: not
 * words, or the compiler refuses the flags (it says why on standard error); system: it cannot be
 * run. What cpu_target.c leaves out of targets is left out here. On aarch64 rcpc, rcpc2, flagm and
 * flagm2 have no macro: a march that is known covers them.
 */
must_check int compiler_ask(
	const char *cc, const char *cflags, struct compiler_answer *ret, struct err *e);

/* Pure: from the text of "#define NAME VALUE" lines; false: neither x86 nor aarch64. */
must_check bool compiler_macros(const char *text, struct compiler_answer *ret);

#endif
