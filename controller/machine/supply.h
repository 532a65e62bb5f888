/* SPDX-License-Identifier: Apache-2.0 */
/* Where the machines of a project come from: [project] provider=. */
#ifndef CONTROLLER_SUPPLY_H
#define CONTROLLER_SUPPLY_H

#include "controller/account/run.h"
#include "controller/machine/ec2_site.h"
#include "controller/machine/machine.h"
#include "controller/machine/ssh_words.h"
#include "controller/project/matrix.h"

/* A [host]. */
struct supply_host {
	const struct machine *machine; /* who is at it; or NULL */
	char arch[16];                 /* "" until it has been reached */
	struct ssh_options ssh;
	char *text; /* of ssh */
};

struct supply {
	const struct project *project;
	struct run *run;
	struct supply_host *host; /* of provider=ssh: for each [host] */
	struct cloud cloud;       /* of provider=ec2 */
	struct ec2_site site;     /* of provider=ec2; project NULL: not open */
};

/* Looks only: nothing is made. *ret stays where it is. The caller calls supply_close() in every
 * case. */
must_check int supply_open(const struct project *p, struct run *run, bool debug_http,
	struct supply *ret, struct err *e);
void supply_close(struct supply *s);

/* A new machine, not started, for the builds of a crew; the caller owns it. *ret is NULL where
 * there is none free at the moment. An error is one of the crew: no machine can ever do it. */
must_check int supply_take(struct supply *s, const struct crew *c, unsigned number,
	struct machine **ret, struct err *e);

/* Nothing that was made for machines is left, and the journal says so. Kind transient: it could not
 * be made sure of in the time there is for that. */
must_check int supply_clear(struct supply *s, struct err *e);

/* At the end of the run: the same, where it was opened at all; then as run_left(). What could not
 * be made sure of is said. */
must_check int supply_end(struct supply *s, const struct run *run, struct err *e);

/* It is not used any more; called before it is freed. */
void supply_return(struct supply *s, const struct machine *m);

#endif
