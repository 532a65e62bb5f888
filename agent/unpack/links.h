/* SPDX-License-Identifier: Apache-2.0 */
/* Hard links, kept until all files are there. */
#ifndef AGENT_UNPACK_LINKS_H
#define AGENT_UNPACK_LINKS_H

#include "agent/unpack/entry.h"
#include "common/buf.h"

#define LINKS_TEXT (512U << 20) /* bytes of names; more are refused */

struct links {
	struct buf text; /* path and target of each */
	struct links_item *item;
	size_t n, cap;
};

void links_init(struct links *l);
void links_free(struct links *l);

/* The entry went through entry_check(). */
must_check int links_add(struct links *l, const struct entry *n, struct err *e);

/* Calls add for each, in the order of the archive (archive_order() of their paths). */
must_check int links_each(struct links *l,
	int (*add)(void *ctx, const struct entry *n, struct err *e), void *ctx, struct err *e);

#endif
