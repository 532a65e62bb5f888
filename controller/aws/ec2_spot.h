/* SPDX-License-Identifier: Apache-2.0 */
/* What spot instances cost now, by type and zone. */
#ifndef CONTROLLER_AWS_EC2_SPOT_H
#define CONTROLLER_AWS_EC2_SPOT_H

#include "controller/aws/ec2_select.h"

struct ec2_spot {
	char type[64];
	char zone[64];
	uint64_t price; /* money.h, for an hour */
	int64_t since;
};

struct ec2_spots {
	struct ec2_spot *item;
	size_t n;
};

/* The newest price of each type (ends with NULL) in each zone, of Linux; by type, then zone. The
 * caller frees item in every case. */
must_check int ec2_spots(struct call_client *client, const char *const *types, uint64_t deadline,
	struct ec2_spots *ret, struct err *e);

#endif
