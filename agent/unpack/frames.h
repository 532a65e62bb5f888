/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own archives (archive.h), several frames at a time. All directories of the index are made
 * first; then threads take runs of frames, so that each mostly works in directories of its own,
 * decode them and write what they hold; at the end come the hard links. What the frames hold is
 * compared with the index: directories and their frames, files that span frames, order.
 */
#ifndef AGENT_UNPACK_FRAMES_H
#define AGENT_UNPACK_FRAMES_H

#include "agent/archive.h"
#include "agent/unpack/outline.h"
#include "agent/unpack/tree.h"

struct frames_request {
	int archive;
	const struct archive_index *index;
	struct entry_rules rules; /* strip: taken if the index's first directory is that */
	struct tree *tree;        /* or NULL: only checked, against the outline */
	struct outline *outline;
	unsigned threads; /* 1 or more */
	uint64_t memory;  /* bytes for decoders: threads are left out, or it is refused */
	uint64_t max_entries, max_bytes;                         /* of the manifest */
	void (*progress)(uint64_t packed_bytes_read, void *ctx); /* any thread; may be NULL */
	bool (*cancelled)(void *ctx);                            /* the same */
	void *ctx;
};

struct frames_result {
	uint64_t entries, bytes, largest;
};

/* Kind data: refused or damaged; of several failures that of the first frame. */
must_check int frames_unpack(
	const struct frames_request *r, struct frames_result *ret, struct err *e);

#endif
