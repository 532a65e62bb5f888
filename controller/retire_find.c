/* SPDX-License-Identifier: Apache-2.0 */
#include "common/auto.h"
#include "controller/aws/ec2_image.h"
#include "controller/aws/ec2_volume.h"
#include "controller/aws/list.h"
#include "controller/prove_ami.h"
#include "controller/retire.h"

#include <errno.h>
#include <string.h>

static const char *const self[] = {"self", NULL};

static void copy_tag(const struct ec2_tags *tags, const char *key, char *out, size_t size)
{
	const char *value = ec2_tags_get(tags, key);

	snprintf(out, size, "%s", value ? value : "");
}

/* --- its snapshots */

static int add_snapshots(struct retire_image *to, const struct ec2_image *from, struct err *e)
{
	to->snapshot = calloc(from->n ? from->n : 1, sizeof(*to->snapshot));
	if (!to->snapshot)
		return err_oom(e);
	for (size_t i = 0; i < from->n; i++) {
		if (*from->item[i].snapshot)
			snprintf(to->snapshot[to->n++], EC2_ID_MAX, "%s", from->item[i].snapshot);
	}
	return 0;
}

static bool is_listed(const struct ec2_volumes *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->item[i].id, id) == 0 &&
			ec2_tags_get(&list->item[i].tags, RESOURCE_RUN))
			return true;
	}
	return false;
}

/* One of somebody else stays: an image may have a disk of another. By a filter, as one that has
 * gone is no error. */
static int keep_ours(
	struct cloud *cloud, struct retire_image *image, uint64_t deadline, struct err *e)
{
	const char **ids = calloc(image->n + 1, sizeof(*ids));
	const struct ec2_filter filter = {"snapshot-id", ids};
	const struct ec2_select which = {
		.owners = self, .filters = &filter, .n_filters = 1, .deadline = deadline};
	auto_ec2_volumes struct ec2_volumes list = {0};
	size_t n = 0;
	int rc = 0;

	if (!ids)
		return err_oom(e);
	for (size_t i = 0; i < image->n; i++)
		ids[i] = image->snapshot[i];
	if (image->n)
		rc = ec2_snapshots(&cloud->client, &which, &list, e);
	free(ids);
	for (size_t i = 0; rc == 0 && i < image->n; i++) {
		if (is_listed(&list, image->snapshot[i]))
			memmove(image->snapshot[n++], image->snapshot[i], EC2_ID_MAX);
	}
	image->n = rc == 0 ? n : image->n;
	return rc;
}

/* --- images */

static int add_image(
	struct retire_list *l, const char *region, const struct ec2_image *from, struct err *e)
{
	struct retire_image *to = list_add(l, e);

	if (!to)
		return -e->num;
	snprintf(to->region, sizeof(to->region), "%s", region);
	snprintf(to->id, sizeof(to->id), "%s", from->id);
	snprintf(to->name, sizeof(to->name), "%s", from->name);
	snprintf(to->arch, sizeof(to->arch), "%s", from->arch);
	to->created = from->created;
	to->promoted = ec2_tags_get(&from->tags, PROVE_PROMOTED) != NULL;
	copy_tag(&from->tags, RESOURCE_SOURCE, to->original, sizeof(to->original));
	if (!*to->original)
		snprintf(to->original, sizeof(to->original), "%s", from->id);
	copy_tag(&from->tags, RESOURCE_COPIES, to->copies, sizeof(to->copies));
	return add_snapshots(to, from, e);
}

static int check_ours(const struct retire_request *r, const struct ec2_image *i, struct err *e)
{
	const char *of = ec2_tags_get(&i->tags, RESOURCE_PROJECT);

	if (!ec2_tags_get(&i->tags, RESOURCE_RUN) || !of)
		return err_set(e, ERR_USAGE, EPERM,
			"%s '%.100s' is not ours: it has no tag " RESOURCE_RUN, i->id, i->name);
	if (r->project && strcmp(of, r->project->name) != 0)
		return err_set(e, ERR_USAGE, EPERM, "%s is of project '%.100s', not of '%s'", i->id,
			of, r->project->name);
	return 0;
}

static int find_named(
	const struct retire_request *r, struct cloud *cloud, struct retire_list *l, struct err *e)
{
	const struct ec2_select which = {.ids = r->images, .owners = self, .deadline = r->deadline};
	auto_ec2_images struct ec2_images list = {0};
	int rc = ec2_images(&cloud->client, &which, &list, e);
	size_t n = 0;

	while (r->images[n])
		n++;
	if (rc == 0 && list.n < n)
		return err_set(e, ERR_REMOTE, ENOENT, "%s: %zu of %zu images are not there",
			cloud->region, n - list.n, n);
	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		rc = check_ours(r, &list.item[i], e);
		if (rc == 0)
			rc = add_image(l, cloud->region, &list.item[i], e);
	}
	return rc;
}

