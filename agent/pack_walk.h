/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a tree in the order of the C locale and adds each entry to the frames. */
#ifndef AGENT_PACK_WALK_H
#define AGENT_PACK_WALK_H

#include "agent/pack.h"
#include "agent/pack_frame.h"

#include <sys/stat.h>

struct pack_walk {
	const struct pack_request *request;
	struct pack_frames *frames;
	struct stat output; /* the archive: must not lie in the tree */
	/* Found: */
	uint64_t entries, bytes, largest;
	int64_t newest;  /* mtime in seconds */
	void *linked;    /* files with several names (tsearch) */
	char path[4096]; /* of the entry in the archive */
	uint8_t *chunk;  /* for reading */
};

/* top: name of the top directory in the archive. */
must_check int pack_walk(struct pack_walk *w, const char *top, struct err *e);

#endif
