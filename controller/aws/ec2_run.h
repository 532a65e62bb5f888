/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One new instance that ends with its work: shutting down terminates it, its volumes and address go
 * with it, its metadata wants tokens and answers nobody behind it (hop limit 1). Amazon EC2 API
 * Reference, RunInstances.
 */
#ifndef CONTROLLER_AWS_EC2_RUN_H
#define CONTROLLER_AWS_EC2_RUN_H

#include "common/secret.h"
#include "controller/aws/ec2_instance.h"

#define EC2_USER_DATA_MAX 16384 /* bytes, before base64 */

struct ec2_run {
	const char *token; /* client token: asking again with it makes no second one */
	const char *type;
	const char *image;
	const char *subnet;
	const char *const *groups; /* security groups; ends with NULL */
	bool spot;
	uint64_t max_price;             /* money.h, of spot for an hour; 0: the on-demand price */
	bool public_address;            /* or none, whatever the subnet would give */
	const char *profile;            /* name of an instance profile; or NULL */
	const char *root;               /* device of the image's root volume */
	uint64_t volume;                /* bytes of it, a multiple of 1 GiB; gp3 */
	unsigned iops, throughput;      /* of it, the latter in MiB/s; 0: what gp3 comes with */
	bool encrypt;                   /* false: as the image or the account has it */
	const char *kms_key;            /* with encrypt; NULL or "": the account's default */
	struct ec2_tags tags;           /* of instance and volume */
	const struct secret *user_data; /* or NULL */
	uint64_t deadline;
};

/*
 * 1: a dry run. The client's fault tells capacity (code Insufficient…,
 * MaxSpotInstanceCountExceeded, SpotMaxPriceTooLow, Unsupported) from the rest. The caller calls
 * ec2_tags_free() on ret->tags in every case.
 */
must_check int ec2_run(struct call_client *client, const struct ec2_run *run,
	struct ec2_instance *ret, struct err *e);

#endif
