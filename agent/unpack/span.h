/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that spans frames, written by whichever threads have them. The first that comes opens it,
 * for which it reads the headers in the first frame; the last that leaves sets the attributes.
 */
#ifndef AGENT_UNPACK_SPAN_H
#define AGENT_UNPACK_SPAN_H

#include "agent/unpack/frame.h"
#include "agent/unpack/plant.h"

#include <pthread.h>

struct span {
	pthread_mutex_t lock;
	uint32_t first, left;   /* frames */
	uint64_t plain;         /* bytes of all frames */
	struct span_file *file; /* NULL: not open yet */
	struct err failure;     /* why it cannot be */
};

struct span_writer {
	struct frame_decoder *decoder;
	struct plant *plant; /* NULL: only checked */
	const struct entry_rules *rules;
	uint64_t max_bytes; /* of the manifest */
};

void span_init(struct span *s, const struct archive_index *i, const struct archive_span *of);
void span_free(struct span *s);

/* Decodes and writes frame k of it; at: how many bytes of the span come before. *ret_entry is the
 * file's entry if k is the first frame, else NULL; it stays the span's and lives as long. */
must_check int span_frame(struct span *s, const struct span_writer *w, uint32_t k, uint64_t at,
	const struct entry **ret_entry, struct err *e);

#endif
