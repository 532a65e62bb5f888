/* SPDX-License-Identifier: Apache-2.0 */
/* For watch*.c only: what the watcher knows. */
#ifndef AGENT_WATCH_PRIVATE_H
#define AGENT_WATCH_PRIVATE_H

#include "agent/idset.h"
#include "agent/interruption.h"
#include "agent/metrics.h"
#include "agent/queue.h"
#include "agent/retention.h"
#include "agent/rundir.h"
#include "agent/schedule.h"
#include "agent/watch.h"

#include <limits.h>

/* Jobs that were looked at and are not started yet: the next one, with backfill some more, and
 * those that wait for others. Of these some may be omitted, so that there is room for the rest:
 * each is looked at again when one that it waits for has ended, after all that are queued. */
#define WATCH_WINDOW   1024
#define WATCH_BACKFILL 64
#define WATCH_WAITING  (WATCH_WINDOW - WATCH_BACKFILL)

/* Looked at, refused or started before events are read again. */
#define WATCH_TURN 128

/* A job that kills its recorder each time is not queued again for ever. */
#define WATCH_REQUEUES    3
#define WATCH_REQUEUE_IDS 64

struct watch_entry {
	char name[SPOOL_ID]; /* in new/, or the ID when claimed */
	bool claimed;        /* by an earlier watcher, or a start that failed */
	bool requeue;
	bool stale;       /* one that it waits for has ended */
	uint64_t threads; /* per core */
	uint64_t scratch; /* asked for, 0: a share */
	char **after;     /* IDs that it still waits for, malloc'd, NULL: none */
	size_t n_after;
};

struct watch_running {
	char id[SPOOL_ID];
	struct schedule_demand demand;
	bool pinned;
	cpu_set_t set;
	bool requeue;
	bool stopped; /* told to end */
};

struct watch_requeue {
	char id[SPOOL_ID];
	unsigned times;
};

struct watch {
	const struct watch_options *options;
	int root, loop, inotify, timer, signals, lock;
	int wd_new, wd_cancel, wd_root; /* inotify */
	struct executor_event on_inotify, on_timer, on_signal, on_interruption;
	struct settings settings;
	struct spool spool;
	struct owner_policy owners;
	struct result_machine machine; /* for results of jobs that were never started */
	struct schedule_machine capacity;
	struct schedule_use used;
	struct queue queue;
	struct watch_entry window[WATCH_WINDOW];
	struct schedule_demand demand[WATCH_WINDOW]; /* of window[], for schedule_choose() */
	size_t n_window;
	bool stale; /* one of them is */
	size_t n_omitted;
	struct idset awaited;       /* the IDs that these wait for */
	bool again;                 /* one of them has ended: rescan when the queue is used up */
	bool further;               /* the queue is, of a longer list: read on behind `reached` */
	char reached[NAME_MAX + 1]; /* the last name that was looked at */
	unsigned passes;            /* how many jobs have passed the one that is held */
	struct watch_running *running;
	size_t n_running, max_running;
	struct watch_requeue requeued[WATCH_REQUEUE_IDS];
	size_t next_requeued;
	const struct executor_ops *ops;
	struct executor *executor;
	struct interruption *interruption;
	struct retention retention;
	struct metrics metrics;
	const char *held; /* why no job is started, NULL: they are */
	bool is_stopped;  /* STOP is there */
	bool blocked;     /* something failed that may work at the next tick */
	bool rescan;      /* events were lost */
	bool unfinished;  /* more may be started, as soon as events were read */
	bool recovering;  /* run/ is read */
	bool changed;     /* since the metrics were written */
	uint64_t written; /* when: clock.h */
	bool quit;
	struct buf text; /* of the job file that is looked at */
};

/* Of the event that is one of its members. */
#define WATCH_OF(ev, member) ((struct watch *)(void *)((char *)(ev)-offsetof(struct watch, member)))

/* watch_queue.c */
void watch_enqueue(struct watch *w, const char *name); /* one that appeared in new/ */
void watch_enqueue_claimed(struct watch *w, const char *id);
void watch_fill(struct watch *w); /* starts what may start */
void watch_forget_window(struct watch *w);
void watch_job_ended(struct watch *w, const char *id); /* for those that wait for it */
void watch_forget(struct watch *w, const char *id);    /* it was put away */
bool watch_is_idle(const struct watch *w);

/* watch_refuse.c: ends a job that was not started, and says why in its result. */
void watch_refuse(
	struct watch *w, const char *name, bool claimed, enum job_state state, const char *reason);

/* watch_end.c */
void watch_on_ended(const struct executor_ended *ended, void *watch);
void watch_recover(struct watch *w); /* run/, against what is known to run */
void watch_put_away(
	struct watch *w, const char *id, enum job_state state, const char *why, uint64_t kept);
struct watch_running *watch_find(struct watch *w, const char *id);
struct watch_running *watch_add_running(struct watch *w, const char *id);
void watch_account(struct watch *w, const struct watch_running *r, bool runs);
void watch_stop_job(
	struct watch *w, struct watch_running *r, enum job_state state, const char *reason);

/* watch_leave.c */
must_check int watch_open_interruption(struct watch *w, struct err *e);

/* watch_cancel.c */
void watch_cancel(struct watch *w, const char *id); /* cancel/ID */
void watch_scan_cancel(struct watch *w);
void watch_sweep_tmp(struct watch *w);

/* Says it with the ID as a field of the journal. */
#define watch_say(level, id, ...) log_field(level, "SHARED_PREP_JOB", id, __VA_ARGS__)

#endif
