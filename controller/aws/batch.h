/* SPDX-License-Identifier: Apache-2.0 */
/* Compute environments of AWS Batch, as far as they say which image is started. They are only read.
 * AWS Batch API Reference, DescribeComputeEnvironments. */
#ifndef CONTROLLER_AWS_BATCH_H
#define CONTROLLER_AWS_BATCH_H

#include "controller/aws/ec2_template.h"

#define BATCH_NAME 129

/* One way by which an environment starts machines: it may have several, or none (Fargate). */
struct batch_use {
	char environment[BATCH_NAME];
	struct ec2_template_ref of;     /* neither id nor name: none */
	char image[EC2_TEMPLATE_IMAGE]; /* "": that of the template, or AWS's own */
};

struct batch_uses {
	struct batch_use *item;
	size_t n;
};

/* All of the account and region that are not deleted. The caller frees item in every case. */
must_check int batch_uses(
	struct call_client *client, uint64_t deadline, struct batch_uses *ret, struct err *e);

#endif
