/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user data of a worker, for cloud-init: its host key, so that it is known before the first
 * packet, who may log in, and the dead-man's switch. Pure. The keys: cloud-init's documentation,
 * "Module reference", SSH and Bootcmd.
 */
#ifndef CONTROLLER_USERDATA_H
#define CONTROLLER_USERDATA_H

#include "common/err.h"
#include "common/secret.h"

#include <stdint.h>

#define USERDATA_MAX 16384 /* bytes, before base64; Amazon EC2 User Guide, "user data" */

struct userdata {
	const struct secret *host_key; /* private, ed25519, as ssh-keygen writes it */
	const char *host_public;
	const char *login_public; /* of the image's default user */
	const char *run;          /* id of the run */
	uint64_t lifetime;        /* ns, of at least a minute */
};

/* Written at each boot, with the id of the run: this machine is a worker and nothing else, and may
 * be wiped to become an image. */
#define USERDATA_MARKER "/run/shared-prep-worker"

/* A command for the worker, whose lifetime then begins anew. */
#define USERDATA_REARM "systemctl restart shared-prep-lifetime.timer"

/* Kind data: a value that is none of a key. */
must_check int userdata_make(const struct userdata *u, struct secret *ret, struct err *e);

#endif
