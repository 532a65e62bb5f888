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
#define POLICY_BUILD 1U
#define POLICY_GC    2U /* ls and gc too */

/* partition: "aws", "aws-cn", "aws-us-gov". */
must_check int policy_json(unsigned what, const char *partition, json_t **ret, struct err *e);

#endif
