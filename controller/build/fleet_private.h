/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of fleet. */
#ifndef CONTROLLER_FLEET_PRIVATE_H
#define CONTROLLER_FLEET_PRIVATE_H

#include "controller/build/fleet.h"

struct crew_state {
	bool busy;        /* a worker is at it */
	unsigned losses;  /* of workers */
	unsigned misfits; /* machines of another architecture */
	unsigned notices; /* machines that were taken away */
	uint64_t resume;  /* clock.h, when the next may be hired */
};

static inline struct crew_state *fleet_crew(const struct fleet *f, const struct crew *c)
{
	return &f->crews[c - f->matrix->crew];
}

/* All workers are stopped; the first reason counts. */
void fleet_close_down(struct fleet *f, const struct err *why);

/* fleet_worker.c: no machine can do what is left of it. */
void fleet_give_up(struct crew *c, const struct err *why);

/* Once: what it does is told, and what became of it heeded. A place whose worker is gone is free
 * afterwards. An error ends the run. */
must_check int fleet_look_after(struct fleet *f, struct worker *w, struct err *e);

#endif
