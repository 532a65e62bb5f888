/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directories' attributes, kept until everything is written and then applied children first.
 * The last entry of a name counts; what is no directory any more is passed over.
 */
#ifndef AGENT_UNPACK_DIRS_H
#define AGENT_UNPACK_DIRS_H

#include "agent/unpack/beneath.h"
#include "common/buf.h"

/* More directories, or more bytes of their names, are refused. */
#define DIRS_MAX  (4U << 20)
#define DIRS_TEXT (512U << 20)

struct dirs_attr {
	mode_t mode;
	bool whole; /* the rest is set too */
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
	const struct entry_xattr *xattr; /* copied */
	unsigned n_xattrs;
};

struct dirs {
	struct buf text;
	struct dirs_item *item;
	size_t n, cap;
};

void dirs_init(struct dirs *d);
void dirs_free(struct dirs *d);

must_check int dirs_add(struct dirs *d, const char *path, const struct dirs_attr *a, struct err *e);

must_check int dirs_apply(struct dirs *d, struct beneath *b, struct err *e);

#endif
