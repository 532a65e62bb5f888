/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an archive of ours (agent/archive.h): they are a small program that adds entries,
 * cuts frames and bends headers and tables. What it leaves alone is right: checksums of headers and
 * frames, sizes, the manifest, the digest. So the lies reach the engine.
 */
#ifndef TESTS_FUZZ_FORGE_H
#define TESTS_FUZZ_FORGE_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct forged {
	struct buf archive;
	size_t trailer; /* where the manifest's frame begins */
	bool strip;
	bool keep_suid;
	bool bent; /* a table was bent, or frames were moved */
	unsigned threads;
};

/* False: too large, or no memory. The caller frees archive in either case. */
bool forge(const uint8_t *data, size_t size, struct forged *ret);

#endif
