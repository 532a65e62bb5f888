/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs of a spool as anybody may see them: by their names and, where they may be read, their
 * results. */
#ifndef AGENT_LISTING_H
#define AGENT_LISTING_H

#include "agent/result.h"

#include <stdbool.h>

struct listed {
	const char *id;
	const char *state; /* "queued", "running", or that of the result */
	bool has_result;
	struct job_result result;
};

/* false: it is not there. */
bool listing_one(const struct spool *s, const char *id, struct listed *ret);

/* All: ended ones, then running, then queued, each by name. */
must_check int listing_each(const struct spool *s, int (*job)(const struct listed *j, void *ctx),
	void *ctx, struct err *e);

/* A new reference, NULL on no memory. */
json_t *listing_json(const struct listed *j);

#endif
