/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine that is there already and is reached by ssh, as root or by `sudo -n`. Nothing of it is
 * started or stopped: that is the connection. When it ends, however, the commands that run there
 * are killed within seconds. One whose process here is killed alone goes on until then, or until
 * its output fails.
 */
#ifndef CONTROLLER_MACHINE_SSH_H
#define CONTROLLER_MACHINE_SSH_H

#include "controller/machine/machine.h"
#include "controller/machine/ssh_words.h"

struct machine_ssh_options {
	const char *name;
	const char *place;             /* for people: as the user has named it */
	const struct ssh_options *ssh; /* kept by reference until machine_start() */
};

/* machine_free() closes the connection. */
must_check int machine_ssh_new(
	const struct machine_ssh_options *o, struct machine **ret, struct err *e);

#endif
