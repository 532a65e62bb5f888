/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One image that is wanted, and how it is made: of an instance (bake_ec2.c) or of a directory of
 * this machine (bake_local.c). Both run the table of bake_step.c on a machine; they differ in what
 * the machine is, and in what its disk becomes.
 */
#ifndef CONTROLLER_BAKE_ORDER_H
#define CONTROLLER_BAKE_ORDER_H

#include "controller/image/ami.h"
#include "controller/image/bake_run.h"
#include "controller/machine/supply.h"

struct bake_order {
	const struct project *project;
	const struct bake *bake;
	bool arch_in_name; /* the project has images of both architectures */
	bool if_changed;   /* one of the same inputs will do */
	bool to_ami;       /* of a disk image file */
	bool debug_http;
	struct run *run;
	struct supply *supply; /* of provider=ec2, open */
	struct show *show;
};

struct baked {
	const struct bake *bake;
	char name[IMAGE_NAME];
	char inputs[DIGEST_TEXT];
	char base[PATH_MAX];  /* that it was made of */
	bool unchanged;       /* it was there already */
	char path[PATH_MAX];  /* of a disk image file; or "" */
	char ami[EC2_ID_MAX]; /* or "" */
	json_t *copies;       /* array of {region, ami, snapshots[]}; or NULL */
	struct bake_made made;
};

must_check int bake_ec2(const struct bake_order *o, struct baked *ret, struct err *e);
must_check int bake_local(const struct bake_order *o, struct baked *ret, struct err *e);

/* For both: the steps on a machine that is ready. */
must_check int bake_on(const struct bake_order *o, struct machine *m, struct baked *b,
	void (*progress)(void *ctx, const struct bake_progress *p), void *ctx, struct err *e);

/* The AMI that it becomes; what base_id, boot_mode and bytes are the caller says. */
struct ami bake_ami(const struct bake_order *o, struct ec2_site *site, const struct baked *b);

/* What is shown of the steps. */
void bake_show(struct show *s, const struct bake_progress *p);

/* The AMI is finished: what is to be told of it. */
must_check int baked_take(struct baked *b, const struct ami *a, struct err *e);

void baked_free(struct baked *b);

#endif
