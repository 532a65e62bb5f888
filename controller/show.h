/* SPDX-License-Identifier: Apache-2.0 */
/* How far one long piece of work is, on standard error: a line that is redrawn on a terminal, a
 * line for each part that is done elsewhere. */
#ifndef CONTROLLER_SHOW_H
#define CONTROLLER_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#define SHOW_TEXT 160

struct show {
	bool terminal, quiet;
	char part[SHOW_TEXT]; /* that is at work; "": none */
	uint64_t since;       /* clock.h, it began */
	uint64_t drawn;       /* the same, the line was drawn; 0: there is none */
};

void show_start(struct show *s, bool quiet);

/* The next part begins: the last one is done. */
void show_part(struct show *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Cheap: at most five times a second, and only on a terminal. done of all: 0 of 0 is not known. */
void show_draw(struct show *s, uint64_t done, uint64_t all);

/* A line that stays, beside the parts. */
void show_say(struct show *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The last part is done; failed: it is what is wrong. */
void show_end(struct show *s, bool failed);

/* "62 %, 1 min 20 s left": by how long it took so far; "" where nothing can be told. Pure. */
const char *show_eta(uint64_t done, uint64_t all, uint64_t took, char ret[static SHOW_TEXT]);

#endif
