/* SPDX-License-Identifier: Apache-2.0 */
/* A device of a machine or an image that is to be made, with the volume that is behind it. */
#ifndef CONTROLLER_AWS_EC2_DEVICE_H
#define CONTROLLER_AWS_EC2_DEVICE_H

#include "controller/aws/query.h"

struct ec2_device_new {
	const char *name;     /* "/dev/xvda" */
	const char *snapshot; /* what it holds; NULL: what the image has there */
	uint64_t bytes;       /* a multiple of 1 GiB; 0: as the snapshot */
	const char *type;     /* "gp3"; NULL: EC2's choice */
	unsigned iops;        /* 0: what the type comes with, here and below */
	unsigned throughput;  /* MiB/s */
	bool encrypt;         /* false: as the snapshot, or the account, has it */
	const char *kms_key;  /* with encrypt; NULL or "": the account's default */
};

/* "BlockDeviceMapping.INDEX", gone with its machine. */
void ec2_device_add(struct query *q, size_t index, const struct ec2_device_new *d);

#endif
