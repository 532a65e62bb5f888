/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine whose root file system is a directory: commands run there as root, in PID, mount, IPC
 * and UTS namespaces of their own and in the network of this machine, and change it. Nothing is
 * started there, and nothing outlives its command. For bakes: it has the marker that the wipe asks
 * for.
 */
#ifndef CONTROLLER_MACHINE_ROOT_H
#define CONTROLLER_MACHINE_ROOT_H

#include "controller/machine/machine.h"

struct machine_root_options {
	const char *name;
	const char *root; /* absolute; not "/" */
	const char *run;  /* id of the run, for the marker */
};

/* Its architecture is that of its /bin/sh. Kind no_fit: another than this machine's; kind config:
 * there is no root file system; kind system: we are not root. machine_free() ends it. */
must_check int machine_root_new(
	const struct machine_root_options *o, struct machine **ret, struct err *e);

#endif
