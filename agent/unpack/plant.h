/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adds files and symbolic links to a tree (tree.h) whose directories are all there, under names
 * that are new. Each thread has one of its own; nothing passes a symbolic link (beneath.h).
 */
#ifndef AGENT_UNPACK_PLANT_H
#define AGENT_UNPACK_PLANT_H

#include "agent/unpack/beneath.h"
#include "agent/unpack/lean.h"
#include "agent/unpack/tree.h"

struct plant {
	struct beneath beneath;
	const struct fresh *fresh; /* the tree's */
};

void plant_init(struct plant *p, const struct tree *t);
void plant_free(struct plant *p);

/* A new empty file, fresh; the caller sets its attributes (attrs.h) and closes it. */
must_check int plant_file(struct plant *p, const struct entry *n, int *ret_fd, struct err *e);

/* Bytes of the content, of which the first is the byte from of those stored. */
must_check int plant_write(int fd, const struct lean_content *c, uint64_t from, const void *data,
	size_t len, struct err *e);

must_check int plant_symlink(struct plant *p, const struct entry *n, struct err *e);

#endif
