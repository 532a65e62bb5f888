/* SPDX-License-Identifier: Apache-2.0 */
/* Images (AMIs) and their snapshots. */
#ifndef CONTROLLER_AWS_EC2_IMAGE_H
#define CONTROLLER_AWS_EC2_IMAGE_H

#include "controller/aws/ec2_select.h"
#include "controller/aws/ec2_tag.h"

struct ec2_device {
	char name[32];             /* "/dev/xvda" */
	char snapshot[EC2_ID_MAX]; /* "" where it has none */
	uint64_t bytes;
	char type[16]; /* "gp3" */
	bool encrypted;
};

struct ec2_image {
	char id[EC2_ID_MAX];
	char name[EC2_NAME_MAX];
	char owner[EC2_ID_MAX];
	char owner_alias[32]; /* "amazon"; "" for most */
	int64_t created;
	char arch[16];     /* "x86_64", "arm64" */
	char state[16];    /* "available", "pending", "failed", … */
	char reason[1024]; /* for people */
	char root[32];     /* a device's name */
	char description[256];
	char imds[8];       /* "v2.0"; "": instances of it answer without tokens too */
	char boot_mode[24]; /* "uefi", "uefi-preferred", "legacy-bios"; "": the type's */
	bool ena;
	char sriov[16];          /* "simple"; "" */
	char platform[64];       /* PlatformDetails, what is charged for: "Linux/UNIX" */
	bool has_product_codes;  /* of the Marketplace: copies and its snapshots are not free */
	int64_t deprecated;      /* when; 0: never */
	struct ec2_device *item; /* its devices */
	size_t n;
	struct ec2_tags tags;
};

struct ec2_images {
	struct ec2_image *item;
	size_t n;
};

/* Owners and filters ("name", "architecture", "state", "tag:KEY") should leave few: all there are
 * are 100,000. The caller calls ec2_images_free() in every case. */
must_check int ec2_images(struct call_client *client, const struct ec2_select *which,
	struct ec2_images *ret, struct err *e);
void ec2_images_free(struct ec2_images *list);

#define auto_ec2_images __attribute__((cleanup(ec2_images_free)))

/* NULL: it has no such root. */
const struct ec2_device *ec2_image_root(const struct ec2_image *i);

/* Accounts (12 digits; ends with NULL) that may start it, or make volumes of it. 1: a dry run, here
 * and below. */
must_check int ec2_image_share(struct call_client *client, const char *id,
	const char *const *accounts, uint64_t deadline, struct err *e);
must_check int ec2_snapshot_share(struct call_client *client, const char *id,
	const char *const *accounts, uint64_t deadline, struct err *e);

/* From then on (seconds since 1970, a minute is what counts) others do not see it in lists; whoever
 * names it may use it yet. */
must_check int ec2_image_deprecate(
	struct call_client *client, const char *id, int64_t when, uint64_t deadline, struct err *e);

/* What is started from it wants tokens of whoever asks its metadata service. */
must_check int ec2_image_want_tokens(
	struct call_client *client, const char *id, uint64_t deadline, struct err *e);

/* That it is gone already is success. The image first: a snapshot
 * that one uses cannot go (code InvalidSnapshot.InUse). */
must_check int ec2_image_deregister(
	struct call_client *client, const char *id, uint64_t deadline, struct err *e);
must_check int ec2_snapshot_delete(
	struct call_client *client, const char *id, uint64_t deadline, struct err *e);

#endif
