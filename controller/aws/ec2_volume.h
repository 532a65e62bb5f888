/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes and snapshots, as far as they cost and may be left behind. */
#ifndef CONTROLLER_AWS_EC2_VOLUME_H
#define CONTROLLER_AWS_EC2_VOLUME_H

#include "controller/aws/ec2_select.h"
#include "controller/aws/ec2_tag.h"

struct ec2_volume {
	char id[EC2_ID_MAX];
	char state[16]; /* "available", "in-use", …; of a snapshot "pending", "completed", "error"
			 */
	char kind[16];  /* "gp3"; of a snapshot "" */
	char zone[64];  /* of a snapshot "" */
	char instance[EC2_ID_MAX]; /* that has it; of a snapshot "" */
	char progress[8];          /* of a snapshot, "42%" */
	uint64_t bytes;
	int64_t created;
	struct ec2_tags tags;
};

struct ec2_volumes {
	struct ec2_volume *item;
	size_t n;
};

/* The caller calls ec2_volumes_free() in every case. */
must_check int ec2_volumes(struct call_client *client, const struct ec2_select *which,
	struct ec2_volumes *ret, struct err *e);
/* owners: "self", unless it is others' that are wanted. */
must_check int ec2_snapshots(struct call_client *client, const struct ec2_select *which,
	struct ec2_volumes *ret, struct err *e);
void ec2_volumes_free(struct ec2_volumes *list);

#define auto_ec2_volumes __attribute__((cleanup(ec2_volumes_free)))

struct ec2_snapshot_create {
	const char *volume;
	const char *description; /* or NULL */
	struct ec2_tags tags;
	uint64_t deadline;
};

/* Of what is on the volume now; it is pending at first. It takes no client token: where the answer
 * is lost, the client is unsure, it is found by its tags. 1: a dry run, here and below. */
must_check int ec2_snapshot_create(struct call_client *client, const struct ec2_snapshot_create *s,
	char ret_id[static EC2_ID_MAX], struct err *e);

/* That it is gone already is success. */
must_check int ec2_volume_delete(
	struct call_client *client, const char *id, uint64_t deadline, struct err *e);

#endif
