/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For which machines an archive is: the architecture, march and features of its manifest, from what
 * the caller declares (march by our own table, cflags by the compiler, features by name) and what
 * is found in the files (pack_scan.h).
 *
 * arch: as declared; by march or a key that names a target; by the key x86_64 or aarch64; the
 * compiler's; that of the programs where all have one; this machine's.
 *
 * features: all that march, cflags and requires bring together. What is found is added when scan is
 * given or, as far as noted by linkers, when nothing is declared, the key included; else a noted
 * level beyond what is declared is warned of.
 */
#ifndef AGENT_PACK_FEATURES_H
#define AGENT_PACK_FEATURES_H

#include "agent/manifest.h"

struct pack_features_request {
	const char *dir;
	/* Options as they were given, NULL for none. */
	const char *arch;
	const char *march;
	const char *cflags;
	const char *cc; /* only with cflags; NULL: $CC, else "cc" */
	const char *requires;
	const char *scan;                          /* none, properties, instructions */
	bool (*cancelled)(void *ctx);              /* may be NULL; then -ECANCELED */
	void (*warn)(const char *text, void *ctx); /* may be NULL */
	void *ctx;
};

/*
 * Sets arch, march and features of *m, whose key is there already. Kind usage for options that make
 * no sense, and for programs of another architecture only, unless arch is given. files: NULL, or an
 * array that gets {file, level, features} for each file found to need more than the baseline, the
 * first 65536 of them.
 */
must_check int pack_features(
	const struct pack_features_request *r, struct manifest *m, json_t *files, struct err *e);

#endif
