/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress of long work on standard error: one line redrawn with rate and time left on a terminal,
 * a plain line every ten seconds elsewhere, nothing when quiet.
 */
#ifndef COMMON_PROGRESS_H
#define COMMON_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what; /* "unpack 'octave_c5.tar.zst'", kept by reference */
	uint64_t total;   /* bytes, 0: unknown */
	uint64_t started;
	uint64_t drawn;
	bool terminal;
	bool quiet;
};

void progress_start(struct progress *p, const char *what, uint64_t total, bool quiet);

/* Cheap: draws at most ten times a second. */
void progress_update(struct progress *p, uint64_t done);

/* Wipes the terminal's line. */
void progress_end(struct progress *p);

#endif
