/* SPDX-License-Identifier: Apache-2.0 */
/* Instance types, and in which zones there are any. */
#ifndef CONTROLLER_AWS_EC2_TYPE_H
#define CONTROLLER_AWS_EC2_TYPE_H

#include "controller/aws/ec2_select.h"

#define EC2_TYPES_MAX 100 /* ids that may be asked for at once */

struct ec2_type {
	char name[64];
	uint64_t vcpus;
	uint64_t cores;
	uint64_t memory; /* bytes */
	bool x86_64, arm64;
	bool current; /* generation */
	bool bare_metal;
	bool burstable;
	bool spot; /* is to be had so */
};

struct ec2_types {
	struct ec2_type *item;
	size_t n;
};

/* ids are names, at most EC2_TYPES_MAX (one that the region lacks: code InvalidInstanceType), or
 * filters: "current-generation", "processor-info.supported-architecture", "instance-type" with
 * "c7a.*". The caller frees item in every case, here and below. */
must_check int ec2_types(struct call_client *client, const struct ec2_select *which,
	struct ec2_types *ret, struct err *e);

struct ec2_offering {
	char type[64];
	char zone[64];
};

struct ec2_offerings {
	struct ec2_offering *item;
	size_t n;
};

/* Types (with '*' and '?'; ends with NULL) by zone. */
must_check int ec2_offerings(struct call_client *client, const char *const *types,
	uint64_t deadline, struct ec2_offerings *ret, struct err *e);

#endif
