/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts jobs into the spool: written into tmp/, fsync, renamed into new/. An ID is 11 digits of the
 * time in microseconds and 3 random ones (base 32, RFC 4648 "extended hex", so that names sort by
 * time), and -NAME: it is known at once, and jobs start in the order in which they were submitted.
 */
#ifndef AGENT_SUBMIT_H
#define AGENT_SUBMIT_H

#include "agent/job.h"
#include "agent/spool.h"

#include <stdint.h>

#define SUBMIT_PREFIX    14
#define SUBMIT_ARRAY_MAX 100000

/* Pure: the ID of a job. */
void submit_id(uint64_t microseconds, uint32_t random, const char *name, char ret[static SPOOL_ID]);

/* Pure: "A-B" or "A"; kind usage. */
must_check int submit_array(
	const char *text, uint64_t *ret_first, uint64_t *ret_last, struct err *e);

struct submit {
	const struct spool *spool;
	const struct job_options *options;
	char *const *argv;
	const struct buf *input; /* NULL: none */
	uint64_t last;           /* microseconds of the last ID: the next is later */
};

/* One job; array_index is SUBMIT_NO_ARRAY or what SHARED_PREP_ARRAY_INDEX becomes. */
#define SUBMIT_NO_ARRAY UINT64_MAX
must_check int submit_job(
	struct submit *s, uint64_t array_index, char ret_id[static SPOOL_ID], struct err *e);

#endif
