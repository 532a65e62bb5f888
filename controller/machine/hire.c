/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/hire.h"

#include "common/log.h"
#include "controller/machine/machine_wait.h"

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
	int rc = supply_end(s, run, e);

	return rc < 0 ? rc : run_forget(run, e);
}
