/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who uses images, in one account and region: machines that run, launch templates (their default
 * and latest versions, and those that others name), launch configurations, Auto Scaling groups,
 * compute environments of AWS Batch, a parameter. Other accounts that an image is shared with are
 * not seen.
 */
#ifndef CONTROLLER_IMAGE_USE_H
#define CONTROLLER_IMAGE_USE_H

#include "controller/aws/ec2_select.h"

#define IMAGE_USER_TEXT 320

struct image_use {
	char image[EC2_ID_MAX];
	char user[IMAGE_USER_TEXT]; /* for people: "launch template lt-… (name) version 3" */
};

struct image_uses {
	struct image_use *item;
	size_t n;
};

struct image_use_question {
	const char *const *images; /* ids; ends with NULL */
	const char *parameter;     /* of Systems Manager, that may name one; NULL or "": none */
	uint64_t deadline;
};

/* Every use of one of them, the same once. What may not be looked at is an error: that nobody uses
 * an image is certain. The caller frees item in every case. */
must_check int image_uses(struct call_client *client, const struct image_use_question *q,
	struct image_uses *ret, struct err *e);

/* NULL: nobody uses it. */
const char *image_uses_first(const struct image_uses *uses, const char *image);

#endif
