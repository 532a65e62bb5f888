/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How jobs are run: by recorders of our own (executor_process.c) or as units of systemd. An
 * executor starts what the watcher claimed, survives the watcher's death, and tells the end of each
 * job once. Whoever runs a job writes run/ID/result.json; the watcher then moves the folder.
 *
 * All calls come from the watcher's one thread and return at once, but for what the service manager
 * has to be asked when a job is taken over.
 */
#ifndef AGENT_EXECUTOR_H
#define AGENT_EXECUTOR_H

#include "agent/owner.h"
#include "agent/result.h"
#include "agent/settings.h"
#include "agent/spool.h"

#include <sched.h>
#include <stdint.h>

/* What the watcher's accounting grants a job. */
struct executor_grant {
	uint64_t cpus;
	uint64_t mem;     /* bytes */
	uint64_t scratch; /* bytes */
	bool pinned;      /* to the CPUs of the set */
	cpu_set_t set;
};

struct executor_ended {
	char id[SPOOL_ID];
	bool known; /* the executor knows how; else the folder tells (result.h, rundir.h) */
	enum job_state state; /* if known */
	uint64_t kept;        /* bytes that its folder holds, if known */
	char why[128];        /* reason, "" for none */
};

struct executor;

struct executor_setup {
	const struct spool *spool;
	const struct owner_policy *owners;
	const struct settings_jobs *settings;
	int root; /* for facts */
	int loop; /* epoll descriptor: the executor adds its own with a struct executor_event */
	void (*ended)(const struct executor_ended *job, void *ctx);
	void *ctx;
};

/* What epoll_event.data.ptr of every descriptor in the loop points to. */
struct executor_event {
	void (*ready)(struct executor_event *ev, uint32_t events);
};

struct executor_ops {
	const char *name;
	must_check int (*open)(
		const struct executor_setup *setup, struct executor **ret, struct err *e);

	/*
	 * Starts run/ID, which holds `submitted`. The executor reads that file (it may have changed
	 * since it was looked at: what asks for more than granted fails), prepares the folder and
	 * writes the result of what cannot be started too. An error means that nothing was begun.
	 */
	must_check int (*start)(struct executor *x, const char *id,
		const struct executor_grant *grant, struct err *e);

	/* SIGTERM to all of the job and SIGKILL after its grace, or now. run/ID/stop has been
	 * written. */
	must_check int (*stop)(struct executor *x, const char *id, bool now, struct err *e);

	/*
	 * Takes over a job that another watcher started and whose lock is held, or of which there
	 * is a unit; ended() will be called. -ESRCH: nobody runs it; the folder tells what to do.
	 */
	must_check int (*attach)(struct executor *x, const char *id, struct err *e);

	/* Nothing runs or is queued: gives back what it keeps ready. */
	void (*idle)(struct executor *x);

	/* Each Rescan=: looks whether ends were missed. */
	void (*check)(struct executor *x);

	/* The jobs go on. */
	void (*close)(struct executor *x);
};

extern const struct executor_ops executor_process, executor_unit;

#endif
