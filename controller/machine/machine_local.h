/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine that is namespaces of this one: it sees the host's files read-only, and has /shared,
 * /tmp, /run, /root, /var/tmp and /dev of its own, in memory. It keeps a build from harming the
 * host by mistake; it is no jail for one that means to.
 *
 * Each command has process IDs of its own, so that nothing of it outlives it. Mounts that a command
 * makes are there for those after it.
 */
#ifndef CONTROLLER_MACHINE_LOCAL_H
#define CONTROLLER_MACHINE_LOCAL_H

#include "controller/machine/machine.h"

struct machine_local_options {
	const char *name;
	bool no_network; /* nothing but loopback */
	/* For machine_root.c: a root file system of its own that commands change, instead of all
	 * that; NULL: none. */
	const char *root;
	const char *marker; /* what its USERDATA_MARKER says */
};

/* machine_free() ends it. Kind system where the kernel does not allow it, by poll(). */
must_check int machine_local_new(
	const struct machine_local_options *o, struct machine **ret, struct err *e);

#endif
