/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slot is a named entry of /shared that the agent fills: an app's tree or a copied file. It is
 * made as .shared-prep/partial/NAME.partial, where only root may write, and appears under NAME
 * complete, by one rename. A stamp file in .shared-prep/slots/ says what it was made from, so that
 * a second run is free, and which slots are ours to sweep. The process may die anywhere and run
 * again: a stamp is valid only after the rename.
 */
#ifndef AGENT_SLOT_H
#define AGENT_SLOT_H

#include "common/digest.h"
#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>

#define SLOT_STAMP   128
#define SLOT_NAME    256
#define SLOT_PARTIAL ".partial"
#define SLOT_PATH    (SLOT_NAME + 64)

struct slot {
	char name[SLOT_NAME];
	char app[SLOT_NAME];    /* the link that leads to it; "" for a copied file */
	char stamp[SLOT_STAMP]; /* what it is made from */
};

/* Makes .shared-prep and its folders (root's, 0755) in the directory shared. What another user made
 * under their names is refused (-EPERM). */
must_check int slot_setup(int shared, struct err *e);

/* The stamp of a source file: its manifest's digest, else device, inode, size and time of change.
 */
must_check int slot_stamp_file(
	int fd, const char *digest, char out[static SLOT_STAMP], struct err *e);

/* Where the slot is made before it is complete, relative to shared. */
void slot_partial(const struct slot *s, char out[static SLOT_PATH]);

/* true: there, complete, made from the same source, and, if a tree, root's. */
bool slot_is_filled(int shared, const struct slot *s);

/* Forgets the stamp and removes a partial entry that an earlier run left. */
must_check int slot_begin(int shared, const struct slot *s, struct err *e);

/* After a failure: removes what is partial, and the stamp unless an older NAME is there. */
must_check int slot_abandon(int shared, const struct slot *s, struct err *e);

/* NAME.partial becomes NAME (an older NAME is exchanged and then removed) and the stamp is written.
 */
must_check int slot_commit(int shared, const struct slot *s, struct err *e);

/* Points the link APP at NAME by rename; nothing to do where both are the same. */
must_check int slot_link(int shared, const struct slot *s, struct err *e);

/* Removes what earlier runs filled and wanted[] does not name any more. */
must_check int slot_sweep(int shared, const struct slot *wanted, size_t n, struct err *e);

#endif
