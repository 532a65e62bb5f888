/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the threads of frames_unpack(). */
#ifndef AGENT_UNPACK_FRAMES_PRIVATE_H
#define AGENT_UNPACK_FRAMES_PRIVATE_H

#include "agent/unpack/ahead.h"
#include "agent/unpack/frames.h"
#include "agent/unpack/links.h"
#include "agent/unpack/span.h"

#include <pthread.h>

/* Frames [first, end). */
struct frames_run {
	uint32_t first, end;
};

/* The first and the last entry of a frame, stripped; NULL: it has none. */
struct frames_seam {
	char *first, *last;
};

struct frames {
	const struct frames_request *request;
	struct entry_rules rules;
	uint64_t *plain;     /* of the tar, before each frame */
	uint32_t *first_dir; /* of the index, in each frame or later */
	int32_t *span_of;    /* -1: none */
	struct span *span;
	struct frames_seam *seam;
	struct frames_run *run;
	uint32_t n_runs;
	struct ahead *ahead;

	pthread_mutex_t lock; /* for all below, the tree's directories and the outline */
	uint32_t next_run;
	struct links links;
	struct frames_result result;
	uint64_t packed; /* bytes done */
	bool failed;
	uint32_t failed_frame;
	struct err err;
};

/* One thread's. */
struct frames_worker {
	struct frames *all;
	struct frame_decoder decoder;
	struct plant plant;
	struct lean lean;
	struct entry entry;
	struct frames_result result; /* of the frame at hand */
	uint32_t next_dir;           /* of the index */
	char last[ENTRY_PATH];       /* entry of the frame at hand */
};

/* Takes runs until there are none or somebody failed. */
void frames_work(struct frames_worker *w);

#endif
