/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/ami.h"

#include "common/cancel.h"
#include "common/clock.h"
#include "common/num.h"
#include "controller/account/resource.h"
#include "controller/aws/ec2_image_make.h"
#include "controller/aws/ec2_volume.h"

#include <stdlib.h>
#include <string.h>

#define LOOKS 3 /* for what a lost answer was about: it may be listed late */

void ami_token(const struct ami *a, char ret[static JOURNAL_TOKEN])
{
	snprintf(ret, JOURNAL_TOKEN, "%s-%zu", a->site->run->id, a->site->run->journal.n);
}

int ami_tag(const struct ami *a, const char *token, struct ec2_site_tags *ret, struct err *e)
{
	int rc = ec2_site_tag(a->site, a->name, ret, e);

	if (rc < 0)
		return rc;
	ret->item[ret->n++] = (struct ec2_tag){RESOURCE_TOKEN, token};
	ret->item[ret->n++] = (struct ec2_tag){RESOURCE_INPUTS, a->inputs};
	return 0;
}

/* The call that makes it, with the tags. */
typedef int make_fn(struct ami *a, const void *what, const struct ec2_tags *tags,
	char ret_id[static EC2_ID_MAX], struct err *e);

struct making {
	const char *kind; /* of the journal: an image or a snapshot */
	make_fn *make;
	const void *what;
};

/* What bears the token; "": nothing. */
static int find(struct ami *a, const char *kind, const char *token, char ret_id[static EC2_ID_MAX],
	struct err *e)
{
	static const char *const self[] = {"self", NULL};
	const struct ec2_filter filter = {
		"tag:" RESOURCE_TOKEN, (const char *const[]){token, NULL}};
	const struct ec2_select which = {.owners = self,
		.filters = &filter,
		.n_filters = 1,
		.deadline = clock_deadline(SITE_TIME)};
	auto_ec2_images struct ec2_images images = {0};
	auto_ec2_volumes struct ec2_volumes snapshots = {0};
	int rc = strcmp(kind, RESOURCE_IMAGE) == 0
			 ? ec2_images(ami_client(a), &which, &images, e)
			 : ec2_snapshots(ami_client(a), &which, &snapshots, e);

	if (rc < 0)
		return rc;
	snprintf(ret_id, EC2_ID_MAX, "%s",
		images.n > 0      ? images.item[0].id
		: snapshots.n > 0 ? snapshots.item[0].id
				  : "");
	return 0;
}

/* Whether it is there, though its answer was lost: 1, 0, or that cannot be said. */
static int seek(struct ami *a, const char *kind, const char *token, char ret_id[static EC2_ID_MAX])
{
	struct err ignored = ERR_INIT;

	*ret_id = '\0';
	for (unsigned i = 0; i < LOOKS; i++) {
		int rc;

		clock_sleep(i * NSEC_PER_SEC / 2, clock_deadline(SITE_TIME));
		rc = find(a, kind, token, ret_id, &ignored);
		if (rc < 0 || *ret_id)
			return rc < 0 ? rc : 1;
	}
	return 0;
}

/* A second image would have the name of the first: their calls are tried again by themselves. */
static bool may_repeat(const struct making *m, uint64_t until, const struct err *e)
{
	return strcmp(m->kind, RESOURCE_SNAPSHOT) == 0 && e->kind == ERR_TRANSIENT &&
	       clock_left(until) > 0 && !cancel_requested();
}

static int make(struct ami *a, const struct making *m, char ret_token[static JOURNAL_TOKEN],
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	auto_ec2_site_tags struct ec2_site_tags tags = {0};
	struct journal *j = &a->site->run->journal;
	const uint64_t until = clock_deadline(SITE_TIME);
	struct err noted = ERR_INIT;
	struct ec2_tags t;
	bool unsure = false; /* one of the calls may have been done */
	int rc;

	ami_token(a, ret_token);
	if ((rc = ami_tag(a, ret_token, &tags, e)) < 0 ||
		(rc = journal_intend(j, m->kind, ret_token, a->site->cloud->region, e)) < 0)
		return rc;
	t = (struct ec2_tags){tags.item, tags.n};
	rc = m->make(a, m->what, &t, ret_id, e);
	while (rc < 0 && !ec2_site_refused(a->site)) {
		int found = seek(a, m->kind, ret_token, ret_id);

		if (found < 0 || (found == 0 && !may_repeat(m, until, e)))
			return rc;
		unsure = true;
		*e = (struct err)ERR_INIT;
		rc = found ? 0 : m->make(a, m->what, &t, ret_id, e);
	}
	if (rc < 0 && !unsure && journal_refused(j, ret_token, &noted) < 0)
		*e = noted;
	return rc < 0 ? rc : journal_made(j, ret_token, ret_id, e);
}

