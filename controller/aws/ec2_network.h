/* SPDX-License-Identifier: Apache-2.0 */
/* Where instances may be: zones, networks (VPCs) and their subnets. */
#ifndef CONTROLLER_AWS_EC2_NETWORK_H
#define CONTROLLER_AWS_EC2_NETWORK_H

#include "controller/aws/ec2_select.h"
#include "controller/aws/ec2_tag.h"

struct ec2_zone {
	char name[64]; /* "eu-west-1b" */
	char id[64];   /* "euw1-az2": the same place in every account */
	char type[32]; /* "availability-zone"; "local-zone", "wavelength-zone" */
	bool available;
};

struct ec2_zones {
	struct ec2_zone *item;
	size_t n;
};

struct ec2_vpc {
	char id[EC2_ID_MAX];
	char cidr[48];
	bool is_default;
};

struct ec2_vpcs {
	struct ec2_vpc *item;
	size_t n;
};

struct ec2_subnet {
	char id[EC2_ID_MAX];
	char vpc[EC2_ID_MAX];
	char zone[64];
	uint64_t free;      /* addresses */
	bool maps_public;   /* instances get a public address unless told otherwise */
	bool is_of_default; /* the zone's default subnet */
	bool available;
};

struct ec2_subnets {
	struct ec2_subnet *item;
	size_t n;
};

/* The region's zones that the account may use. All three: the caller frees item in every case. */
must_check int ec2_zones(
	struct call_client *client, uint64_t deadline, struct ec2_zones *ret, struct err *e);

/* The default VPC: filter "is-default" = "true". */
must_check int ec2_vpcs(struct call_client *client, const struct ec2_select *which,
	struct ec2_vpcs *ret, struct err *e);

/* Of a VPC: filter "vpc-id". */
must_check int ec2_subnets(struct call_client *client, const struct ec2_select *which,
	struct ec2_subnets *ret, struct err *e);

#endif
