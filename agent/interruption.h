/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All of an interruption behind one descriptor, for the loop that watches jobs: the poller
 * (interrupt.h), the order of deeds (leave.h), interrupt.json, and hooks (hooks.h). It logs.
 *
 *   open    once, before the loop; the descriptor goes into its epoll, for EPOLLIN
 *   turn    when the descriptor is readable, and whenever a job has ended: never waits
 *   close   at the end of the loop: within 2 s; hooks that run are killed
 *
 * On a machine that nobody takes away nothing ever makes the descriptor readable.
 */
#ifndef AGENT_INTERRUPTION_H
#define AGENT_INTERRUPTION_H

#include "agent/settings.h"
#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

/* What is done to jobs; called from interruption_turn() only. */
struct interruption_jobs {
	void *ctx;
	void (*hold)(void *ctx, const char *reason); /* claim no more; NULL: claim again */
	void (*end)(void *ctx, const char *reason);  /* SIGTERM to all, SIGKILL after their grace */
	void (*kill)(void *ctx);                     /* SIGKILL to all */
	unsigned (*running)(void *ctx);
};

struct interruption_setup {
	int rootfd; /* stays open until the end */
	const struct settings
		*settings; /* stay until the end; Path= is where interrupt.json goes too */
	const char *spool; /* for hooks: "/shared/jobs"; stays until the end */
	struct interruption_jobs jobs;
};

struct interruption;

must_check int interruption_open(
	const struct interruption_setup *s, struct interruption **ret, struct err *e);

int interruption_fd(const struct interruption *i);

void interruption_turn(struct interruption *i);

/* The machine is to be left: what is interrupted now is for this reason. */
bool interruption_is_near(const struct interruption *i);

/*
 * For a retention: whether a job that ended then (seconds since 1970) may be removed. Always, where
 * To= is not set; else when it has been saved. Where it has not, the program that saves
 * (INTERRUPTION_SAVES of hooks.h's folders) is begun for all that has ended, beside the loop; ask
 * again later. What cannot be saved is tried again each minute.
 */
#define INTERRUPTION_SAVES "50-persist"
bool interruption_is_saved(struct interruption *i, int64_t ended);

/* NULL is fine. */
void interruption_close(struct interruption *i);

#endif
