/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine's root file system holds still while a snapshot of it begins: what was written is on
 * the disk, nothing more is, fsfreeze(8). It thaws when we say so, when the connection is lost, or
 * after FREEZE_TIME. Where a file system cannot be frozen, sync(1) alone has been done.
 */
#ifndef CONTROLLER_FREEZE_H
#define CONTROLLER_FREEZE_H

#include "controller/machine/machine.h"

#define FREEZE_TIME 150 /* seconds: a snapshot is asked for twice where an answer was lost */

struct freeze {
	pid_t pid; /* 0: nothing is frozen */
	int in;    /* it thaws when this is closed */
};

#define FREEZE_INIT                                                                                \
	{                                                                                          \
		.in = -1                                                                           \
	}

/* Kind transient: the machine did not answer. The caller calls freeze_end() in every case. */
must_check int freeze_begin(struct machine *m, struct freeze *ret, struct err *e);
/* Waits until it has thawed. */
void freeze_end(struct freeze *f);

#endif
