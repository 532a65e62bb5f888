/* SPDX-License-Identifier: Apache-2.0 */
/* Monotonic time in nanoseconds, deadlines, and waits that never outlive them. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>

#define CLOCK_FOREVER UINT64_MAX

/* CLOCK_MONOTONIC. */
uint64_t clock_now(void);

/* now + ns, saturating. */
uint64_t clock_deadline(uint64_t ns);

/* Nanoseconds until the deadline, 0 when it has passed. */
uint64_t clock_left(uint64_t deadline);

/* Sleeps ns or until the deadline, whichever is first; a signal does not end it early. */
void clock_sleep(uint64_t ns, uint64_t deadline);

/* A uniform value in [0, max] for jitter; not for secrets. */
uint64_t clock_jitter(uint64_t max);

#endif
