/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a build would do, found out without doing it: the table in plan.c has each question that is
 * asked, in order. No call creates anything: what would change something is sent as a dry run.
 */
#ifndef CONTROLLER_PLAN_H
#define CONTROLLER_PLAN_H

#include "common/json.h"
#include "controller/machine/ec2_site.h"

struct plan {
	const struct project *project;
	const struct matrix *matrix;
	bool debug_http;
	struct cloud *cloud;   /* NULL: the project needs none */
	struct ec2_site *site; /* the same */
	json_t *checks;        /* array of {check, ok, detail} */
	uint64_t low, high;    /* money.h: what all of it may cost */
	struct err worst;      /* of the first check that failed; kind none: all is well */
};

/* Asks all; a check that fails is no error of plan_make(). Later ones that need what an earlier one
 * did not find are left out. The caller calls plan_free() in every case. */
must_check int plan_make(const struct project *p, const struct matrix *m, bool debug_http,
	struct plan *ret, struct err *e);
void plan_free(struct plan *p);

#endif
