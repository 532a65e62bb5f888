/* SPDX-License-Identifier: Apache-2.0 */
/* For machine_local.c: who is who in its user namespaces. */
#ifndef CONTROLLER_LOCAL_USERS_H
#define CONTROLLER_LOCAL_USERS_H

#include "common/err.h"

#include <sys/types.h>

/* Of a process whose user namespace is a child of ours and has no users yet. */
must_check int local_users_map(pid_t pid, struct err *e);

/* Moves this process to a user and a mount namespace beneath ours, with the same users: where what
 * is read-only cannot be made writable, nor what is mounted be taken off. */
must_check int local_users_lock(struct err *e);

#endif
