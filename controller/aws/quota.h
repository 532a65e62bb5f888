/* SPDX-License-Identifier: Apache-2.0 */
/* Service Quotas: how many vCPUs of EC2 the account may run. What runs is not counted there. */
#ifndef CONTROLLER_AWS_QUOTA_H
#define CONTROLLER_AWS_QUOTA_H

#include "controller/aws/call.h"

/* All types of the families A, C, D, H, I, M, R, T, Z; of the region. */
#define QUOTA_ON_DEMAND "L-1216C47A"
#define QUOTA_SPOT      "L-34B43A08"

struct quota {
	char code[32];
	char name[128];
	uint64_t value; /* whole vCPUs, rounded down */
};

struct quotas {
	struct quota *item;
	size_t n;
};

/* GetServiceQuota. Kind remote, code NoSuchResourceException: the account has none of its own, and
 * the default counts. */
must_check int quota_get(struct call_client *client, const char *code, uint64_t deadline,
	struct quota *ret, struct err *e);

/* ListServiceQuotas of ec2: all. The caller frees item in every case. */
must_check int quota_list(
	struct call_client *client, uint64_t deadline, struct quotas *ret, struct err *e);

#endif
