/* SPDX-License-Identifier: Apache-2.0 */
#include "common/auto.h"
#include "controller/image/retire.h"

#include <errno.h>
#include <string.h>

static const char *const self[] = {"self", NULL};

/* --- where */

struct regions {
	char name[RETIRE_REGIONS][ENDPOINT_REGION_MAX];
	size_t n;
};

static int add_region(struct regions *to, const char *name, size_t len, struct err *e)
{
	char one[ENDPOINT_REGION_MAX];

	if (len == 0 || len >= sizeof(one))
		return len ? err_set(e, ERR_CONFIG, EINVAL, "'%.60s' is no region", name) : 0;
	memcpy(one, name, len);
	one[len] = '\0';
	for (size_t i = 0; i < to->n; i++) {
		if (strcmp(to->name[i], one) == 0)
			return 0;
	}
	if (to->n == RETIRE_REGIONS)
		return err_set(e, ERR_CONFIG, E2BIG, "more than %d regions", RETIRE_REGIONS);
	memcpy(to->name[to->n++], one, len + 1);
	return 0;
}

/* Those that the images say, and the project. */
static int other_regions(const struct retire_search *s, struct regions *ret, struct err *e)
{
	const struct config_words *w = s->r->project ? &s->r->project->image.regions : NULL;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n_originals; i++) {
		for (const char *at = s->l->item[i].copies; rc == 0 && *at;) {
			size_t len = strcspn(at, " ");

			rc = add_region(ret, at, len, e);
			at += len + (at[len] == ' ');
		}
	}
	for (size_t i = 0; rc == 0 && w && i < w->len; i++)
		rc = add_region(ret, w->word[i], strlen(w->word[i]), e);
	return rc;
}

/* --- of what is to go */

static int add_copies(const struct retire_search *s, struct cloud *there,
	const struct ec2_images *list, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < list->n; i++) {
		if (ec2_tags_get(&list->item[i].tags, RESOURCE_RUN))
			rc = retire_add(s->l, there->region, &list->item[i], e);
	}
	return rc;
}

static int find_of_originals(const struct retire_search *s, struct cloud *there, struct err *e)
{
	auto_free const char **ids = calloc(s->n_originals + 1, sizeof(*ids));
	const struct ec2_filter filter = {"tag:" RESOURCE_SOURCE, ids};
	const struct ec2_select which = {
		.owners = self, .filters = &filter, .n_filters = 1, .deadline = s->r->deadline};
	auto_ec2_images struct ec2_images list = {0};
	int rc = 0;

	if (!ids)
		return err_oom(e);
	for (size_t i = 0; i < s->n_originals; i++)
		ids[i] = s->l->item[i].id;
	if (s->n_originals > 0)
		rc = ec2_images(&there->client, &which, &list, e);
	return rc == 0 ? add_copies(s, there, &list, e) : rc;
}

/* --- of what is gone */

static int list_tagged(const struct retire_search *s, struct cloud *c,
	const struct ec2_filter *filters, size_t n, struct ec2_images *ret, struct err *e)
{
	return ec2_images(&c->client,
		&(struct ec2_select){.owners = self,
			.filters = filters,
			.n_filters = n,
			.deadline = s->r->deadline},
		ret, e);
}

/* What is deregistered is listed for a while yet. */
static bool is_there(const struct ec2_images *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->item[i].id, id) == 0)
			return strcmp(list->item[i].state, "deregistered") != 0;
	}
	return false;
}

/* Those that are kept though their image is not there: nothing else finds them. One whose image is
 * there, but not kept, may yet be finished; and what is in the first region now need not be where
 * it was. The copies are listed first: an image is always older than its copy. */
static int find_orphans(const struct retire_search *s, struct cloud *there, struct err *e)
{
	const char *name[] = {s->r->project->name, NULL}, *any[] = {"*", NULL};
	const char *first[] = {s->first->region, NULL};
	const struct ec2_filter filters[] = {
		{"tag:" RESOURCE_PROJECT, name},
		{"tag:" RESOURCE_KEEP, any},
		{"tag:" RESOURCE_SOURCE_REGION, first},
	};
	auto_ec2_images struct ec2_images copies = {0}, originals = {0};
	int rc = list_tagged(s, there, filters, ARRAY_LEN(filters), &copies, e);

	if (rc == 0 && copies.n > 0)
		rc = list_tagged(s, s->first, filters, 1, &originals, e);
	for (size_t i = 0; rc == 0 && i < copies.n; i++) {
		const struct ec2_tags *tags = &copies.item[i].tags;
		const char *of = ec2_tags_get(tags, RESOURCE_SOURCE);

		if (of && ec2_tags_get(tags, RESOURCE_RUN) && !is_there(&originals, of))
			rc = retire_add(s->l, there->region, &copies.item[i], e);
	}
	return rc;
}

static int look_in(const struct retire_search *s, const char *region, struct err *e)
{
	auto_cloud struct cloud there = {0};
	struct cloud_options o = s->r->cloud;
	const size_t from = s->l->n;
	int rc;

	o.region = region;
	if ((rc = cloud_open(&o, &there, e)) < 0 || (rc = find_of_originals(s, &there, e)) < 0)
		return rc;
	if (!s->r->images)
		rc = find_orphans(s, &there, e);
	return rc == 0 ? retire_look(s, &there, from, e) : rc;
}

int retire_find_copies(const struct retire_search *s, struct err *e)
{
	struct regions others = {.n = 0};
	int rc = other_regions(s, &others, e);

	for (size_t i = 0; rc == 0 && i < others.n; i++) {
		if (strcmp(others.name[i], s->first->region) != 0)
			rc = look_in(s, others.name[i], e);
	}
	return rc;
}
