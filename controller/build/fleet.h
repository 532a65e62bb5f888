/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All workers of a run, in one thread: hires them up to a limit, looks after each, and lets none
 * behind. What is lost with a machine begins again on another; the first request to end stops all
 * of them at the same time.
 */
#ifndef CONTROLLER_FLEET_H
#define CONTROLLER_FLEET_H

#include "controller/build/board.h"
#include "controller/build/worker.h"
#include "controller/machine/supply.h"

#define FLEET_MAX 256 /* workers at a time */

enum fleet_on_error {
	FLEET_KEEP, /* the others go on */
	FLEET_STOP,
	FLEET_ASK,
};

struct fleet {
	const struct worker_shop *shop;
	struct supply *supply;
	struct matrix *matrix;
	struct board *board;
	unsigned parallel; /* workers at a time */
	enum fleet_on_error on_error;
	uint64_t max_cost; /* money.h; 0: no limit */
	/* A build has ended, done or failed: for the journal. */
	int (*ended)(void *ctx, const struct build *b, struct err *e);
	void *ctx;

	/* of fleet_run() */
	struct worker *worker;    /* parallel of them; machine NULL: a free place */
	struct crew_state *crews; /* for each of the matrix */
	unsigned hired;
	unsigned kept;  /* machines that were left, as the shop wants it */
	uint64_t spent; /* on machines that are gone */
	bool closing;
	bool asking;    /* FLEET_ASK: an answer is awaited on standard input */
	struct err why; /* it is closing */
};

/* 0: all builds are done or failed, the matrix tells. Else it was ended before that (-ECANCELED: by
 * the user; max_cost=, --on-error=stop, no space): what had begun waits again. No worker is left in
 * either case, but for machines that were kept or could not be stopped: the journal has them. */
must_check int fleet_run(struct fleet *f, struct err *e);

/* So far, in money.h. */
uint64_t fleet_cost(const struct fleet *f);

#endif
