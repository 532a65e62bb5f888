/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine image is to have in it: the section [image] of shared-prep.ini(5), key by key. */
#ifndef CONTROLLER_IMAGE_SPEC_H
#define CONTROLLER_IMAGE_SPEC_H

#include "common/config.h"

#include <stdbool.h>
#include <stdint.h>

enum image_format { IMAGE_RAW, IMAGE_QCOW2 };

/* Paths are absolute. What says "" is not given. */
struct image_spec {
	bool there; /* the project has an [image] */
	char *name; /* images are called NAME-DATE; not set: as the project */
	/* provider=ec2: al2, al2023, al2-ecs, al2023-ecs, ami-…; not set: that of [aws]. Else the
	 * path of a disk image (raw, qcow2), of a root file system (tar or directory), or
	 * "debian:SUITE", the distribution's bootstrap. */
	char *base;
	struct config_words apps; /* none: all of the project */
	char *flags;              /* the set whose archives are taken, "default" */
	/* Paths of the agent's RPM, one for each architecture; none: PKGLIBDIR/ARCH/. */
	struct config_words rpm;
	struct config_words repositories; /* paths of .repo, .list and .sources files */
	struct config_words packages;
	struct config_words copy;       /* paths; they go to the data directory and into [Copy] */
	char *config;                   /* path of a file for /etc/shared-prep/conf.d/; or "" */
	struct config_words units;      /* enabled beside the agent's */
	struct config_words ecs;        /* NAME=VALUE of /etc/ecs/ecs.config */
	struct config_words containers; /* images of containers that are pulled before */
	char *login;                    /* path of a file of logins to their registries; or "" */
	char *before;                   /* path of a script that is run first; or "" */
	char *after;                    /* the same, run last, before the wipe; or "" */
	char *check;                    /* the same, run by `test` in the booted image; or "" */
	struct config_words types; /* that the image is for: `shared-prep plan` is asked for each */
	uint64_t size;             /* bytes of its root; 0: as the base, or what is needed */
	enum image_format format;  /* of a disk image file */
	struct config_words regions;  /* that it is copied to */
	struct config_words accounts; /* that may use it */
	bool encrypt;
	char *kms_key;       /* "": the account's default key */
	uint64_t deprecate;  /* ns from its creation; 0: never */
	unsigned iops;       /* of the worker's volume, gp3 */
	unsigned throughput; /* the same, MiB/s */
	char *parameter;     /* of Systems Manager, that --promote writes; or "" */
};

#endif
