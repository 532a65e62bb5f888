/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk image as a snapshot, without an instance: its blocks that are not all zeros go to the EBS
 * direct APIs, several at once. Where a former image's snapshot is there, only those that differ
 * from it. May be killed at any moment: a second run sends what is missing.
 */
#ifndef CONTROLLER_EBS_UPLOAD_H
#define CONTROLLER_EBS_UPLOAD_H

#include "controller/account/journal.h"
#include "controller/aws/ec2_tag.h"
#include "controller/image/ebs_index.h"

#include <limits.h>

#define EBS_UPLOAD_LANES 8
#define EBS_UPLOAD_INDEX ".ebs" /* where the index of an image is: its path, and this */

struct ebs_upload {
	struct call_client *client;
	struct journal *journal; /* a snapshot is intended, and made, there */
	const char *path;        /* of a raw disk image */
	const char *former;      /* path of another that was sent; or NULL */
	const char *token;       /* client token, of the journal too */
	const char *description; /* or NULL */
	uint64_t volume;         /* bytes, at least: it holds the image, and is whole GiB */
	bool encrypt;
	const char *kms_key; /* ARN; NULL or "": the account's default */
	struct ec2_tags tags;
	unsigned lanes; /* blocks on their way at once; 0: EBS_UPLOAD_LANES */
	uint64_t deadline;
	/* Bytes of total that are there; from the caller's thread. May be NULL. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
};

/* What it came to. */
struct ebs_uploaded {
	char snapshot[EC2_ID_MAX];
	uint64_t sent;  /* blocks, by this run */
	bool continued; /* what another run had begun */
};

/*
 * The snapshot is completed when it returns, and its tags are those of now, whoever began it. Kind
 * transient, -ECANCELED: interrupted; -ETIMEDOUT: the deadline; after either, and most others,
 * calling it again goes on. Errors of a block name it.
 */
must_check int ebs_upload(const struct ebs_upload *u, struct ebs_uploaded *ret, struct err *e);

/* The image beside this one, of the same name but for the date, that was sent last; "": none. It
 * need not be there any more. */
must_check int ebs_former(const char *image, char ret[static PATH_MAX], struct err *e);

#endif
