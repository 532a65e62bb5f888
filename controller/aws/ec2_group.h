/* SPDX-License-Identifier: Apache-2.0 */
/* Security groups: who may reach an instance. Only ssh from one address is ever opened. */
#ifndef CONTROLLER_AWS_EC2_GROUP_H
#define CONTROLLER_AWS_EC2_GROUP_H

#include "controller/aws/ec2_select.h"
#include "controller/aws/ec2_tag.h"

/* One source of what comes in. */
struct ec2_permission {
	char protocol[16]; /* "tcp"; "-1": all */
	int from, to;      /* ports; -1: all */
	char source[80];   /* "203.0.113.7/32", "2001:db8::1/128", a group, a prefix list */
};

struct ec2_group {
	char id[EC2_ID_MAX];
	char name[256];
	char vpc[EC2_ID_MAX];
	struct ec2_permission *item; /* ingress */
	size_t n;
	struct ec2_tags tags;
};

struct ec2_groups {
	struct ec2_group *item;
	size_t n;
};

/* By id; filters "tag:KEY", "group-name", "vpc-id". The caller calls ec2_groups_free() in every
 * case. */
must_check int ec2_groups(struct call_client *client, const struct ec2_select *which,
	struct ec2_groups *ret, struct err *e);
void ec2_groups_free(struct ec2_groups *g);

#define auto_ec2_groups __attribute__((cleanup(ec2_groups_free)))

struct ec2_group_new {
	const char *name; /* its own in the VPC: the API takes no client token */
	const char *description;
	const char *vpc;
	struct ec2_tags tags;
	uint64_t deadline;
};

/* 1: a dry run, here and below. Nothing may come in at first. */
must_check int ec2_group_create(struct call_client *client, const struct ec2_group_new *new,
	char ret_id[static EC2_ID_MAX], struct err *e);

/* tcp/22 from one address ("203.0.113.7", "2001:db8::1"), or not any more. That it is so already
 * is success. Kind config: no such address, or one that no single machine has. */
must_check int ec2_group_allow(struct call_client *client, const char *id, const char *address,
	uint64_t deadline, struct err *e);
must_check int ec2_group_revoke(struct call_client *client, const char *id, const char *address,
	uint64_t deadline, struct err *e);

/* "203.0.113.7/32": as it stands in the permissions. */
must_check int ec2_group_source(const char *address, char ret[static 80], struct err *e);

/* That it is gone already is success. The code DependencyViolation: something is still in it. */
must_check int ec2_group_delete(
	struct call_client *client, const char *id, uint64_t deadline, struct err *e);

#endif
