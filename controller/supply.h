/* SPDX-License-Identifier: Apache-2.0 */
/* Where the machines of a project come from: [project] provider=. */
#ifndef CONTROLLER_SUPPLY_H
#define CONTROLLER_SUPPLY_H

#include "controller/machine.h"
#include "controller/matrix.h"
#include "controller/run.h"

struct supply {
	const struct project *project;
	struct run *run;
	const struct machine **host; /* of provider=ssh: who is at it, for each [host]; or NULL */
};

must_check int supply_open(
	const struct project *p, struct run *run, struct supply *ret, struct err *e);
void supply_close(struct supply *s);

#define auto_supply __attribute__((cleanup(supply_close)))

/* A new machine, not started, for the builds of a crew; the caller owns it. *ret is NULL where
 * there is none free at the moment. An error is one of the crew: no machine can ever do it. */
must_check int supply_take(struct supply *s, const struct crew *c, unsigned number,
	struct machine **ret, struct err *e);

/* It is not used any more; called before it is freed. */
void supply_return(struct supply *s, const struct machine *m);

#endif
