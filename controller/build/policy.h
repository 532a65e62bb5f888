/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that the controller needs to be allowed to do, as an IAM policy: the table in policy.c
 * has every action it ever calls. What is created must bear the tag of a run, what is changed must
 * have it. IAM User Guide, "Policy grammar"; Service Authorization Reference, "Amazon EC2".
 */
#ifndef CONTROLLER_POLICY_H
#define CONTROLLER_POLICY_H

#include "common/json.h"

/* For what: bits. */
#define POLICY_BUILD  1U
#define POLICY_GC     2U /* ls and gc too */
#define POLICY_BAKE   4U /* with what is needed to test and to promote */
#define POLICY_RETIRE 8U

struct policy_request {
	unsigned what;
	const char *partition; /* "aws", "aws-cn", "aws-us-gov" */
	const char *parameter; /* of Systems Manager, that the image's id is written to; or "" */
	const char *kms_key;   /* that images are encrypted with: its ARN, id or alias; or "" */
};

must_check int policy_json(const struct policy_request *r, json_t **ret, struct err *e);

#endif
