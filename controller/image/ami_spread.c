/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/ami.h"

#include "common/clock.h"
#include "common/date.h"
#include "common/num.h"
#include "controller/account/resource.h"
#include "controller/aws/ec2_image_make.h"
#include "controller/image/image_copies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNTS_AT_ONCE 100

static int open_cloud(const struct ami *a, struct ami_made *m, const char *region, struct err *e)
{
	m->cloud = calloc(1, sizeof(*m->cloud));
	if (!m->cloud)
		return err_oom(e);
	return cloud_open(&(struct cloud_options){.profile = a->project->aws.profile,
				  .region = region,
				  .debug_http = a->site->cloud->client.observe != NULL},
		m->cloud, e);
}

static int copy_call(struct ami *a, struct ami_made *m, struct err *e)
{
	const struct image_spec *spec = &a->project->image;
	auto_ec2_site_tags struct ec2_site_tags tags = {0};
	int rc = ami_tag(a, m->token, &tags, e);

	if (rc < 0)
		return rc;
	tags.item[tags.n++] = (struct ec2_tag){RESOURCE_SOURCE, a->made[0].image};
	tags.item[tags.n++] = (struct ec2_tag){RESOURCE_SOURCE_REGION, a->made[0].region};
	return ec2_image_copy(&m->cloud->client,
		&(struct ec2_image_copy){.token = m->token,
			.image = a->made[0].image,
			.region = a->made[0].region,
			.name = a->name,
			.description = a->description,
			.encrypt = spec->encrypt,
			.kms_key = spec->kms_key,
			.tags = {tags.item, tags.n},
			.snapshot_tags = {tags.item, tags.n},
			.deadline = clock_deadline(SITE_TIME)},
		m->image, e);
}

static int copy_to(struct ami *a, const char *region, struct err *e)
{
	struct journal *j = &a->site->run->journal;
	struct ami_made *m = &a->made[a->n_made];
	struct err noted = ERR_INIT;
	int rc;

	snprintf(m->region, sizeof(m->region), "%s", region);
	ami_token(a, m->token);
	a->n_made++;
	if ((rc = open_cloud(a, m, region, e)) < 0 ||
		(rc = journal_intend(j, RESOURCE_IMAGE, m->token, region, e)) < 0)
		return rc;
	rc = copy_call(a, m, e);
	if (rc >= 0)
		return journal_made(j, m->token, m->image, e);
	if (*m->cloud->client.fault.code && !m->cloud->client.unsure &&
		journal_refused(j, m->token, &noted) < 0)
		*e = noted;
	return err_ctx(e, "a copy in %s", region);
}

int ami_copy(struct ami *a, struct err *e)
{
	const struct config_words *regions = &a->project->image.regions;
	int rc = 0;

	for (size_t i = 0; i < regions->len && rc >= 0; i++) {
		if (strcmp(regions->word[i], a->made[0].region) != 0)
			rc = copy_to(a, regions->word[i], e);
	}
	return rc < 0 ? rc : 0;
}

/* With its snapshots, of which the others may make images of their own, in their own key. */
static int share_one(const struct ami_made *m, const char *const *accounts, struct err *e)
{
	struct call_client *c = &m->cloud->client;
	int rc = ec2_image_share(c, m->image, accounts, clock_deadline(SITE_TIME), e);

	for (size_t i = 0; i < m->n_snapshots && rc >= 0; i++)
		rc = ec2_snapshot_share(c, m->snapshot[i], accounts, clock_deadline(SITE_TIME), e);
	return rc < 0 ? rc : 0;
}

int ami_share(struct ami *a, struct err *e)
{
	const struct config_words *w = &a->project->image.accounts;
	const char *some[ACCOUNTS_AT_ONCE + 1];
	int rc = 0;

	for (size_t at = 0; at < w->len && rc >= 0; at += ACCOUNTS_AT_ONCE) {
		size_t n = 0;

		for (; n < ACCOUNTS_AT_ONCE && at + n < w->len; n++)
			some[n] = w->word[at + n];
		some[n] = NULL;
		for (size_t i = 0; i < a->n_made && rc >= 0; i++)
			rc = share_one(&a->made[i], some, e);
	}
	return rc < 0 ? rc : 0;
}

int ami_deprecate(struct ami *a, struct err *e)
{
	int64_t when = date_now() + (int64_t)(a->project->image.deprecate / NSEC_PER_SEC);
	int rc = 0;

	if (a->project->image.deprecate == 0)
		return 0;
	for (size_t i = 0; i < a->n_made && rc >= 0; i++)
		rc = ec2_image_deprecate(&a->made[i].cloud->client, a->made[i].image, when,
			clock_deadline(SITE_TIME), e);
	return rc < 0 ? rc : 0;
}

static int keep_one(const struct ami_made *m, const struct image_copies *copies, struct err *e)
{
	static const char *const expiry[] = {RESOURCE_EXPIRES, NULL};
	struct ec2_tag tags[1 + IMAGE_COPIES_TAGS] = {{RESOURCE_KEEP, "yes"}};
	auto_free const char **ids = calloc(m->n_snapshots + 2, sizeof(*ids));
	struct call_client *c = &m->cloud->client;
	size_t n = 1;
	int rc;

	if (!ids)
		return err_oom(e);
	ids[0] = m->image;
	for (size_t i = 0; i < m->n_snapshots; i++)
		ids[i + 1] = m->snapshot[i];
	for (size_t i = 0; copies && i < copies->n; i++)
		tags[n++] = (struct ec2_tag){copies->tag[i].key, copies->tag[i].value};
	rc = ec2_tags_set(c, ids, &(struct ec2_tags){tags, n}, clock_deadline(SITE_TIME), e);
	if (rc >= 0)
		rc = ec2_tags_delete(c, ids, expiry, clock_deadline(SITE_TIME), e);
	return rc < 0 ? rc : 0;
}

/* The copies first: where the image itself is kept, all is done. A crash between leaves copies
 * whose image gc takes away; retire finds them by that. */
int ami_keep(struct ami *a, struct err *e)
{
	struct journal *j = &a->site->run->journal;
	struct image_copies copies = {.n = 0};
	int rc = 0;

	for (size_t i = 1; i < a->n_made && rc >= 0; i++)
		rc = image_copies_add(&copies, a->made[i].region, e);
	for (size_t i = a->n_made; i > 0 && rc >= 0; i--) {
		rc = keep_one(&a->made[i - 1], i == 1 ? &copies : NULL, e);
		if (rc >= 0)
			rc = journal_kept(j, a->made[i - 1].token, e);
	}
	if (rc >= 0 && *a->snapshot_token)
		rc = journal_kept(j, a->snapshot_token, e);
	return rc < 0 ? rc : 0;
}
