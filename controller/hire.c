/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/hire.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/num.h"
#include "controller/machine_wait.h"

#include <errno.h>

/* What is left after that is told. */
#define CLEAR_TIME (5 * 60 * NSEC_PER_SEC)

int hire_one(struct supply *s, const char *arch, struct hired *ret, struct err *e)
{
	int rc;

	*ret = (struct hired){.supply = s};
	rc = target_find(arch, NULL, &ret->build.target, e);
	if (rc < 0)
		return rc;
	ret->one = &ret->build;
	ret->crew = (struct crew){&ret->one, 1};
	return supply_take(s, &ret->crew, 1, &ret->machine, e);
}

void hire_end(struct hired *h)
{
	struct err e = ERR_INIT;

	if (!h->machine)
		return;
	if (machine_wait_gone(h->machine, &e) < 0)
		log_warning("%s", e.msg);
	supply_return(h->supply, h->machine);
	machine_free(h->machine);
	h->machine = NULL;
}

int hire_clear(struct supply *s, struct run *run, struct err *e)
{
	struct err unclear = ERR_INIT;
	size_t left;

	if (s->project && supply_clear(s, clock_deadline(CLEAR_TIME), &unclear) < 0)
		log_warning("%s", unclear.msg);
	left = journal_open_entries(&run->journal);
	if (left == 0)
		return run_forget(run, e);
	return err_set(e, ERR_TRANSIENT, EBUSY,
		"%zu resources are left: 'controller gc --run %s' removes them", left, run->id);
}
