/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Visits a tree in the order of our archives (archive_order()): a directory before what it holds,
 * names by their bytes. Of any depth whose names fit into a path, with no more than a few dozen
 * descriptors; a directory that is moved meanwhile ends the visit, kind transient.
 */
#ifndef AGENT_PACK_NODE_H
#define AGENT_PACK_NODE_H

#include "common/err.h"

#include <sys/stat.h>

/* With the NUL; what unpacking takes. */
#define PACK_PATH 4096

struct pack_node {
	const char *path; /* in the archive */
	int dirfd;        /* of the directory it lies in, and its name there */
	const char *name;
	int fd; /* of a directory: open; else -1 */
	struct stat st;
};

/* Less than 0 ends it. */
typedef int pack_visit_fn(void *ctx, const struct pack_node *n, struct err *e);

/* top: the path of dir itself. */
must_check int pack_nodes(
	const char *dir, const char *top, pack_visit_fn *visit, void *ctx, struct err *e);

#endif
