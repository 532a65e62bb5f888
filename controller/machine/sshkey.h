/* SPDX-License-Identifier: Apache-2.0 */
/* A key pair of a run's own, made by ssh-keygen(1): a host's, or what logs in there. */
#ifndef CONTROLLER_SSHKEY_H
#define CONTROLLER_SSHKEY_H

#include "common/err.h"
#include "common/secret.h"

#include <limits.h>

#define SSHKEY_LINE 256

struct sshkey {
	char path[PATH_MAX];      /* of the private key, mode 0600 */
	struct secret private;    /* as in that file */
	char public[SSHKEY_LINE]; /* "ssh-ed25519 AAAA… COMMENT", without a newline */
};

/* In a folder that only we can enter; there must be no such file yet. name is also the comment. */
must_check int sshkey_make(const char *folder, const char *name, struct sshkey *ret, struct err *e);

/* The files of one, if there are any. */
void sshkey_remove(int dirfd, const char *name);

/* Leaves the files. */
void sshkey_free(struct sshkey *k);

#endif
