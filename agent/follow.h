/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits for a job from outside, by inotify(7) on the spool, and copies what it prints meanwhile.
 * Needs nothing but the spool: no /proc, no watcher (a result counts as soon as it is there). Where
 * there is no inotify left it looks ten times a second.
 */
#ifndef AGENT_FOLLOW_H
#define AGENT_FOLLOW_H

#include "agent/result.h"

#include <stdbool.h>

struct follow {
	const struct spool *spool;
	const char *id;
	bool copy;    /* its stdout and stderr to ours */
	bool cancels; /* SIGINT and SIGTERM cancel it, a second one ends the wait */
};

/* Until the job has ended, and through each time that it is queued again; or, with cancels, until
 * the second signal, whose number is returned then. -ENOENT, kind usage:
 * there is no such job; -ECANCELED: it vanished. Where its output could not be written, other than
 * for a reader that has gone (EPIPE), that is the error in the end, kind system. */
must_check int follow_job(const struct follow *f, struct job_result *ret, struct err *e);

/* Asks for the end of a job: cancel/ID. */
must_check int follow_cancel(const struct spool *s, const char *id, struct err *e);

#endif
