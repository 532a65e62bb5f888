/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the blocks of a snapshot are known to hold: a file beside the image that is sent, one line
 * for each block that has arrived, only ever added to. From it a second run goes on where the first
 * was killed, and a later image learns which blocks differ. 34 bytes of memory for each block of
 * 512 KiB.
 */
#ifndef CONTROLLER_EBS_INDEX_H
#define CONTROLLER_EBS_INDEX_H

#include "common/digest.h"
#include "controller/aws/ec2_select.h"

#include <stdbool.h>

#define EBS_INDEX_KEY 256
#define EBS_INDEX_MAX (64ULL << 40) /* bytes of a volume, as EC2 has it */

#define EBS_INDEX_INIT                                                                             \
	{                                                                                          \
		.fd = -1                                                                           \
	}

struct ebs_index_block {
	uint8_t digest[DIGEST_SIZE];
	bool known; /* else it is all zeros */
	bool sent;  /* to this snapshot, not come from its parent */
};

/* What it is of: where one of these differs, nothing of it can be used. */
struct ebs_index_head {
	uint64_t size, mtime, inode; /* of the image; ns */
	uint64_t volume;             /* bytes */
	char key[EBS_INDEX_KEY];     /* "none", "default", or an ARN */
	char parent[EC2_ID_MAX];     /* id of a snapshot; "-" */
};

struct ebs_index {
	int fd;
	struct ebs_index_head head;
	char snapshot[EC2_ID_MAX];
	bool complete; /* all of the image is in it */
	struct ebs_index_block *block;
	uint64_t n;        /* volume in blocks */
	unsigned unsynced; /* lines */
	int64_t length;    /* bytes of the file */
};

/* 0: *ret is what there is, without the line that a crash cut short, and takes more. Kind system,
 * -ENOENT: there is no such file; kind data: it is something else; kind transient, -EBUSY: another
 * controller adds to it. The caller calls ebs_index_close() in every case. */
must_check int ebs_index_open(const char *path, struct ebs_index *ret, struct err *e);
/* The same to look only. */
must_check int ebs_index_read(const char *path, struct ebs_index *ret, struct err *e);

/* In place of what is there. parent: whose blocks it begins with; or NULL. */
struct ebs_index_new {
	const char *path;
	const struct ebs_index_head *head;
	const char *snapshot;
	const struct ebs_index *parent;
};

must_check int ebs_index_create(
	const struct ebs_index_new *new, struct ebs_index *ret, struct err *e);

/* A block has arrived. It is on the disk a few blocks later: one that is forgotten is sent again.
 */
must_check int ebs_index_note(struct ebs_index *i, uint64_t block,
	const uint8_t digest[static DIGEST_SIZE], struct err *e);
must_check int ebs_index_completed(struct ebs_index *i, struct err *e);

/* How many were sent, and the digest of their digests in the order of the blocks. */
uint64_t ebs_index_sum(const struct ebs_index *i, uint8_t ret[static DIGEST_SIZE]);

void ebs_index_close(struct ebs_index *i);

#define auto_ebs_index __attribute__((cleanup(ebs_index_close)))

#endif
