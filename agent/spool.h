/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The job spool: a directory in which files become jobs, only ever by rename.
 *
 *     tmp/ -> new/ -> run/ID/submitted -> done/ID/ or failed/ID/
 *
 * tmp/, new/ and cancel/ are 1777, the others 0755 and the agent's own. cancel/ID, a file of the
 * job's owner or of root, asks for the end of a job; a file STOP, which only root can make, keeps
 * the watcher from starting any; .watch is what the watcher holds a lock on. The directory is the
 * truth, inotify(7) only a hint. Names are [A-Za-z0-9][A-Za-z0-9._-]{0,63}; the ID is the name, or
 * NAME~2, NAME~3 … where that is taken. There are no fsyncs but that of `submit`: what lies in
 * memory outlives the death of a process and not of the machine.
 *
 * run/ID is root's, and the job's group may read it. What is in it, and what the next watcher does
 * that finds it after a death at that point:
 *
 *     nothing                              the job is still in new/: the folder is removed
 *     anything, but no submitted           the job is in new/ again: the same
 *     submitted                            claimed, not started: it is queued under its ID again
 *     submitted, job, work … without lock  died while it made them: the same, they are made again
 *     lock, held                           running: attached to; its end is seen by the lock
 *     lock, free, no result.json           its recorder was killed: interrupted, or queued again
 *     result.json, without lock            refused before it began: moved
 *     result.json and lock                 ended: moved, as soon as the lock is free
 *
 * Two recorders that were both told to start one ID meet at the lock (rundir.h), which only one of
 * them can make; so nothing runs twice. A lock is taken away only to queue again what holds it no
 * more.
 */
#ifndef AGENT_SPOOL_H
#define AGENT_SPOOL_H

#include "common/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Beneath Path=, and what --spool is where it is not given. */
#define SPOOL_FOLDER  "jobs"
#define SPOOL_DEFAULT "/shared/jobs"
#define SPOOL_STOP    "STOP"

/* given, else $SHARED_PREP_SPOOL, else SPOOL_DEFAULT. */
const char *spool_default(const char *given);

#define SPOOL_NAME 65 /* of a file in new/, with its NUL */
#define SPOOL_ID   76 /* a name and its ~NUMBER */

/* A job file is at most this long. */
#define SPOOL_JOB_MAX (1024 * 1024)

struct spool {
	int fd;
	int tmp, new, run, done, failed, cancel;
	char path[PATH_MAX]; /* absolute, as the jobs reach it */
};

/* clang-format off */
#define SPOOL_INIT {.fd = -1, .tmp = -1, .new = -1, .run = -1, .done = -1, .failed = -1, .cancel = -1}
/* clang-format on */

/* Makes what is missing, with its modes. What another user made under these names is refused
 * (-EPERM); the folder that holds the spool must exist. */
must_check int spool_make(int rootfd, const char *path, struct err *e);

/* path beneath rootfd (AT_FDCWD: an ordinary path). -ENOENT says that there is no spool. */
must_check int spool_open(int rootfd, const char *path, struct spool *ret, struct err *e);
void spool_close(struct spool *s);

#define auto_spool __attribute__((cleanup(spool_close)))

/* Pure. A name that a submitter may choose; an ID, which may bear a ~NUMBER. */
bool spool_is_name(const char *name);
bool spool_is_id(const char *id);

/* Pure: for a name that is none, one that is: "bad-" and 16 digits of its hash. */
void spool_safe_name(const char *name, char ret[static SPOOL_NAME]);

enum spool_place { SPOOL_NOWHERE, SPOOL_NEW, SPOOL_RUN, SPOOL_DONE, SPOOL_FAILED };

/* Where the job is now. Looks in the order in which jobs move, so that none is missed. */
enum spool_place spool_find(const struct spool *s, const char *id);

/*
 * Claims new/NAME, whatever it is: makes run/ID and renames the file to run/ID/submitted. name need
 * not be a good one. -ENOENT: it is gone, nothing is left behind. *ret_id is written on success.
 */
must_check int spool_claim(
	const struct spool *s, const char *name, char ret_id[static SPOOL_ID], struct err *e);

/* run/ID becomes done/ID or failed/ID. -ENOENT: that has happened already. */
must_check int spool_finish(const struct spool *s, const char *id, bool done, struct err *e);

bool spool_is_stopped(const struct spool *s);
must_check int spool_stop(const struct spool *s, struct err *e);   /* makes STOP */
must_check int spool_unstop(const struct spool *s, struct err *e); /* absent is success */

/* Calls back for each entry of a folder (one of the spool's descriptors) but "." and "..", until it
 * returns a negative number, which is returned then. */
must_check int spool_each(
	int folder, int (*entry)(const char *name, void *ctx), void *ctx, struct err *e);

#endif
