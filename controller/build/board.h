/* SPDX-License-Identifier: Apache-2.0 */
/* What a run does, on standard error: a table that is redrawn on a terminal, a line for each event
 * elsewhere. */
#ifndef CONTROLLER_BOARD_H
#define CONTROLLER_BOARD_H

#include "controller/build/worker.h"

struct board {
	bool terminal;
	bool quiet;
	unsigned drawn; /* lines of the table on the screen */
	uint64_t when;  /* clock.h, it was drawn */
	uint64_t began;
};

void board_start(struct board *b, bool quiet);

/* A line that stays. */
void board_say(struct board *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct board_view {
	const struct worker *worker; /* those whose machine is not NULL are shown */
	size_t n;
	const struct matrix *matrix;
	uint64_t cost;
};

/* Cheap: at most five times a second, and only on a terminal. */
void board_draw(struct board *b, const struct board_view *v);

/* Wipes the table. */
void board_end(struct board *b);

#endif
