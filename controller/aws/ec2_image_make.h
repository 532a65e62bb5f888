/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New images (AMIs): of an instance, of a snapshot, of an image elsewhere. Each answers at once
 * with the id of one that is pending. Amazon EC2 API Reference, CreateImage, RegisterImage,
 * CopyImage.
 *
 * Neither of the first two takes a client token: asked again, they say InvalidAMIName.Duplicate. An
 * image is found by its tags.
 */
#ifndef CONTROLLER_AWS_EC2_IMAGE_MAKE_H
#define CONTROLLER_AWS_EC2_IMAGE_MAKE_H

#include "controller/aws/ec2_device.h"
#include "controller/aws/ec2_image.h"

struct ec2_image_create {
	const char *instance;
	const char *name; /* 3 to 128 of A-Za-z0-9()[]. /-'@_ and blanks; its own in the region */
	const char *description;             /* or NULL */
	const struct ec2_device_new *device; /* instead of those of the instance */
	size_t n_devices;
	struct ec2_tags tags;          /* of the image */
	struct ec2_tags snapshot_tags; /* of each of its snapshots */
	uint64_t deadline;
};

/* The instance is not stopped for it. 1: a dry run, here and below. */
must_check int ec2_image_create(struct call_client *client, const struct ec2_image_create *i,
	char ret_id[static EC2_ID_MAX], struct err *e);

/* For machines with ENA, of hardware virtualization. */
struct ec2_image_register {
	const char *name;
	const char *description; /* or NULL */
	const char *arch;        /* "x86_64", "arm64" */
	const char *boot_mode;   /* "uefi", "legacy-bios", "uefi-preferred"; NULL: the type's */
	bool imds_v2;            /* what is started from it wants tokens */
	bool sriov;              /* "simple": it also knows the older network cards */
	struct ec2_device_new device; /* its root, with a snapshot that is completed */
	struct ec2_tags tags;
	uint64_t deadline;
};

must_check int ec2_image_register(struct call_client *client, const struct ec2_image_register *i,
	char ret_id[static EC2_ID_MAX], struct err *e);

/* Into the client's region. */
struct ec2_image_copy {
	const char *token; /* client token: asking again with it makes no second one */
	const char *image;
	const char *region;      /* that image is in */
	const char *name;        /* in the client's region */
	const char *description; /* or NULL */
	bool encrypt;            /* false: as the image's snapshots are */
	const char *kms_key;     /* of the client's region; NULL or "": the account's default */
	struct ec2_tags tags;
	struct ec2_tags snapshot_tags;
	uint64_t deadline;
};

must_check int ec2_image_copy(struct call_client *client, const struct ec2_image_copy *i,
	char ret_id[static EC2_ID_MAX], struct err *e);

#endif
