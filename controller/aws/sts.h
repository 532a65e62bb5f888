/* SPDX-License-Identifier: Apache-2.0 */
/* AWS Security Token Service API Reference: who we are, and roles. */
#ifndef CONTROLLER_AWS_STS_H
#define CONTROLLER_AWS_STS_H

#include "controller/aws/call.h"

#define STS_ARN_MAX 2049

struct sts_identity {
	char account[64];
	char arn[STS_ARN_MAX];
};

/* GetCallerIdentity. */
must_check int sts_identity(
	struct call_client *client, uint64_t deadline, struct sts_identity *ret, struct err *e);

/* AssumeRole and AssumeRoleWithWebIdentity, for struct credentials_sts; ctx is a struct
 * call_client, whose own credentials are not used. */
must_check int sts_assume(void *ctx, const struct credentials_role *role,
	const struct credentials *with, struct credentials *ret, struct err *e);

#endif
