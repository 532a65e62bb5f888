/* SPDX-License-Identifier: Apache-2.0 */
/* For commands that have one machine and nothing else to do. */
#ifndef CONTROLLER_MACHINE_WAIT_H
#define CONTROLLER_MACHINE_WAIT_H

#include "controller/machine/machine.h"
#include "controller/show.h"

/* Starts it and waits until it is ready. -ECANCELED where the user asked to end. */
must_check int machine_wait_ready(struct machine *m, struct show *s, struct err *e);

/* Stops it and waits until it is gone; an interrupt, which may be why, is not heeded. */
must_check int machine_wait_gone(struct machine *m, struct err *e);

#endif
