/* SPDX-License-Identifier: Apache-2.0 */
/* One instance for a command that wants a machine of an architecture, whichever type is cheapest,
 * and nothing built there. */
#ifndef CONTROLLER_HIRE_H
#define CONTROLLER_HIRE_H

#include "controller/machine/supply.h"
#include "controller/show.h"

struct hired {
	struct supply *supply;
	struct machine *machine; /* NULL: there is none */
	struct build build;      /* for its kind */
	struct build *one;
	struct crew crew;
};

/* Not started yet; *ret stays where it is. The caller calls hire_end() in every case. */
must_check int hire_one(struct supply *s, const char *arch, struct hired *ret, struct err *e);

/* It is gone when this returns, or the journal of the run knows of it, which is said. */
void hire_end(struct hired *h);

#define auto_hired __attribute__((cleanup(hire_end)))

/* At the end of a command: nothing that was made for machines is left, and the folder of the run is
 * gone; else kind transient, with the command that removes what is left. */
must_check int hire_clear(struct supply *s, struct run *run, struct err *e);

#endif
