/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine to work on: what builds, benchmarks and bakes is written against this, whether it is a
 * spot instance (machine_ec2.c), a host that the user names (machine_ssh.c), namespaces of this
 * very machine (machine_local.c), a root in a directory (machine_root.c) or a guest
 * (machine_qemu.c).
 *
 * Nothing here blocks for long. A machine is started, then machine_poll() is called again and again
 * until it is ready; commands are processes of ours that the caller waits for. One thread.
 */
#ifndef CONTROLLER_MACHINE_H
#define CONTROLLER_MACHINE_H

#include "common/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum machine_state {
	MACHINE_NEW,
	MACHINE_STARTING,
	MACHINE_READY,
	MACHINE_LOST,     /* it was there and is not any more */
	MACHINE_STOPPING, /* asked to go, not seen gone */
	MACHINE_GONE,
};

/* A command line for sh, run as root with HOME=/root in an empty environment but for PATH. */
struct machine_command {
	const char *shell;
	int in; /* descriptors of its standard streams; -1: /dev/null */
	int out;
	int err;
};

struct machine;

struct machine_ops {
	/* Begins to start it. What it creates is in the journal first. */
	int (*start)(struct machine *m, struct err *e);
	/* Looks how far it is, sets m->state. An error is final for this machine. */
	int (*poll)(struct machine *m, struct err *e);
	/* A process of ours, leading a group of its own, that ends as the command does: 0 to 255,
	 * where MACHINE_BROKEN may be the command's own or say that the machine is lost: poll(). */
	int (*run)(struct machine *m, const struct machine_command *c, pid_t *ret, struct err *e);
	/* Begins to end it, whatever its state; then poll() until MACHINE_GONE. */
	int (*stop)(struct machine *m, struct err *e);
	/* Forgets it, with processes and files of ours that serve it; never waits. */
	void (*free)(struct machine *m);
};

#define MACHINE_BROKEN 255

/* The first member of each backend's own struct. */
struct machine {
	const struct machine_ops *ops;
	char name[64];  /* "worker 3": for messages and tags */
	char place[96]; /* for people: "c7a.large spot eu-west-1b i-…", "local", "ann@host"; "" at
			 * first
			 */
	enum machine_state state;
	char arch[16];        /* of its processor, "x86_64" or "aarch64" */
	uint64_t price;       /* money.h, for an hour; 0: it costs nothing */
	uint64_t started;     /* clock.h; 0: not yet */
	char remark[160];     /* what is to be known of it beside; "" */
	bool stays;           /* it outlives the run: what is made there is to be removed */
	char login[PATH_MAX]; /* a command line by which a person logs in; "" where there is none */
	char notice[128];     /* it will be taken away: what the provider said; "" */
};

/* For backends, whose machine goes with a process of theirs: it has ended. */
static inline void machine_ended(struct machine *m)
{
	if (m->state == MACHINE_READY)
		m->state = MACHINE_LOST;
	else if (m->state == MACHINE_STOPPING)
		m->state = MACHINE_GONE;
}

static inline int machine_start(struct machine *m, struct err *e)
{
	return m->ops->start(m, e);
}

static inline int machine_poll(struct machine *m, struct err *e)
{
	return m->ops->poll(m, e);
}

static inline int machine_run(
	struct machine *m, const struct machine_command *c, pid_t *ret, struct err *e)
{
	return m->ops->run(m, c, ret, e);
}

static inline int machine_stop(struct machine *m, struct err *e)
{
	return m->ops->stop(m, e);
}

/* NULL is allowed. */
static inline void machine_free(struct machine *m)
{
	if (m)
		m->ops->free(m);
}

#endif
