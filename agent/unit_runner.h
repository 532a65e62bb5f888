/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs as transient units of systemd. In the unit of a job runs `shared-prep run-unit`, the same
 * recorder (recorder.h) that process mode has: it holds the lock of run/ID, runs the job as its
 * user within the unit's control group, and writes the result. So the end of a job is the end of a
 * lock, seen by inotify(7), and the bus need not be asked; where there is no result then, the state
 * of the unit decides. For executor_unit.c, unit_runner.c and their test.
 */
#ifndef AGENT_UNIT_RUNNER_H
#define AGENT_UNIT_RUNNER_H

#include "agent/executor.h"
#include "agent/rundir.h"
#include "agent/unit_bus.h"

struct runner {
	struct executor *x;
	struct runner *next;
	struct bus_unit *unit; /* NULL: a recorder without one */
	int wd;                /* of run/ID, inotify; -1: none */
	bool followed;         /* the unit, because the lock was not enough */
	char refused[128];     /* why it was not started, "": nobody said */
	char id[SPOOL_ID];
};

struct executor {
	struct executor_event on_inotify; /* first */
	struct executor_setup setup;
	struct result_machine machine;
	struct unit_bus *bus;
	int inotify;
	char program[PATH_MAX];
	char variable[PATH_MAX + 32]; /* the spool, for what runs in units */
	struct runner *first;
};

enum unit_next {
	UNIT_WAIT,      /* for the end of the lock */
	UNIT_FOLLOW,    /* ask for the unit, and wait for its next change */
	UNIT_ENDED,     /* the result is there */
	UNIT_RECORD,    /* nobody else will write the result */
	UNIT_NOT_BEGUN, /* the job may be started again */
};

enum unit_life {
	UNIT_LIFE_UNKNOWN, /* nobody has asked */
	UNIT_LIFE_ALIVE,   /* starting, running or stopping */
	UNIT_LIFE_OVER,
};

/* Pure: from the folder and the unit. */
enum unit_next unit_next_of(enum rundir_state folder, enum unit_life life);

/* run/ID as a descriptor, and where the job stands. */
must_check int runner_folder(const struct runner *r, int *ret_dir, enum rundir_state *ret,
	struct rundir_lock *ret_lock, struct err *e);

/* Watches run/ID and speaks of its unit. */
must_check int runner_new(struct executor *x, const char *id, struct runner **ret, struct err *e);

/* Without a word to the watcher. */
void runner_free(struct runner *r);

/* Asks for its unit until that is over; without the bus, when that is back. */
void runner_follow(struct runner *r);

/* Whether it has ended: then the watcher is told and r is gone. s is the state of its unit, NULL:
 * not asked yet. */
void runner_look(struct runner *r, const struct unit_state *s);

#endif