/* Those that are there to stay; a copy goes with its original. */
static int find_project(
	const struct retire_request *r, struct cloud *cloud, struct retire_list *l, struct err *e)
{
	const char *name[] = {r->project->name, NULL}, *any[] = {"*", NULL};
	const struct ec2_filter filters[] = {
		{"tag:" RESOURCE_PROJECT, name},
		{"tag:" RESOURCE_KEEP, any},
	};
	const struct ec2_select which = {.owners = self,
		.filters = filters,
		.n_filters = ARRAY_LEN(filters),
		.deadline = r->deadline};
	auto_ec2_images struct ec2_images list = {0};
	int rc = ec2_images(&cloud->client, &which, &list, e);

	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		if (!ec2_tags_get(&list.item[i].tags, RESOURCE_SOURCE) &&
			ec2_tags_get(&list.item[i].tags, RESOURCE_RUN))
			rc = add_image(l, cloud->region, &list.item[i], e);
	}
	if (rc == 0)
		retire_choose(l, r->keep);
	return rc;
}

/* --- copies */

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
static int other_regions(const struct retire_request *r, const struct retire_list *l,
	struct regions *ret, struct err *e)
{
	const struct config_words *w = r->project ? &r->project->image.regions : NULL;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		for (const char *at = l->item[i].copies; rc == 0 && *at;) {
			size_t len = strcspn(at, " ");

			rc = add_region(ret, at, len, e);
			at += len + (at[len] == ' ');
		}
	}
	for (size_t i = 0; rc == 0 && w && i < w->len; i++)
		rc = add_region(ret, w->word[i], strlen(w->word[i]), e);
	return rc;
}

static int find_copies(const struct retire_request *r, struct cloud *cloud, struct retire_list *l,
	size_t n_originals, struct err *e)
{
	const char **ids = calloc(n_originals + 1, sizeof(*ids));
	const struct ec2_filter filter = {"tag:" RESOURCE_SOURCE, ids};
	const struct ec2_select which = {
		.owners = self, .filters = &filter, .n_filters = 1, .deadline = r->deadline};
	auto_ec2_images struct ec2_images list = {0};
	int rc;

	if (!ids)
		return err_oom(e);
	for (size_t i = 0; i < n_originals; i++)
		ids[i] = l->item[i].id;
	rc = ec2_images(&cloud->client, &which, &list, e);
	free(ids);
	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		if (ec2_tags_get(&list.item[i].tags, RESOURCE_RUN))
			rc = add_image(l, cloud->region, &list.item[i], e);
	}
	return rc;
}

/* --- uses */

/* A copy that is used keeps them all. */
static void set_user(struct retire_list *l, const char *original, const char *id, const char *user)
{
	for (size_t i = 0; i < l->n; i++) {
		struct retire_image *m = &l->item[i];

		if (strcmp(m->original, original) == 0 && !*m->user)
			snprintf(m->user, sizeof(m->user), "%s%s%.240s",
				strcmp(m->id, id) == 0 ? "" : id,
				strcmp(m->id, id) == 0 ? "" : " by ", user);
	}
}

static int find_users(
	const struct retire_request *r, struct cloud *cloud, struct retire_list *l, struct err *e)
{
	const char **ids = calloc(l->n + 1, sizeof(*ids));
	const struct image_use_question q = {
		.images = ids,
		.parameter = r->project ? r->project->image.parameter : NULL,
		.deadline = r->deadline,
	};
	struct image_uses uses = {0};
	size_t n = 0;
	int rc;

	if (!ids)
		return err_oom(e);
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->item[i].region, cloud->region) == 0)
			ids[n++] = l->item[i].id;
	}
	rc = image_uses(&cloud->client, &q, &uses, e);
	free(ids);
	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		const struct retire_image *m = &l->item[i];
		const char *user = image_uses_first(&uses, m->id);

		if (user && strcmp(m->region, cloud->region) == 0)
			set_user(l, m->original, m->id, user);
	}
	free(uses.item);
	return rc;
}

/* What is in one region: copies, where it is not the first; then snapshots and users. */
static int look_at_region(const struct retire_request *r, struct cloud *cloud,
	struct retire_list *l, size_t n_originals, struct err *e)
{
	size_t from = n_originals ? l->n : 0;
	int rc = n_originals ? find_copies(r, cloud, l, n_originals, e) : 0;

	for (size_t i = from; rc == 0 && i < l->n; i++)
		rc = keep_ours(cloud, &l->item[i], r->deadline, e);
	return rc == 0 ? find_users(r, cloud, l, e) : rc;
}

int retire_find(const struct retire_request *r, struct retire_list *ret, struct err *e)
{
	auto_cloud struct cloud cloud = {0};
	struct regions others = {.n = 0};
	size_t n_originals;
	int rc = cloud_open(&r->cloud, &cloud, e);

	*ret = (struct retire_list){0};
	if (rc == 0)
		rc = r->images ? find_named(r, &cloud, ret, e) : find_project(r, &cloud, ret, e);
	if (rc < 0 || ret->n == 0)
		return rc;
	n_originals = ret->n;
	rc = look_at_region(r, &cloud, ret, 0, e);
	if (rc == 0)
		rc = other_regions(r, ret, &others, e);
	for (size_t i = 0; rc == 0 && i < others.n; i++) {
		auto_cloud struct cloud there = {0};
		struct cloud_options o = r->cloud;

		o.region = others.name[i];
		if (strcmp(o.region, cloud.region) == 0)
			continue;
		rc = cloud_open(&o, &there, e);
		if (rc == 0)
			rc = look_at_region(r, &there, ret, n_originals, e);
	}
	return rc;
}

void retire_list_free(struct retire_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->item[i].snapshot);
	free(l->item);
	*l = (struct retire_list){0};
}
