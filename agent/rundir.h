/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a claimed job, run/ID:
 *
 *     submitted   what the submitter renamed into new/; the submitter may still hold it open
 *     job         a copy of it, checked, root:gid 0550: this is what counts and what is run
 *     lock        of the recorder: made locked, so that it is never seen free before its time;
 *                 PID BOOTTIME and, of a job that is pinned, the list of its CPUs
 *     stdout      stderr: root:gid 0640; the job has only descriptors of pipes or of these
 *     work/       of the job's user, 0700: working and temporary folder
 *     stop        result.h
 *     result.json result.h
 *
 * The folder is root:gid 0750, never writable by the job.
 */
#ifndef AGENT_RUNDIR_H
#define AGENT_RUNDIR_H

#include "agent/job.h"
#include "agent/owner.h"
#include "common/buf.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* What the folder of a job tells of where it stands (spool.h has the table). */
enum rundir_state {
	RUNDIR_EMPTY,
	RUNDIR_CLAIMED, /* not started */
	RUNDIR_RUNNING, /* the lock is held */
	RUNDIR_DEAD,    /* a free lock and no result */
	RUNDIR_ENDED,   /* a result, and no lock held */
};

struct rundir_lock {
	pid_t pid;           /* of the recorder */
	uint64_t started_ns; /* CLOCK_BOOTTIME */
	bool pinned;         /* to the CPUs of the set */
	cpu_set_t set;
};

/* run/ID (or done/ID, failed/ID) as a descriptor. */
must_check int rundir_open(int folder, const char *id, int *ret_dir, struct err *e);

must_check int rundir_state(
	int dir, enum rundir_state *ret, struct rundir_lock *ret_lock, struct err *e);

/* Without one it never was claimed, or is queued again: the folder is what a watcher left that died
 * then. */
bool rundir_has_job(int dir);

/* Makes the lock and holds it while *ret_fd is open. set: the CPUs that the job is pinned to, NULL:
 * it is not. -EEXIST: it was made before. */
must_check int rundir_lock(int dir, const cpu_set_t *set, int *ret_fd, struct err *e);

/* Of a job that is claimed and not started: removes the locks that were not made to the end.
 * Whoever is making one yet fails to. */
void rundir_sweep(int dir);

/* Takes a free lock away, and what the dead recorder left, so that the job can be started again. */
must_check int rundir_reset(int dir, struct err *e);

/*
 * Reads and checks a submitted file: NAME in dir (new/NAME or submitted) must be a regular file
 * with one link, at most SPOOL_JOB_MAX long, that does not change meanwhile. *st is its fstat; the
 * text is replaced. Kind data says what is wrong with it; -ENOENT.
 */
must_check int rundir_read_submitted(
	int dir, const char *name, struct buf *text, struct stat *st, struct err *e);

/* Makes job, work/, stdout and stderr and sets owners and modes; ret_out[0] is stdout, [1] stderr,
 * open for appending. */
must_check int rundir_prepare(int dir, const struct owner *o, const struct buf *text,
	int ret_out[static 2], struct err *e);

/* Lets the job's group read the folder; the same for one that is not run. */
must_check int rundir_show(int dir, const struct owner *o, struct err *e);

/* Removes work/ when it is empty; else returns the bytes it holds. */
uint64_t rundir_tidy(int dir);

/* Bytes that all of the folder holds. */
uint64_t rundir_size(int dir);

#endif
