/* SPDX-License-Identifier: Apache-2.0 */
/* What a build has made, as JSON: DIST/build.json and --json. */
#ifndef CONTROLLER_REPORT_H
#define CONTROLLER_REPORT_H

#include "common/json.h"
#include "controller/project/matrix.h"

struct report {
	const struct project *project;
	const struct matrix *matrix;
	const char *run;
	uint64_t cost;   /* money.h */
	int64_t started; /* seconds since 1970 */
	int64_t ended;
};

/* {format, project, run, provider, started, ended, cost_usd, builds[{app, target, flags, state,
 * archive, sha256, bytes, seconds, place, why}]}; archive is relative to dist. */
must_check int report_json(const struct report *r, json_t **ret, struct err *e);

/* What will be made: [{app, target, flags, arch, march, option, archive, worker}]; option is what
 * the compiler is given for the target, archive relative to dist, worker who builds it, from 1. */
must_check int report_planned(const struct matrix *m, json_t **ret, struct err *e);

/* The event "built" of the journal, and what --resume takes from it: the digest, if the archive is
 * still there. */
must_check int report_event(const struct build *b, json_t **ret, struct err *e);
void report_resume(struct matrix *m, const json_t *events, const char *dist);

#endif
