/* SPDX-License-Identifier: Apache-2.0 */
/* Between ebs_upload.c, which leads, and ebs_upload_lane.c, which sends. */
#ifndef CONTROLLER_EBS_UPLOAD_PRIVATE_H
#define CONTROLLER_EBS_UPLOAD_PRIVATE_H

#include "controller/aws/ebs.h"
#include "controller/image/ebs_upload.h"

#include <pthread.h>

struct upload {
	const struct ebs_upload *u;
	int fd; /* of the image */
	struct ebs_index index;
	uint8_t zero[DIGEST_SIZE]; /* of a block of zeros */
	uint64_t started;          /* clock.h, of the snapshot; 0: it is an old one */

	/* What the lanes share. */
	pthread_mutex_t lock;
	pthread_cond_t moved;
	uint64_t next;   /* block to look at */
	uint64_t slot;   /* clock.h, before which no block is sent */
	uint64_t looked; /* blocks that are as they should be */
	uint64_t sent;
	unsigned running; /* lanes */
	bool stop;
	struct err failed; /* the first that did */
};

/* A block that has to be looked at, from up->next on, which moves. */
struct upload_block {
	uint64_t index;
	bool is_hole; /* it is all zeros, and need not be read */
};

/* false: there is none any more. The lock is held. */
bool upload_next(struct upload *up, struct upload_block *ret);

/* Sends all; from the caller's thread the progress. */
must_check int upload_send(struct upload *up, struct err *e);

#endif
