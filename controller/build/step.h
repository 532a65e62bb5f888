/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done on a worker, in order: the table in step.c. Each step is a script for sh that finds
 * in variables what it works on. Pure.
 */
#ifndef CONTROLLER_STEP_H
#define CONTROLLER_STEP_H

#include "common/buf.h"
#include "controller/project/matrix.h"

#define STEP_SCRIPT_MAX (64 * 1024)

enum step_scope {
	STEP_FIRST, /* once, before the builds */
	STEP_EACH,  /* for each build */
	STEP_LAST,  /* once, after them */
};

enum step_input { INPUT_NONE, INPUT_AGENT, INPUT_SOURCE };
enum step_output { OUTPUT_LOG, OUTPUT_DIGEST, OUTPUT_ARCHIVE };

struct step {
	const char *name; /* for people: "build" */
	enum step_scope scope;
	enum step_input input;
	enum step_output output;
	uint64_t limit; /* ns; 0: the app's timeout= */
	const char *script;
};

extern const struct step steps[];
extern const size_t n_steps;

/* Adds the whole script: the variables, then s->script. b is any build of the crew for STEP_FIRST
 * and STEP_LAST. run is the id of the run. */
must_check int step_script(const struct step *s, const struct build *b, const char *run,
	struct buf *out, struct err *e);

#endif
