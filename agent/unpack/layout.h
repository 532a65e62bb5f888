/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does the index of an archive tell the truth about its tar? Compares the directories with the
 * frames they begin in, and the files that span frames, while the tar is read once.
 */
#ifndef AGENT_UNPACK_LAYOUT_H
#define AGENT_UNPACK_LAYOUT_H

#include "agent/archive.h"

struct layout {
	const struct archive_index *index;
	uint32_t frame;       /* the one that position is in */
	uint64_t frame_start; /* of it, bytes of plain tar */
	uint32_t dirs, spans; /* compared so far */
	bool any;
	uint32_t entry_frame; /* where the last entry began */
};

void layout_start(struct layout *l, const struct archive_index *i);

/* An entry begins at this position; dir: its normalised name if it is a directory, else NULL. */
must_check int layout_entry(struct layout *l, uint64_t position, const char *dir, struct err *e);

/* The end mark begins here. */
must_check int layout_end(struct layout *l, uint64_t position, struct err *e);

#endif
