/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a tree beneath one directory and nowhere else: every name is opened relative to a
 * descriptor, never through a symbolic link (openat2 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, or
 * component by component before Linux 5.6). Until tree_finish() all directories are private to this
 * user; then, children first, they get their mode and time, so that directories without write
 * permission can be filled.
 *
 * A later entry of the same name replaces the earlier as GNU tar does it: a file or link, or an
 * empty directory; a directory that is there keeps what it holds. Owners are set by root only.
 */
#ifndef AGENT_UNPACK_TREE_H
#define AGENT_UNPACK_TREE_H

#include "agent/unpack/fresh.h"

struct tree;

/* Makes NAME in parent, or takes an empty directory. walk: never use openat2 (for tests). */
must_check int tree_open(int parent, const char *name, bool walk, struct tree **ret, struct err *e);

/*
 * The entry went through entry_check(). For a file tree_write() follows, then tree_end_file().
 * Kind data when the tree holds something that it must not pass or replace; kind system else.
 */
must_check int tree_add(struct tree *t, const struct entry *n, struct err *e);

/*
 * For writers that know all directories beforehand (plant.h): makes the directory, whose parent is
 * there and whose name is new. Its attributes follow by tree_set_dir() when its entry is read.
 */
must_check int tree_make_dir(struct tree *t, const char *path, struct err *e);
must_check int tree_set_dir(struct tree *t, const struct entry *n, struct err *e);

/* The top directory, and what files have that are made in it; they stay the tree's. */
int tree_top(const struct tree *t);
const struct fresh *tree_fresh(const struct tree *t);

/* Offsets rise and stay within the entry's size; what is left out is a hole. */
must_check int tree_write(
	struct tree *t, const void *data, size_t len, uint64_t offset, struct err *e);
must_check int tree_end_file(struct tree *t, const struct entry *n, struct err *e);

/* The directories' attributes. */
must_check int tree_finish(struct tree *t, struct err *e);

/* Removes what was made: a directory that was there and empty is so again. */
must_check int tree_abort(struct tree *t, struct err *e);

void tree_close(struct tree *t);

#endif
