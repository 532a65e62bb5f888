/* SPDX-License-Identifier: Apache-2.0 */
/* sd_notify(3): status lines, more start time while there is progress, readiness. Does
 * nothing where no service manager listens. */
#ifndef AGENT_NOTIFY_H
#define AGENT_NOTIFY_H

#include <stdint.h>

void notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The start may take this much longer from now on (EXTEND_TIMEOUT_USEC). */
void notify_extend(uint64_t ns);

void notify_ready(const char *status);

/* Nanoseconds in which the service manager wants to hear from us again, 0: not at all. */
uint64_t notify_watchdog_interval(void);
void notify_watchdog(void);

#endif
