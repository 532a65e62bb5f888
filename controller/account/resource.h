/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the controller makes in an account, of every kind: the table in resource.c, in the order in
 * which they can be removed. All bear the tag RESOURCE_RUN from their creation on, so that they are
 * found without a journal too.
 */
#ifndef CONTROLLER_RESOURCE_H
#define CONTROLLER_RESOURCE_H

#include "controller/account/cloud.h"

#include <stdbool.h>

#define RESOURCE_RUN     "shared-prep:run"     /* tag: id of the run */
#define RESOURCE_PROJECT "shared-prep:project" /* tag: its name */
#define RESOURCE_EXPIRES "shared-prep:expires" /* tag: RFC 3339; renewed while the run lives */
#define RESOURCE_KEEP    "shared-prep:keep"    /* tag: made to stay, an image; gc lets it be */
#define RESOURCE_TOKEN                                                                             \
	"shared-prep:token" /* tag: of the journal, where no client token tells it                 \
			     */
#define RESOURCE_INPUTS "shared-prep:inputs" /* tag: fingerprint of what an image is made of */
#define RESOURCE_SOURCE "shared-prep:source" /* tag: of a copy, id of the image it is made of */
#define RESOURCE_COPIES "shared-prep:copies" /* tag: regions that have copies, image_copies.h */

/* Tag: of a copy, the region of the image that it is made of. */
#define RESOURCE_SOURCE_REGION "shared-prep:source-region"

/* Kinds in the journal. */
#define RESOURCE_INSTANCE "instance"
#define RESOURCE_GROUP    "security-group"
#define RESOURCE_IMAGE    "image"
#define RESOURCE_SNAPSHOT "snapshot"

struct resource {
	const struct resource_kind *kind;
	char id[48];
	char run[40]; /* "" where it has no such tag */
	char project[128];
	char token[65];   /* of the journal: client token or name; "" */
	char detail[160]; /* for people: "c7a.large spot eu-west-1b running" */
	bool keep;
	bool leaving;    /* asked to go, not gone */
	int64_t created; /* seconds since 1970; 0: not known */
	int64_t expires; /* 0: not known */
	char type[64];   /* of an instance; else "" */
	char zone[64];
	bool spot;
	uint64_t hourly; /* money.h; what it burns in an hour */
	bool priced;     /* hourly is known */
};

struct resources {
	struct resource *item;
	size_t n;
};

struct resource_kind {
	const char *name;
	/* Adds those that are there and have the tag; run NULL: of any run. */
	int (*list)(struct call_client *c, const char *run, uint64_t deadline,
		struct resources *out, struct err *e);
	/* Begins to remove; gone already is success. Kind transient: something still uses it. */
	int (*remove)(
		struct call_client *c, const char *const *ids, uint64_t deadline, struct err *e);
	bool at_once; /* what was removed is gone then */
};

extern const struct resource_kind resource_kinds[];
extern const size_t n_resource_kinds;

/* Of all kinds, in the order of the table. The caller calls resources_free() in every case. */
must_check int resources_list(struct call_client *c, const char *run, uint64_t deadline,
	struct resources *ret, struct err *e);
/* Puts prices of today at the instances. One that is not to be had stays unpriced. */
must_check int resources_price(
	struct call_client *c, struct resources *r, uint64_t deadline, struct err *e);

void resources_free(struct resources *r);

#define auto_resources __attribute__((cleanup(resources_free)))

#endif
