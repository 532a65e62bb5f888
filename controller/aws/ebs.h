/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots that are written block by block, without a volume. EBS direct APIs, API Reference:
 * StartSnapshot, PutSnapshotBlock, CompleteSnapshot. Errors of theirs end with "Exception".
 */
#ifndef CONTROLLER_AWS_EBS_H
#define CONTROLLER_AWS_EBS_H

#include "common/digest.h"
#include "controller/aws/ec2_select.h"
#include "controller/aws/ec2_tag.h"

#define EBS_BLOCK (512 * 1024) /* bytes; blocks are counted from 0 */

struct ebs_start {
	const char *token;  /* client token: asking again with it makes no second one */
	const char *parent; /* id of a completed snapshot whose blocks it begins with; or NULL */
	const char *description; /* or NULL */
	uint64_t bytes;          /* a multiple of 1 GiB */
	unsigned minutes;    /* without a block, after which the service gives it up: 10 to 4320 */
	bool encrypt;        /* not with a parent, which decides */
	const char *kms_key; /* ARN, with encrypt; NULL or "": the account's default */
	struct ec2_tags tags;
	uint64_t deadline;
};

/* An id of a snapshot, which may then be a part of a path. */
bool ebs_is_id(const char *id);

/* Kind data: its blocks are of another size. */
must_check int ebs_start(struct call_client *client, const struct ebs_start *s,
	char ret_id[static EC2_ID_MAX], struct err *e);

struct ebs_block {
	const char *snapshot;
	uint64_t index;
	const void *data;      /* EBS_BLOCK bytes */
	const uint8_t *digest; /* of data, DIGEST_SIZE bytes */
	uint64_t deadline;
};

/* Over what the block has, if it has something. Errors name it; kind data: the service has got
 * another block than was sent. Code ResourceNotFoundException: there is no such snapshot, which may
 * not be known everywhere at once. */
must_check int ebs_put(struct call_client *client, const struct ebs_block *b, struct err *e);

struct ebs_end {
	const char *snapshot;
	uint64_t blocks;       /* how many were put, each once */
	const uint8_t *digest; /* of the digests of these in the order of their indexes */
	uint64_t deadline;
};

/* It is pending then, and completed after a while: ec2_snapshots(). */
must_check int ebs_complete(struct call_client *client, const struct ebs_end *c, struct err *e);

#endif
