/* SPDX-License-Identifier: Apache-2.0 */
/* Any archive, entry by entry from its start: those that are not ours (frames.h). */
#ifndef AGENT_UNPACK_STREAM_H
#define AGENT_UNPACK_STREAM_H

#include "agent/unpack/outline.h"
#include "agent/unpack/tree.h"
#include "agent/unpack/unpack.h"

/* Into the tree, or, where that is NULL, only checked against the outline. *result counts as it
 * goes and is right after a failure too, of which -ENOSPC of kind system is said without numbers.
 */
must_check int stream_unpack(const struct unpack_request *r, struct tree *tree,
	struct outline *outline, struct unpack_result *result, struct err *e);

#endif
