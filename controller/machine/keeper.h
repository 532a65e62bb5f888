/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs on an instance as long as we work there: it begins the instance's lifetime anew
 * whenever we send a line, and tells when EC2 announces that it takes a spot instance away. It ends
 * when nobody listens. Amazon EC2 User Guide, "Spot Instance interruption notices", "rebalance
 * recommendations" are no such notice.
 */
#ifndef CONTROLLER_KEEPER_H
#define CONTROLLER_KEEPER_H

#include "controller/machine/machine.h"

#define KEEPER_INIT                                                                                \
	{                                                                                          \
		.feed = -1, .tell = -1                                                             \
	}

struct keeper {
	pid_t pid; /* 0: none */
	int feed;  /* lines to it */
	int tell;  /* its notices */
	uint64_t fed;
	uint64_t interval; /* ns between the lines */
};

/* Starts it by run(ctx, command), which is that of the machine. */
must_check int keeper_start(struct keeper *k, uint64_t lifetime,
	int (*run)(void *ctx, const struct machine_command *c, pid_t *ret, struct err *e),
	void *ctx, struct err *e);

/* Feeds it, reads what it tells: 1: a notice, in notice. -ECHILD: it has ended, with its connection
 * or by itself: keeper_stop(), and another may be started. */
int keeper_poll(struct keeper *k, char *notice, size_t size);

void keeper_stop(struct keeper *k);

#endif
