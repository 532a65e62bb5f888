/* SPDX-License-Identifier: Apache-2.0 */
/* Roles and instance profiles: what instances and AWS Batch act as. IAM API Reference. */
#ifndef CONTROLLER_AWS_IAM_H
#define CONTROLLER_AWS_IAM_H

#include "controller/aws/ec2_tag.h"

#define IAM_NAME_MAX 129
#define IAM_ARN_MAX  2049

struct iam_role {
	char name[IAM_NAME_MAX];
	char arn[IAM_ARN_MAX];
};

struct iam_profile {
	char name[IAM_NAME_MAX];
	char arn[IAM_ARN_MAX];
	char role[IAM_NAME_MAX]; /* "": it has none */
};

/* Kind remote, code NoSuchEntity: there is none. */
must_check int iam_role(struct call_client *client, const char *name, uint64_t deadline,
	struct iam_role *ret, struct err *e);
must_check int iam_profile(struct call_client *client, const char *name, uint64_t deadline,
	struct iam_profile *ret, struct err *e);

struct iam_role_new {
	const char *name;
	const char *trust; /* policy document, JSON: who may assume it */
	const char *description;
	struct ec2_tags tags;
	uint64_t deadline;
};

/* Code EntityAlreadyExists: there is one of that name, here and below; IAM knows no client tokens,
 * and what has just been made may be unknown elsewhere for some seconds. */
must_check int iam_role_create(struct call_client *client, const struct iam_role_new *new,
	struct iam_role *ret, struct err *e);
must_check int iam_profile_create(
	struct call_client *client, const char *name, uint64_t deadline, struct err *e);

/* One thing that belongs to a role or profile. */
struct iam_link {
	const char *name;     /* of the role, or the profile */
	const char *other;    /* the policy's name or ARN, or the role's name */
	const char *document; /* of an inline policy, to be put */
	uint64_t deadline;
};

/* That it is so already is success, with all of these. */
must_check int iam_policy_put(struct call_client *client, const struct iam_link *l, struct err *e);
must_check int iam_policy_delete(
	struct call_client *client, const struct iam_link *l, struct err *e);
must_check int iam_policy_attach(
	struct call_client *client, const struct iam_link *l, struct err *e);
must_check int iam_policy_detach(
	struct call_client *client, const struct iam_link *l, struct err *e);
must_check int iam_profile_add_role(
	struct call_client *client, const struct iam_link *l, struct err *e);
must_check int iam_profile_remove_role(
	struct call_client *client, const struct iam_link *l, struct err *e);

/* Code DeleteConflict: something still belongs to it. */
must_check int iam_role_delete(
	struct call_client *client, const char *name, uint64_t deadline, struct err *e);
must_check int iam_profile_delete(
	struct call_client *client, const char *name, uint64_t deadline, struct err *e);

#endif
