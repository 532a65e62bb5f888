/* SPDX-License-Identifier: Apache-2.0 */
/* One prepare, resize or release at a time: a lock on a file in /run/shared-prep. */
#ifndef AGENT_LOCK_H
#define AGENT_LOCK_H

#include "common/err.h"

#include <stdbool.h>

/*
 * Makes the folder if needed; ret_made tells whether this call did. Held while *ret_fd is open.
 * Held by another process: -EWOULDBLOCK, kind transient: who waits would hold a booting machine.
 */
must_check int lock_take(int rootfd, int *ret_fd, bool *ret_made, struct err *e);

#endif
