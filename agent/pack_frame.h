/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts a tar into independent zstd frames (content size and checksum in each), which a pool of
 * threads compresses (pack_pool.h), writes them in order and keeps the index. A frame ends before
 * an entry that it has no room for; an entry longer than a frame has frames to itself.
 *
 * The content of such a file is cut at multiples of PACK_FRAME_CUT where the frame size is one:
 * a huge page (2 MiB) is then written by one call, and not cleared before.
 */
#ifndef AGENT_PACK_FRAME_H
#define AGENT_PACK_FRAME_H

#include "agent/archive.h"
#include "agent/pack_pool.h"

#define PACK_FRAME_CUT (2U * 1024 * 1024)

struct pack_frames {
	int fd; /* not owned */
	struct pack_pool *pool;
	size_t frame_size;
	size_t len;      /* bytes in the frame at hand … */
	size_t end;      /* … which is full with these */
	uint64_t offset; /* bytes written */
	struct archive_index index;
	uint32_t cap_frames, cap_dirs, cap_spans;
	uint32_t n;     /* frames cut; the index has those that are written */
	uint32_t first; /* frame that the entry begins in */
};

/* Must not be moved afterwards. */
must_check int pack_frames_open(
	struct pack_frames *f, int fd, const struct pack_request *r, struct err *e);
void pack_frames_close(struct pack_frames *f);

/* An entry follows: head bytes of headers, which fit into a frame, and content, padded; dir: its
 * path if it is a directory, else NULL. */
must_check int pack_frames_begin(
	struct pack_frames *f, size_t head, uint64_t content, const char *dir, struct err *e);
must_check int pack_frames_add(struct pack_frames *f, const void *data, size_t len, struct err *e);

/* To read right into the frame: *ret_len bytes, 1 or more, of which some are then taken. */
must_check int pack_frames_room(
	struct pack_frames *f, uint8_t **ret, size_t *ret_len, struct err *e);
void pack_frames_take(struct pack_frames *f, size_t len);

must_check int pack_frames_end(struct pack_frames *f, struct err *e);

/* The last frame; the index is complete but for where the manifest is. */
must_check int pack_frames_finish(struct pack_frames *f, struct err *e);

/* A skippable frame. */
must_check int pack_frames_skippable(
	struct pack_frames *f, uint32_t magic, const struct buf *payload, struct err *e);

#endif
