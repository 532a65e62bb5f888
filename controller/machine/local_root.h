/* SPDX-License-Identifier: Apache-2.0 */
/* For machine_local.c: what a local machine sees. Each is called in a process of its own, in a
 * mount namespace that is its own. */
#ifndef CONTROLLER_LOCAL_ROOT_H
#define CONTROLLER_LOCAL_ROOT_H

#include "common/err.h"

/* Builds the root and moves there; the host's is then out of reach. */
must_check int local_root_enter(struct err *e);

/* Mounts that are made from now on are seen in all mount namespaces that come from this one. */
must_check int local_root_share(struct err *e);

/* A /proc of the caller's PID namespace, in a mount namespace that shares with the root's. */
must_check int local_root_proc(struct err *e);

#endif
