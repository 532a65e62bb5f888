/* SPDX-License-Identifier: Apache-2.0 */
/* For machine_local.c: a root file system in a directory as a machine. */
#ifndef CONTROLLER_ROOT_ENTER_H
#define CONTROLLER_ROOT_ENTER_H

#include "common/err.h"

/*
 * In a process of its own, in a mount namespace that is its own: moves there, for good. It then has
 * a /proc, /dev, /run and /tmp of its own, a read-only /sys, the host's name servers, and a policy
 * by which packages of Debian start nothing; its USERDATA_MARKER says what marker does. What had to
 * be made in the directory for that is empty, as what a killed controller has left is, and named in
 * ROOT_MADE there.
 */
must_check int root_enter(const char *dir, const char *marker, struct err *e);

/* The steps of a bake read it: those files are no part of the image. */
#define ROOT_MADE "/run/shared-prep-made"

/* Which of those files a root is without, before; and once nothing runs there any more: removes
 * what of them is there now, and nobody has written to. */
unsigned root_lacks(const char *dir);
void root_leave(const char *dir, unsigned lacks);

#endif
