/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image that a worker starts from: the newest of a line of Amazon's, or one that is named. Its
 * id comes from the public parameter of Systems Manager; where there is none, or it may not be
 * read, the newest image of that name counts, and only Amazon's own: anybody can give an image any
 * name. Amazon Linux User Guide, "AMI IDs from Parameter Store"; Amazon ECS Developer Guide,
 * "Retrieving Amazon ECS-optimized Linux AMI metadata".
 */
#ifndef CONTROLLER_BASE_H
#define CONTROLLER_BASE_H

#include "controller/aws/ec2_image.h"

struct base_request {
	const char *name;   /* al2, al2023, al2-ecs, al2023-ecs, ami-… */
	const char *arch;   /* "x86_64", "aarch64" */
	const char *kernel; /* line that is wanted, "6.1"; "": the newest */
	uint64_t deadline;
};

struct base {
	char id[EC2_ID_MAX];
	char name[EC2_NAME_MAX];
	char arch[16];       /* "x86_64", "aarch64" */
	char root[32];       /* device of its root volume */
	uint64_t root_bytes; /* of that volume, at least */
	char kernel[16];     /* "6.1"; "" where its name does not tell */
	int64_t created;
	char moved[160]; /* the kernel is not of the line that is wanted: a line for people; or ""
			  */
};

/* Kind config: no such name; kind remote: no such image, or it is not as it should be. */
must_check int base_find(
	struct call_client *client, const struct base_request *r, struct base *ret, struct err *e);

/* Is it one of the names above, or does it look like an image's id? Pure. */
bool base_is_known(const char *name);

/* "6.1" of "al2023-ami-2023.6.20241010.0-kernel-6.1-x86_64"; "": it does not tell. Pure. */
void base_kernel(const char *name, char ret[static 16]);

/* The newest of a list by date, and where that is equal by the date in its name, then by its
 * kernel; NULL: none is available. Pure. */
const struct ec2_image *base_newest(const struct ec2_images *list);

#endif
