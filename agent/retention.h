/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much done/ and failed/ may hold (KeepDone=): a count, bytes, an age. The oldest go first; the
 * one that ended last stays until it is too old, because somebody may wait for its result. To
 * look at all of them for each that comes would cost more than the jobs, so that up to a tenth more
 * is kept for a while.
 */
#ifndef AGENT_RETENTION_H
#define AGENT_RETENTION_H

#include "agent/settings_jobs.h"
#include "agent/spool.h"

struct retention {
	const struct spool *spool;
	const struct settings_keep *keep;
	uint64_t jobs;  /* in both folders */
	uint64_t bytes; /* that they hold */
	uint64_t size;  /* of the file system */
	/* Called with the folder of each job before it goes; may be NULL. A negative number keeps
	 * it. */
	int (*before)(int folder, const char *id, void *ctx);
	void *ctx;
};

/* Counts what is there; spool, keep and before have been set. */
must_check int retention_open(struct retention *r, struct err *e);

void retention_add(struct retention *r, uint64_t bytes);

/* Pure: whether it is time to remove some, the age apart. */
bool retention_is_due(const struct retention *r);

/* Removes what is too much; also what is too old. */
must_check int retention_enforce(struct retention *r, struct err *e);

#endif
