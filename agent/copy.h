/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies what [Copy] names from the data directory as it is: a file unopened, a directory as a
 * tree. Content, mode without setuid and setgid, owner and time of change; links as links; a
 * device, socket or FIFO is refused.
 */
#ifndef AGENT_COPY_H
#define AGENT_COPY_H

#include "agent/slot.h"
#include "common/err.h"

/* The stamp of a source: over names, kinds, sizes and times of all it holds. */
must_check int copy_stamp(int dirfd, const char *name, char out[static SLOT_STAMP], struct err *e);

/* Copies from/name to the new entry to/as. On failure *as* may be there in part: the caller removes
 * it. */
must_check int copy_entry(int from, const char *name, int to, const char *as, struct err *e);

#endif
