/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An AMI of a project: from the volume of a worker, or from a snapshot, to an image that is there
 * in every region, may be used by whom the project names, and is to stay. ami_finish() is the table
 * of what is done, in order.
 *
 * All that is made is in the journal of the run before it is asked for, and has its tags from the
 * beginning; RESOURCE_KEEP comes last. What a crash leaves before that is removed by gc. Nothing
 * here is taken for granted: an answer that was lost is looked for by RESOURCE_TOKEN.
 */
#ifndef CONTROLLER_AMI_H
#define CONTROLLER_AMI_H

#include "controller/image/image_name.h"
#include "controller/machine/ec2_site.h"
#include "controller/show.h"

struct ami_made {
	char region[ENDPOINT_REGION_MAX];
	char image[EC2_ID_MAX];
	char token[JOURNAL_TOKEN];    /* of the image in the journal */
	char (*snapshot)[EC2_ID_MAX]; /* of it; malloc'd */
	size_t n_snapshots;
	struct cloud *cloud; /* of the region; of copies ours */
	bool available;
};

struct ami {
	/* What the caller sets. */
	const struct project *project;
	struct ec2_site *site; /* of the region that it is made in; open, with a run */
	struct show *show;
	const char *arch;    /* "x86_64", "aarch64" */
	bool arch_in_name;   /* the project has images of both */
	const char *inputs;  /* fingerprint of all that went in */
	const char *base_id; /* that it was made of; "" */

	char name[IMAGE_NAME]; /* by ami_open() */
	char description[200];
	const char *boot_mode; /* of ec2_image_register; NULL */
	bool sriov;
	char root[32];     /* device */
	uint64_t bytes;    /* of its root volume; 0: as the snapshot */
	bool needs_create; /* its base is not free to be registered anew: CreateImage */
	char snapshot_token[JOURNAL_TOKEN], snapshot[EC2_ID_MAX];
	char early_token[JOURNAL_TOKEN], early[EC2_ID_MAX];

	struct ami_made *made; /* [0] in the region of the site, then the copies */
	size_t n_made;
	uint64_t renewed; /* clock.h */
};

/* Looks at the base and for a name that is free; nothing is made. The caller calls ami_close() in
 * every case. */
must_check int ami_open(struct ami *a, struct err *e);
void ami_close(struct ami *a);

#define auto_ami __attribute__((cleanup(ami_close)))

/* An image of ours that has these inputs and was finished; "": none. */
must_check int ami_find(struct call_client *client, const struct project *p, const char *arch,
	const char *inputs, char ret[static EC2_ID_MAX], struct err *e);

/* May the image be made? By dry runs: before there is a worker, and of its volume. Kind remote. */
must_check int ami_ask(struct ami *a, const char *volume, struct err *e);

/* While the worker is not ready yet: its blocks are on their way, so that the last snapshot has
 * few. It goes with the run. */
must_check int ami_begin_early(struct ami *a, const char *volume, struct err *e);

/* Of an instance whose disk holds still; the call answers when all that is written is in it. */
must_check int ami_begin(struct ami *a, const char *instance, const char *volume, struct err *e);

/* Of a snapshot that is there already, with its token in the journal. */
void ami_adopt(struct ami *a, const char *snapshot, const char *token);

/* The rest: the snapshot is complete, the image registered and there, copied, shared, with its date
 * of deprecation, and kept. -ECANCELED where the user asked to end. */
must_check int ami_finish(struct ami *a, struct err *e);

/* --- between the files of ami */

static inline struct call_client *ami_client(const struct ami *a)
{
	return &a->site->cloud->client;
}

/* Of the snapshot, where there is no image yet. */
must_check int ami_register(struct ami *a, struct err *e);

/* What a pending thing is at, for ami_wait(): 1: it is done. done and all are for the progress. */
typedef int ami_look_fn(struct ami *a, uint64_t *ret_done, uint64_t *ret_all, struct err *e);

/* Until it is done; tags are renewed meanwhile. */
must_check int ami_wait(struct ami *a, ami_look_fn *look, struct err *e);

must_check int ami_wait_snapshot(struct ami *a, struct err *e);
must_check int ami_wait_images(struct ami *a, struct err *e);
must_check int ami_copy(struct ami *a, struct err *e);
must_check int ami_share(struct ami *a, struct err *e);
must_check int ami_deprecate(struct ami *a, struct err *e);
must_check int ami_keep(struct ami *a, struct err *e);

/* Those of the site for this image, and RESOURCE_TOKEN and RESOURCE_INPUTS. */
must_check int ami_tag(
	const struct ami *a, const char *token, struct ec2_site_tags *ret, struct err *e);

/* A name for the journal, of this run alone. */
void ami_token(const struct ami *a, char ret[static JOURNAL_TOKEN]);

#endif
