/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From boot to ready, as a table of phases (prepare.c). Each phase may be killed and run again; a
 * second run of a prepared machine changes nothing. A run that fails leaves the mount as it found
 * it.
 */
#ifndef AGENT_PREPARE_H
#define AGENT_PREPARE_H

#include "agent/cpu.h"
#include "agent/host.h"
#include "agent/identity.h"
#include "agent/match.h"
#include "agent/mnt.h"
#include "agent/plan.h"
#include "agent/publish.h"
#include "agent/settings.h"
#include "agent/slot.h"
#include "common/err.h"

#include <stdbool.h>

/* Longest path of the mount point, with its NUL. */
#define PREPARE_PATH 512

struct prepare_options {
	const char *root;          /* "/" but in tests */
	const char *instance_type; /* overrides what is found, NULL: none */
	bool service; /* run by shared-prep.service: PID 1 mounts, never this process */
	bool quiet;   /* no progress */
};

/* What the phases know of each other. */
struct prepare {
	const struct prepare_options *options;
	int root;                /* descriptor of options->root */
	int lock;                /* held while it runs */
	char path[PREPARE_PATH]; /* of the mount point, as this process reaches it */
	struct settings settings;
	struct host host;
	struct cpu cpu;
	struct identity identity;
	struct identity_query *query; /* NULL: nothing is asked */
	struct mnt_live live;
	struct tmpfs_plan plan;
	struct mnt_options mnt_options;
	bool ready;    /* said so: from then on nothing is taken back */
	bool made_run; /* by this run: the folder of published files, taken back like the mount */
	bool mounted_here; /* by this run: taken back when it fails */
	mode_t was_mode;   /* of the empty directory that was there before, 0: none */
	int shared;        /* descriptor of the mounted directory */
	struct match match;
	struct slot *slot; /* one for each chosen archive, then one for each copied name */
	size_t n_slots;
	struct published_app *app;
	size_t n_apps;
};

/* Path= as the last prepare on this root found it; false: none has mounted yet. */
bool prepare_saved_path(int rootfd, char ret[static PREPARE_PATH]);

must_check int prepare_run(const struct prepare_options *o, struct err *e);

/* The phases up to the mount: brings the live tmpfs to the planned size and stops there. */
must_check int prepare_resize(const struct prepare_options *o, struct err *e);

/* prepare_mount.c: plans the size, then mounts or re-sizes and writes down what is mounted. */
must_check int prepare_plan(struct prepare *p, struct err *e);
must_check int prepare_mount(struct prepare *p, struct err *e);
must_check int prepare_say_mount(struct prepare *p, struct err *e);
must_check int prepare_unmount(struct prepare *p, struct err *e); /* takes back what it mounted */

/* prepare_apps.c: unpacks the chosen archives and copies the configured files, each into its slot.
 */
must_check int prepare_match(struct prepare *p, struct err *e);
must_check int prepare_apps(struct prepare *p, struct err *e);
must_check int prepare_copies(struct prepare *p, struct err *e);
must_check int prepare_sweep(struct prepare *p, struct err *e);

/* prepare_jobs.c: this program and the job spool. */
must_check int prepare_jobs(struct prepare *p, struct err *e);

#endif
