/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: a machine, and the builds of a crew that it does one after the other by the table of
 * steps. It never blocks; worker_poll() looks what has ended and begins what is next.
 */
#ifndef CONTROLLER_WORKER_H
#define CONTROLLER_WORKER_H

#include "controller/build/step.h"
#include "controller/machine/machine.h"
#include "controller/project/matrix.h"

#define WORKER_INIT                                                                                \
	{                                                                                          \
		.pidfd = -1, .log = -1, .answer = -1, .archive = -1                                \
	}

/* What all workers of a run share. */
struct worker_shop {
	const char *run;  /* its id */
	const char *dist; /* absolute; archives and logs go here */
	/* A new descriptor of the agent for an architecture, of an app's source; by the caller. */
	int (*agent)(void *ctx, const char *arch, int *ret_fd, struct err *e);
	int (*source)(void *ctx, const struct project_app *app, int *ret_fd, struct err *e);
	void *ctx;
	uint64_t patience; /* ns that a machine may take to be ready */
	bool keep;         /* a failed build leaves its worker WORKER_KEPT */
};

enum worker_state {
	WORKER_STARTING,
	WORKER_BUSY,
	WORKER_IDLE,  /* nothing to do any more: its machine may stop */
	WORKER_KEPT,  /* a build has failed, and a person will look why */
	WORKER_STUCK, /* its machine is of no use any more: err says why; kind no_fit: it is of
			 another architecture */
	WORKER_STOPPING,
	WORKER_LEAVING, /* stopping, of a machine that stays: removes there what is ours */
	WORKER_GONE,
};

struct worker {
	const struct worker_shop *shop;
	struct machine *machine; /* owned */
	struct crew *crew;
	unsigned number;
	enum worker_state state;
	struct err err; /* of WORKER_STUCK */
	size_t step;
	struct build *build; /* that it is at; NULL: none */
	uint64_t since;      /* clock.h, when the step began, or the state */
	uint64_t deadline;
	uint64_t doubt; /* clock.h, until when its end may be its connection's; 0: it is none */

	pid_t pid; /* of the step; 0: none runs */
	int pidfd;
	int log;
	off_t said;  /* where in the log the step began */
	int answer;  /* what OUTPUT_DIGEST wrote */
	int archive; /* what OUTPUT_ARCHIVE writes */
};

/* Takes the machine and starts it; an error is one of the machine, which is the worker's anyway. */
must_check int worker_start(struct worker *w, struct err *e);

/* One look. Errors of builds are in the builds, those of the machine make it WORKER_STUCK; -errno
 * is for what no worker can go on with (no space in dist). */
must_check int worker_poll(struct worker *w, struct err *e);

/* Ends the step that runs and asks the machine to go. The build at hand waits again, unless it has
 * had its attempts. */
void worker_stop(struct worker *w);

void worker_free(struct worker *w);

/* "build", "starting": what it does. */
const char *worker_doing(const struct worker *w);

#endif
