/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a watcher of jobs does from a notice to the end of the machine. leave_notice(), leave_over()
 * and leave_next() are pure; the loop does what they say:
 *
 *   a report NOTICE     leave_notice(); when it returns true, leave_publish() and a line in the log
 *   a report OVER       leave_over(); when it returns true, leave_unpublish() and a line in the log
 *   after any event     while ((deed = leave_next(&l, jobs, clock_now())) != LEAVE_WAIT) do it
 *   its timer           at leave_wake(), if that is not CLOCK_FOREVER
 *
 * The order that saves most: jobs first, because what they leave is what hooks save. From the
 * notice to the deadline, jobs have the first half of the time and end themselves (SIGTERM, with
 * the grace they have); hooks begin when the last has ended, at the latest at half time, when those
 * that still run are killed. The deadline is 10 s before the machine is taken away; of less than 30
 * s it is a third that is kept.
 */
#ifndef AGENT_LEAVE_H
#define AGENT_LEAVE_H

#include "agent/notice.h"

#include <stdbool.h>
#include <stdint.h>

enum leave_state {
	LEAVE_STAYS,
	LEAVE_HOLDS,  /* no claims */
	LEAVE_LEAVES, /* LEAVE_TERM_JOBS is to be done */
	LEAVE_ENDS,   /* jobs have been told */
	LEAVE_KILLS,  /* jobs have been killed and are to be seen dead */
	LEAVE_HOOKS,  /* LEAVE_RUN_HOOKS was given out */
};

enum leave_deed {
	LEAVE_WAIT,
	LEAVE_TERM_JOBS, /* SIGTERM to all jobs; their grace ends at jobs_by, if not before */
	LEAVE_KILL_JOBS, /* SIGKILL to those that are left */
	LEAVE_RUN_HOOKS, /* hooks_start() with hooks_by, if Hooks= allows; once */
};

struct leave {
	enum leave_state state;
	struct notice notice; /* the one that counts; kind NONE: none */
	int64_t noticed;      /* seconds since 1970, as the next two */
	int64_t time;         /* when the machine is taken away, by our best guess; 0: unknown */
	int64_t deadline;     /* when all has to be saved; 0: unknown */
	uint64_t jobs_by;     /* clock.h */
	uint64_t hooks_by;    /* clock.h */
	unsigned sources;     /* bits: who has announced something */
};

struct leave_now {
	int64_t date;   /* date_now() */
	uint64_t clock; /* clock_now() */
};

/* true: something changed, and interrupt.json is to be written; a hooks_by of hooks that run may be
 * earlier now: hooks_hurry(). */
bool leave_notice(struct leave *l, const struct notice *n, enum rebalance r, struct leave_now now);

/* A source took its notice back. true: it was the last; the machine stays, jobs are claimed again
 * and interrupt.json is to be removed. What was ended stays ended. */
bool leave_over(struct leave *l, enum notice_source s);

/* The next deed; jobs is how many run. */
enum leave_deed leave_next(struct leave *l, unsigned jobs, uint64_t now);

/* How long those that were killed may take to be seen dead before hooks begin all the same. */
#define LEAVE_DEATH (2 * NSEC_PER_SEC)

/* When leave_next() is to be asked again though nothing happened. */
uint64_t leave_wake(const struct leave *l);

#define LEAVE_FILE "interrupt.json"
#define LEAVE_RUN  "/run/shared-prep/" LEAVE_FILE

/*
 * Writes {format, kind, event, source, time, deadline, noticed} by rename to /run/shared-prep and
 * to the folder dir (that which holds the spool), mode 0644. In a folder that all may write to,
 * whatever stands in its way there is removed. The first error is returned, after both were tried.
 */
must_check int leave_publish(int rootfd, const char *dir, const struct leave *l, struct err *e);
must_check int leave_unpublish(int rootfd, const char *dir, struct err *e);

/* What a hook is told in its environment: SHARED_PREP_INTERRUPT_KIND, _EVENT, _SOURCE, _TIME,
 * _DEADLINE ("2026-01-31T08:22:00Z", "" where unknown), SHARED_PREP_JOBS, SHARED_PREP_INSTANCE_ID,
 * SHARED_PREP_PERSIST_TO. */
struct leave_context {
	const struct leave
		*leave;    /* NULL: no interruption, for a retention that saves what it removes */
	const char *spool; /* "/shared/jobs" */
	const char *instance_id; /* "" where unknown */
	const char *persist_to;  /* NULL: nowhere */
};

#define LEAVE_ENV      8
#define LEAVE_ENV_TEXT 8192

/* For hooks.h. Not to be moved. */
struct leave_env {
	const char *var[LEAVE_ENV + 1]; /* ends with NULL */
	char text[LEAVE_ENV_TEXT];
};

must_check int leave_environment(
	const struct leave_context *c, struct leave_env *ret, struct err *e);

#endif
