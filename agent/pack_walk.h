/* SPDX-License-Identifier: Apache-2.0 */
/* Adds each entry of a tree to the frames. */
#ifndef AGENT_PACK_WALK_H
#define AGENT_PACK_WALK_H

#include "agent/pack_frame.h"
#include "agent/pack_map.h"
#include "agent/pack_node.h"

struct pack_walk {
	const struct pack_request *request;
	struct pack_frames *frames;
	struct stat output; /* the archive: must not lie in the tree */
	/* Found: */
	uint64_t entries, bytes, largest;
	int64_t newest; /* mtime in seconds */
	void *linked;   /* files with several names (tsearch) */
	struct pack_map *map;
	uint8_t *chunk; /* of PACK_MAP_CHUNK */
};

/* top: name of the top directory in the archive. */
must_check int pack_walk(struct pack_walk *w, const char *top, struct err *e);

#endif
