/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a bake on a machine that is ready, one after the other. */
#ifndef CONTROLLER_BAKE_RUN_H
#define CONTROLLER_BAKE_RUN_H

#include "controller/image/bake_step.h"
#include "controller/image/image_manifest.h"
#include "controller/machine/machine.h"

/* Valid during the call alone. */
struct bake_progress {
	const char *step;    /* "archive" */
	const char *item;    /* "octave_znver4.tar.zst"; or "" */
	size_t index, count; /* of all, the first is 1 */
	uint64_t sent;       /* bytes of what the step reads */
	uint64_t bytes;      /* all of them; 0: it reads nothing */
};

struct bake_job {
	const struct bake *bake;
	struct machine *machine; /* ready; it stays the caller's */
	const char *run;         /* the id that the machine's marker has */
	struct image_origin origin;
	const char *images; /* a folder, which is made */
	const char *tmpdir; /* for nameless files: what is packed, what is listed */
	uint64_t deadline;
	/* Some ten times a second; or NULL. */
	void (*progress)(void *ctx, const struct bake_progress *p);
	void *ctx;
};

struct bake_made {
	char log[PATH_MAX];       /* IMAGES/NAME.log: also where it fails, once it is opened */
	char manifest[PATH_MAX];  /* IMAGES/NAME.manifest */
	char bom[PATH_MAX];       /* IMAGES/NAME.cdx.json */
	char digest[DIGEST_TEXT]; /* of the manifest */
	size_t unseen;            /* as of bake_plan_check(), of all types */
};

/*
 * Runs them all, and writes what the image has in it. It blocks, and polls the machine meanwhile.
 * A step that fails is kind system (config: the wipe refuses this machine; no_fit and data as of
 * bake_plan_check() and image_manifest_read()), with its name, the last line that it printed and
 * the log; kind transient: the machine is lost, a step did not end in time, the user asked to end.
 */
must_check int bake_provision(const struct bake_job *job, struct bake_made *ret, struct err *e);

#endif