static int make_snapshot(struct ami *a, const void *volume, const struct ec2_tags *tags,
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	return ec2_snapshot_create(ami_client(a),
		&(struct ec2_snapshot_create){.volume = volume,
			.description = a->name,
			.tags = *tags,
			.deadline = clock_deadline(SITE_TIME)},
		ret_id, e);
}

int ami_begin_early(struct ami *a, const char *volume, struct err *e)
{
	const struct making m = {RESOURCE_SNAPSHOT, make_snapshot, volume};

	return make(a, &m, a->early_token, a->early, e);
}

static int make_image(struct ami *a, const void *instance, const struct ec2_tags *tags,
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	const struct ec2_device_new root = {.name = a->root, .bytes = a->bytes, .type = "gp3"};

	return ec2_image_create(ami_client(a),
		&(struct ec2_image_create){.instance = instance,
			.name = a->name,
			.description = a->description,
			.device = &root,
			.n_devices = 1,
			.tags = *tags,
			.snapshot_tags = *tags,
			.deadline = clock_deadline(SITE_TIME)},
		ret_id, e);
}

static int register_image(struct ami *a, const void *snapshot, const struct ec2_tags *tags,
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	return ec2_image_register(ami_client(a),
		&(struct ec2_image_register){.name = a->name,
			.description = a->description,
			.arch = arch_in_ec2(a->arch),
			.boot_mode = a->boot_mode,
			.imds_v2 = true,
			.sriov = a->sriov,
			.device = {.name = a->root,
				.snapshot = snapshot,
				.bytes = a->bytes,
				.type = "gp3"},
			.tags = *tags,
			.deadline = clock_deadline(SITE_TIME)},
		ret_id, e);
}

static int add_made(struct ami *a, const struct making *m, struct err *e)
{
	struct ami_made *first;
	int rc;

	free(a->made); /* of an attempt before, that came to nothing */
	a->made = calloc(1 + a->project->image.regions.len, sizeof(*a->made));
	if (!a->made)
		return err_oom(e);
	first = &a->made[0];
	rc = make(a, m, first->token, first->image, e);
	if (rc < 0)
		return rc;
	first->cloud = a->site->cloud;
	snprintf(first->region, sizeof(first->region), "%s", a->site->cloud->region);
	a->n_made = 1;
	return 0;
}

int ami_begin(struct ami *a, const char *instance, const char *volume, struct err *e)
{
	const struct making create = {RESOURCE_IMAGE, make_image, instance};
	const struct making snapshot = {RESOURCE_SNAPSHOT, make_snapshot, volume};

	return a->needs_create ? add_made(a, &create, e)
			       : make(a, &snapshot, a->snapshot_token, a->snapshot, e);
}

void ami_adopt(struct ami *a, const char *snapshot, const char *token)
{
	snprintf(a->snapshot, sizeof(a->snapshot), "%s", snapshot);
	snprintf(a->snapshot_token, sizeof(a->snapshot_token), "%s", token);
	if (!*a->root)
		snprintf(a->root, sizeof(a->root), "/dev/xvda");
}

/* What is not there, as an id that nobody has, says that permission was not what failed. */
static bool is_denied(const struct call_client *c)
{
	return strcmp(c->fault.code, "UnauthorizedOperation") == 0 ||
	       strcmp(c->fault.code, "AccessDenied") == 0;
}

static int ask(struct ami *a, make_fn *fn, const char *what, struct err *e)
{
	auto_ec2_site_tags struct ec2_site_tags tags = {0};
	struct call_client *c = ami_client(a);
	char id[EC2_ID_MAX];
	int rc = ami_tag(a, "dry-run", &tags, e);

	if (rc < 0)
		return rc;
	c->dry_run = true;
	rc = fn(a, what, &(struct ec2_tags){tags.item, tags.n}, id, e);
	c->dry_run = false;
	if (rc < 0 && is_denied(c))
		return rc;
	*e = (struct err)ERR_INIT;
	return 0;
}

int ami_ask(struct ami *a, const char *volume, struct err *e)
{
	int rc = ask(a, make_snapshot, volume ? volume : EC2_NO_VOLUME, e);

	return rc < 0 || volume ? rc : ask(a, register_image, EC2_NO_SNAPSHOT, e);
}

int ami_register(struct ami *a, struct err *e)
{
	const struct making m = {RESOURCE_IMAGE, register_image, a->snapshot};

	return a->n_made > 0 ? 0 : add_made(a, &m, e);
}
