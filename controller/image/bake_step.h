/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a machine becomes an image, in order: the table in bake_step.c. Each step is a script for sh
 * that finds in variables what it works on; a second run of all changes nothing. Pure.
 */
#ifndef CONTROLLER_BAKE_STEP_H
#define CONTROLLER_BAKE_STEP_H

#include "common/buf.h"
#include "controller/image/bake.h"
#include "controller/machine/userdata.h"

#define BAKE_SCRIPT_MAX (64 * 1024)

/* Only what bears this file, with the id of the run in it, is wiped. It is where no image has it:
 * the user data of a worker writes it at each boot, machine_root.c into a /run of its own. */
#define BAKE_MARKER USERDATA_MARKER

/* Of a script: this machine is not ours to change. */
#define BAKE_REFUSED 77

enum bake_scope {
	BAKE_ONCE,
	BAKE_FOR_PACKAGES, /* once, where there are any */
	BAKE_FOR_CONTAINERS,
	BAKE_EACH_REPOSITORY,
	BAKE_EACH_ARCHIVE,
	BAKE_EACH_COPY,
	BAKE_EACH_TYPE, /* of types=, as far as they are of this architecture */
};

/* What a step reads: BAKE_ITEM is the repository, archive or copy itself; a directory as tar.zst.
 */
enum bake_input {
	BAKE_NOTHING,
	BAKE_AGENT,
	BAKE_RPM,
	BAKE_CONFIG, /* may be none */
	BAKE_BEFORE,
	BAKE_AFTER,
	BAKE_LOGIN, /* may be none */
	BAKE_ITEM,
};

/* Where its standard output goes: bake_plan_check() and image_manifest_read() read it. */
enum bake_output { BAKE_LOG, BAKE_PLAN, BAKE_LIST };

struct bake_step {
	const char *name; /* for people: "archive" */
	enum bake_scope scope;
	enum bake_input input;
	enum bake_output output;
	uint64_t limit; /* ns */
	const char *script;
};

extern const struct bake_step bake_steps[];
extern const size_t n_bake_steps;

/* How often it is done; 0: there is nothing for it to do. */
size_t bake_step_count(const struct bake_step *s, const struct bake *b);

/* "octave_znver4.tar.zst": what its k-th time is about; "" where that says nothing. */
const char *bake_step_item(const struct bake_step *s, const struct bake *b, size_t k);

/* What it reads then; NULL: nothing. */
const struct bake_file *bake_step_input(const struct bake_step *s, const struct bake *b, size_t k);

struct bake_place {
	const struct bake *bake;
	const char *run;  /* its id */
	const char *here; /* bake_here() */
};

/* The root file system of this process, "BOOT:DEVICE:INODE": what the wipe never touches, whatever
 * a marker says. */
must_check int bake_here(char ret[static 128], struct err *e);

/* The whole script: the variables, then s->script. */
must_check int bake_step_script(const struct bake_step *s, size_t k, const struct bake_place *at,
	struct buf *out, struct err *e);

/*
 * What `shared-prep plan --json` said for a type: each app has an archive that is taken. Kind
 * no_fit, with the agent's reason. An archive that only the processor of this worker keeps from
 * being taken is none: another machine of that type has what it needs. *ret_unseen: how many such
 * apps there are.
 */
must_check int bake_plan_check(const struct bake *b, const char *type, const struct buf *plan,
	size_t *ret_unseen, struct err *e);

/* For the table: in files of their own, as they are long. */
extern const char bake_containers_script[];
extern const char bake_wipe_script[];
extern const char bake_wipe_check_script[];
extern const char bake_list_script[];

#endif
