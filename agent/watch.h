/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watcher: takes jobs from the spool as CPUs and memory come free, hands them to an executor,
 * and puts away what has ended. One thread, one epoll loop. It only decides: its death, restart or
 * upgrade harms no job and loses no result (spool.h has the table).
 *
 * For the part that watches for interruptions: watch_add() puts a descriptor into the loop, and
 * watch_hold(), watch_end_all(), watch_kill_all(), watch_running() are what a notice asks for.
 */
#ifndef AGENT_WATCH_H
#define AGENT_WATCH_H

#include "agent/executor.h"

#include <stdbool.h>
#include <stdint.h>

struct watch;

struct watch_options {
	const char *root;  /* "/" but in tests */
	const char *spool; /* NULL: Path=/jobs */
	bool once;         /* end when nothing is queued or runs */
};

/* Runs until SIGTERM or SIGINT, which leave the jobs alone. */
must_check int watch_run(const struct watch_options *o, struct err *e);

/* Claims stop for this reason (kept by reference), NULL: go on. STOP in the spool holds too. */
void watch_hold(struct watch *w, const char *reason);

/* Asks all that runs to end: their signal, SIGTERM, after their grace SIGKILL; state interrupted.
 * Those that asked for --requeue are queued again. */
void watch_end_all(struct watch *w, const char *reason);
void watch_kill_all(struct watch *w);

/* How many jobs run now. */
unsigned watch_running(const struct watch *w);

/* The descriptor stays the caller's; ev->ready is called from the loop. */
must_check int watch_add(
	struct watch *w, int fd, uint32_t events, struct executor_event *ev, struct err *e);

#endif
