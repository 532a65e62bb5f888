/* SPDX-License-Identifier: Apache-2.0 */
/* sd_notify(3) for prepare: status lines, more start time while there is progress, readiness. Does
 * nothing where no service manager listens. */
#ifndef AGENT_NOTIFY_H
#define AGENT_NOTIFY_H

#include <stdint.h>

void notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The start may take this much longer from now on (EXTEND_TIMEOUT_USEC). */
void notify_extend(uint64_t ns);

void notify_ready(const char *status);

#endif
