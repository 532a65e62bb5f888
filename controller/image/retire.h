/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images that were baked and are not wanted any more: each goes with its snapshots and its copies
 * in other regions, unless somebody uses one of them. Looking (retire_find.c) changes nothing.
 *
 * It is a run of its own. First all of them are put under its id (their tags); when that is done,
 * it is decided: an event of the journal. Before it, what a crash leaves is whole, and stays; after
 * it, `gc` finishes the work.
 */
#ifndef CONTROLLER_RETIRE_H
#define CONTROLLER_RETIRE_H

#include "controller/account/cloud.h"
#include "controller/account/resource.h"
#include "controller/aws/ec2_image.h"
#include "controller/image/image_copies.h"
#include "controller/image/image_use.h"
#include "controller/project/project.h"

#define RETIRE_EVENT    "retire" /* of the journal: it is decided */
#define RETIRE_KEEP_ALL UINT64_MAX
#define RETIRE_REGIONS  128

struct retire_request {
	const struct project *project; /* NULL: images of any, by their ids */
	const char *const *images;     /* ids in the first region; ends with NULL; NULL: see keep */
	uint64_t keep; /* all of the project but the newest so many of each architecture */
	struct cloud_options cloud; /* of the first region */
	uint64_t deadline;
};

struct retire_image {
	char region[ENDPOINT_REGION_MAX];
	char id[EC2_ID_MAX];
	char name[EC2_NAME_MAX];
	char arch[16];
	int64_t created;
	bool promoted;
	char original[EC2_ID_MAX];      /* whose copy it is; of others its own id */
	char copies[IMAGE_COPIES_TEXT]; /* regions, with blanks between */
	char (*snapshot)[EC2_ID_MAX];   /* those that are ours */
	size_t n;
	bool used;                  /* it itself */
	char user[IMAGE_USER_TEXT]; /* "": nobody; of one that uses it or its copies */
};

struct retire_list {
	struct retire_image *item;
	size_t n;
};

/* Each image of a request, then the copies of all; with keep also those whose image is not there
 * any more, as a bake that was killed between leaves them. Kind usage: one is not ours, or of
 * another project; kind remote: there is no such. The caller calls retire_list_free() in every
 * case. */
must_check int retire_find(const struct retire_request *r, struct retire_list *ret, struct err *e);
void retire_list_free(struct retire_list *l);

#define auto_retire_list __attribute__((cleanup(retire_list_free)))

/* Leaves the images that are to go when the newest `keep` of each architecture stay; with any, the
 * newest that was promoted stays too, as what is newer may never have passed its test. Pure. */
void retire_choose(struct retire_list *l, uint64_t keep);

/* Who uses one of those that belong together keeps them all: each has a user then. Pure. */
void retire_share_users(struct retire_list *l);

/* Takes out what has a user. Pure. */
void retire_drop_used(struct retire_list *l);

/* All of the list, which nobody uses. Every image and snapshot is told of as it goes. Kind
 * transient: something is left, for gc. */
must_check int retire_do(const struct retire_request *r, const struct retire_list *l,
	void (*removing)(void *ctx, const struct resource *r), void *ctx, struct err *e);

/* --- between the files of retire */

struct retire_search {
	const struct retire_request *r;
	struct cloud *first; /* where the originals are */
	struct retire_list *l;
	size_t n_originals; /* the first ones of the list */
};

must_check int retire_add(
	struct retire_list *l, const char *region, const struct ec2_image *from, struct err *e);

/* Those of its snapshots that are ours, and who uses it: of all that are from that one on. */
must_check int retire_look(
	const struct retire_search *s, struct cloud *there, size_t from, struct err *e);

/* In each region but the first that may have copies. */
must_check int retire_find_copies(const struct retire_search *s, struct err *e);

#endif
