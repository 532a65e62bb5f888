/* SPDX-License-Identifier: Apache-2.0 */
#include "common/auto.h"
#include "controller/aws/ec2_image.h"
#include "controller/aws/ec2_volume.h"
#include "controller/aws/list.h"
#include "controller/image/prove_ami.h"
#include "controller/image/retire.h"

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

int retire_add(
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
	image_copies_read(&from->tags, to->copies);
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

/* One that is named twice is one. Ends with NULL; the caller frees it. NULL: no memory. */
static const char **each_once(const char *const *ids, size_t *ret_n)
{
	size_t n = 0, all = 0;
	const char **once;

	while (ids[all])
		all++;
	once = calloc(all + 1, sizeof(*once));
	for (size_t i = 0; once && i < all; i++) {
		size_t k = 0;

		while (k < n && strcmp(once[k], ids[i]) != 0)
			k++;
		once[k] = ids[i];
		n += k == n;
	}
	*ret_n = n;
	return once;
}

static int find_named(
	const struct retire_request *r, struct cloud *cloud, struct retire_list *l, struct err *e)
{
	size_t n;
	auto_free const char **ids = each_once(r->images, &n);
	const struct ec2_select which = {.ids = ids, .owners = self, .deadline = r->deadline};
	auto_ec2_images struct ec2_images list = {0};
	int rc = ids ? ec2_images(&cloud->client, &which, &list, e) : err_oom(e);

	if (rc == 0 && list.n < n)
		return err_set(e, ERR_REMOTE, ENOENT, "%s: %zu of %zu images are not there",
			cloud->region, n - list.n, n);
	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		rc = check_ours(r, &list.item[i], e);
		if (rc == 0)
			rc = retire_add(l, cloud->region, &list.item[i], e);
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
			rc = retire_add(l, cloud->region, &list.item[i], e);
	}
	if (rc == 0)
		retire_choose(l, r->keep);
	return rc;
}

/* --- uses */

static int find_users(
	const struct retire_search *s, struct cloud *there, size_t from, struct err *e)
{
	struct retire_list *l = s->l;
	auto_free const char **ids = calloc(l->n + 1, sizeof(*ids));
	const struct image_use_question q = {
		.images = ids,
		.parameter = s->r->project ? s->r->project->image.parameter : NULL,
		.deadline = s->r->deadline,
	};
	struct image_uses uses = {0};
	int rc;

	if (!ids)
		return err_oom(e);
	for (size_t i = from; i < l->n; i++)
		ids[i - from] = l->item[i].id;
	rc = image_uses(&there->client, &q, &uses, e);
	for (size_t i = from; rc == 0 && i < l->n; i++) {
		struct retire_image *m = &l->item[i];
		const char *user = image_uses_first(&uses, m->id);

		m->used = user != NULL;
		snprintf(m->user, sizeof(m->user), "%s", user ? user : "");
	}
	free(uses.item);
	return rc;
}

int retire_look(const struct retire_search *s, struct cloud *there, size_t from, struct err *e)
{
	int rc = 0;

	for (size_t i = from; rc == 0 && i < s->l->n; i++)
		rc = keep_ours(there, &s->l->item[i], s->r->deadline, e);
	return rc == 0 ? find_users(s, there, from, e) : rc;
}

int retire_find(const struct retire_request *r, struct retire_list *ret, struct err *e)
{
	auto_cloud struct cloud cloud = {0};
	struct retire_search s = {.r = r, .first = &cloud, .l = ret};
	int rc = cloud_open(&r->cloud, &cloud, e);

	*ret = (struct retire_list){0};
	if (rc == 0)
		rc = r->images ? find_named(r, &cloud, ret, e) : find_project(r, &cloud, ret, e);
	s.n_originals = ret->n;
	if (rc == 0)
		rc = retire_look(&s, &cloud, 0, e);
	if (rc == 0)
		rc = retire_find_copies(&s, e);
	if (rc == 0)
		retire_share_users(ret);
	return rc;
}

void retire_list_free(struct retire_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->item[i].snapshot);
	free(l->item);
	*l = (struct retire_list){0};
}
