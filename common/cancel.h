/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal flag: SIGINT, SIGTERM and SIGHUP ask for a clean end; long work looks at the flag and
 * returns -ECANCELED after undoing what it began. A second signal ends the process at once.
 */
#ifndef COMMON_CANCEL_H
#define COMMON_CANCEL_H

#include <stdbool.h>

void cancel_setup(void);
bool cancel_requested(void);

#endif
