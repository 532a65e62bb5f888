/* SPDX-License-Identifier: Apache-2.0 */
/* Auto Scaling groups and launch configurations, as far as they say which image is started. They
 * are only read. Amazon EC2 Auto Scaling API Reference. */
#ifndef CONTROLLER_AWS_AUTOSCALING_H
#define CONTROLLER_AWS_AUTOSCALING_H

#include "controller/aws/ec2_template.h"

#define AUTOSCALING_NAME 256

/* One way by which a group starts machines: it may have several. */
struct autoscaling_use {
	char group[AUTOSCALING_NAME];
	char configuration[AUTOSCALING_NAME]; /* "": it has none, but what follows */
	struct ec2_template_ref of;           /* neither id nor name: none */
	char image[EC2_TEMPLATE_IMAGE];       /* "": that of the template */
};

struct autoscaling_uses {
	struct autoscaling_use *item;
	size_t n;
};

struct autoscaling_configuration {
	char name[AUTOSCALING_NAME];
	char image[EC2_TEMPLATE_IMAGE];
};

struct autoscaling_configurations {
	struct autoscaling_configuration *item;
	size_t n;
};

/* All of the account and region. The caller frees item in every case. */
must_check int autoscaling_uses(
	struct call_client *client, uint64_t deadline, struct autoscaling_uses *ret, struct err *e);
must_check int autoscaling_configurations(struct call_client *client, uint64_t deadline,
	struct autoscaling_configurations *ret, struct err *e);

#endif
