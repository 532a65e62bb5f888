/* SPDX-License-Identifier: Apache-2.0 */
/* For watch.c only: what the watcher needs before it can begin. */
#ifndef AGENT_WATCH_SETUP_H
#define AGENT_WATCH_SETUP_H

#include "agent/watch_private.h"

/* NULL on no memory, *e filled. */
struct watch *watch_new(const struct watch_options *o, struct err *e);

/* The settings, the spool (made if missing), what the machine has, the descriptors of the loop; one
 * watcher at a time (-EWOULDBLOCK). */
must_check int watch_open(struct watch *w, struct err *e);

/* NULL is fine. */
void watch_free(struct watch *w);

#endif
