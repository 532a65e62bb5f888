/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be tried to get an instance, in order: spot by price over zones and types, then on
 * demand by price, nothing above a limit. Where there was no capacity nothing is asked for ten
 * minutes. Pure.
 */
#ifndef CONTROLLER_LADDER_H
#define CONTROLLER_LADDER_H

#include "controller/project/project.h"

#define LADDER_CLOSED (600 * 1000000000ULL) /* ns */

struct rung {
	char type[64];
	char zone[64];
	char subnet[40];
	bool spot;
	unsigned rank;   /* of the type in types=; 0 where the CPU alone decides */
	uint64_t price;  /* money.h, for an hour; 0: not known */
	uint64_t closed; /* clock.h, until when there was no capacity */
};

struct ladder {
	struct rung *rung;
	size_t n;
};

must_check int ladder_add(struct ladder *l, const struct rung *r, struct err *e);
void ladder_free(struct ladder *l);

/* Drops what market and max_price (0: no limit) do not allow, and sorts the rest. A price that is
 * not known is above any limit. */
void ladder_arrange(struct ladder *l, enum market market, uint64_t max_price);

/* The first at or after *at that is not closed, *at becomes the one behind it; NULL: none. */
struct rung *ladder_next(struct ladder *l, size_t *at, uint64_t now);

/* There was no capacity. */
void ladder_close(struct rung *r, uint64_t now);

#endif
