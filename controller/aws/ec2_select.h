/* SPDX-License-Identifier: Apache-2.0 */
/* Which resources a list of EC2 is to have: of these ids, and of these filters all; and the id of a
 * new one. */
#ifndef CONTROLLER_AWS_EC2_SELECT_H
#define CONTROLLER_AWS_EC2_SELECT_H

#include "controller/aws/query.h"

#define EC2_ID_MAX   40
#define EC2_NAME_MAX 160

/* Ids that nothing has: what is asked is whether it would be allowed. */
#define EC2_NO_GROUP    "sg-00000000000000000"
#define EC2_NO_IMAGE    "ami-00000000000000000"
#define EC2_NO_INSTANCE "i-00000000000000000"
#define EC2_NO_SNAPSHOT "snap-00000000000000000"
#define EC2_NO_VOLUME   "vol-00000000000000000"

struct ec2_filter {
	const char *name; /* "tag:shared-prep:run", "client-token" */
	const char *const
		*values; /* any of them, '*' and '?' as a shell has them; ends with NULL */
};

struct ec2_select {
	const char *const *ids; /* ends with NULL; NULL: any. One that is not there is an error */
	const char *const *owners; /* of images and snapshots: "amazon", "self"; NULL: any */
	const struct ec2_filter *filters;
	size_t n_filters;
	uint64_t deadline;
};

/* id is what the action calls one: "InstanceId"; owner likewise, or NULL. */
void ec2_select_add(struct query *q, const struct ec2_select *s, const char *id, const char *owner);

/* Does a call that makes one; member is what its answer calls the id. As query_call() returns. */
must_check int ec2_new_id(struct call_client *client, struct query *q, const char *member,
	char ret_id[static EC2_ID_MAX], struct err *e);

#endif
