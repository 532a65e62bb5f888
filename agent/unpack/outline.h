/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tree would hold, kept in memory: refuses the same sequences of entries as tree.h does,
 * without writing anything. Names are kept as 128-bit hashes, 24 bytes each.
 */
#ifndef AGENT_UNPACK_OUTLINE_H
#define AGENT_UNPACK_OUTLINE_H

#include "agent/unpack/entry.h"

/* More names are refused. */
#define OUTLINE_MAX (64U << 20)

struct outline;

must_check int outline_open(struct outline **ret, struct err *e);

/* The entry went through entry_check(). */
must_check int outline_add(struct outline *o, const struct entry *n, struct err *e);

void outline_close(struct outline *o);

#endif
