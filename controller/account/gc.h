/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removes what a run has left: what its journal knows and what bears its tag, in the order of
 * resource.c, again and again until nothing is there. It may be killed at any moment and run again.
 */
#ifndef CONTROLLER_GC_H
#define CONTROLLER_GC_H

#include "controller/account/resource.h"
#include "controller/account/run.h"

struct gc {
	struct cloud *cloud;
	const char *run;         /* its id */
	struct journal *journal; /* of the run; NULL: it is not on this machine */
	uint64_t settle; /* ns after an intent without an outcome, until when it may yet show up */
	uint64_t deadline; /* for all of it */
	bool with_kept;    /* also what was made to stay */
	/* At the end of a run: its looks come no closer than before, and an interrupt, which may be
	 * why it ends, is not heeded. */
	bool ends_run;
	uint64_t looked; /* clock.h, the last look at what there is, also before; 0: none */
	/* Every resource that is removed, once. */
	void (*removing)(void *ctx, const struct resource *r);
	void *ctx;
};

/* In the cloud's region. Kind transient, -ETIMEDOUT: something is left yet, the message says what.
 */
must_check int gc_run(struct gc *g, struct err *e);

#endif
