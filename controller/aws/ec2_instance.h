/* SPDX-License-Identifier: Apache-2.0 */
/* Instances: what there is, and its end. */
#ifndef CONTROLLER_AWS_EC2_INSTANCE_H
#define CONTROLLER_AWS_EC2_INSTANCE_H

#include "controller/aws/ec2_select.h"
#include "controller/aws/ec2_tag.h"

enum ec2_state {
	EC2_PENDING,
	EC2_RUNNING,
	EC2_STOPPING,
	EC2_STOPPED,
	EC2_SHUTTING_DOWN,
	EC2_TERMINATED,
};

const char *ec2_state_name(enum ec2_state s);

struct ec2_instance {
	char id[EC2_ID_MAX];
	enum ec2_state state;
	char type[64];
	char zone[64];
	char image[EC2_ID_MAX];
	char subnet[EC2_ID_MAX];
	char private_ip[16]; /* "" where it has none (yet) */
	char public_ip[16];
	char ipv6[46];
	char root[32];           /* a device's name: "/dev/xvda" */
	char volume[EC2_ID_MAX]; /* behind it; "" where it has none (yet) */
	char token[65];          /* the client token of its RunInstances */
	bool spot;
	int64_t launched;
	char reason[128]; /* code of the last change of state: "Server.SpotInstanceTermination" */
	struct ec2_tags tags;
};

struct ec2_instances {
	struct ec2_instance *item;
	size_t n;
};

/*
 * By ids (one that is not there: code InvalidInstanceID.NotFound, which also befalls one that has
 * just been made), or by filters ("tag:KEY", "client-token", "instance-state-name"). Terminated
 * ones are listed for about an hour. The caller calls ec2_instances_free() in every case.
 */
must_check int ec2_instances(struct call_client *client, const struct ec2_select *which,
	struct ec2_instances *ret, struct err *e);
void ec2_instances_free(struct ec2_instances *list);

#define auto_ec2_instances __attribute__((cleanup(ec2_instances_free)))

/* All of ids, which ends with NULL, or, where one is not there, none; ones that are terminated
 * already do no harm. 1: a dry run. */
must_check int ec2_terminate(
	struct call_client *client, const char *const *ids, uint64_t deadline, struct err *e);

/* An element of instancesSet; *ret is zeroed and the caller's to free. */
must_check int ec2_instance_take(
	const struct _xmlNode *item, struct ec2_instance *ret, struct err *e);

#endif
