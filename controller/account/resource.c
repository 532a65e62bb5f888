/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/account/resource.h"

#include "common/date.h"
#include "controller/aws/ec2_group.h"
#include "controller/aws/ec2_image.h"
#include "controller/aws/ec2_instance.h"
#include "controller/aws/ec2_volume.h"
#include "controller/money.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* gp3 and standard snapshots in us-east-1, a month of 730 hours, of a GiB: Amazon EBS pricing.
 * Other regions differ by up to a half; it is a hint. */
#define VOLUME_HOURLY   (80000 / 730)
#define SNAPSHOT_HOURLY (50000 / 730)

static int64_t read_date(const char *text)
{
	struct err ignored = ERR_INIT;
	int64_t at;

	return text && date_parse(text, &at, &ignored) == 0 ? at : 0;
}

static void copy_tag(const struct ec2_tags *tags, const char *key, char *out, size_t size)
{
	const char *value = ec2_tags_get(tags, key);

	snprintf(out, size, "%s", value ? value : "");
}

/* A new one at the end; NULL: no memory. */
static struct resource *add(struct resources *r, const struct resource_kind *kind, const char *id,
	const struct ec2_tags *tags)
{
	struct resource *grown = reallocarray(r->item, r->n + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	r->item = grown;
	grown += r->n++;
	*grown = (struct resource){.kind = kind};
	snprintf(grown->id, sizeof(grown->id), "%s", id);
	copy_tag(tags, RESOURCE_RUN, grown->run, sizeof(grown->run));
	copy_tag(tags, RESOURCE_PROJECT, grown->project, sizeof(grown->project));
	copy_tag(tags, RESOURCE_TOKEN, grown->token, sizeof(grown->token));
	grown->keep = ec2_tags_get(tags, RESOURCE_KEEP) != NULL;
	grown->expires = read_date(ec2_tags_get(tags, RESOURCE_EXPIRES));
	return grown;
}

/* The tag, with a value where a run is given. */
struct selection {
	const char *values[2];
	struct ec2_filter filter;
	struct ec2_select select;
};

static const struct ec2_select *select_run(
	struct selection *s, const char *run, const char *const *owners, uint64_t deadline)
{
	*s = (struct selection){.values = {run ? run : "*", NULL},
		.filter = {.name = "tag:" RESOURCE_RUN},
		.select = {.owners = owners, .n_filters = 1, .deadline = deadline}};
	s->filter.values = s->values;
	s->select.filters = &s->filter;
	return &s->select;
}

static int list_instances(struct call_client *c, const char *run, uint64_t deadline,
	struct resources *out, struct err *e)
{
	auto_ec2_instances struct ec2_instances list = {0};
	struct selection s;
	int rc = ec2_instances(c, select_run(&s, run, NULL, deadline), &list, e);

	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		const struct ec2_instance *m = &list.item[i];
		struct resource *r;

		if (m->state == EC2_TERMINATED)
			continue;
		r = add(out, &resource_kinds[0], m->id, &m->tags);
		if (!r)
			return err_oom(e);
		snprintf(r->token, sizeof(r->token), "%s", m->token);
		snprintf(r->detail, sizeof(r->detail), "%s %s %s %s", m->type,
			m->spot ? "spot" : "on-demand", m->zone, ec2_state_name(m->state));
		snprintf(r->type, sizeof(r->type), "%s", m->type);
		snprintf(r->zone, sizeof(r->zone), "%s", m->zone);
		r->spot = m->spot;
		r->leaving = m->state == EC2_SHUTTING_DOWN;
		r->created = m->launched;
	}
	return rc;
}

static int remove_instances(
	struct call_client *c, const char *const *ids, uint64_t deadline, struct err *e)
{
	int rc = ec2_terminate(c, ids, deadline, e);

	/* One of them has gone since they were listed. */
	if (rc < 0 && strcmp(c->fault.code, "InvalidInstanceID.NotFound") == 0)
		e->kind = ERR_TRANSIENT;
	return rc;
}

static int list_images(struct call_client *c, const char *run, uint64_t deadline,
	struct resources *out, struct err *e)
{
	static const char *const self[] = {"self", NULL};
	auto_ec2_images struct ec2_images list = {0};
	struct selection s;
	int rc = ec2_images(c, select_run(&s, run, self, deadline), &list, e);

	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		const struct ec2_image *m = &list.item[i];
		struct resource *r;

		/* It is listed for a while yet. */
		if (strcmp(m->state, "deregistered") == 0)
			continue;
		r = add(out, &resource_kinds[1], m->id, &m->tags);
		if (!r)
			return err_oom(e);
		snprintf(r->detail, sizeof(r->detail), "%.100s %s %s", m->name, m->arch, m->state);
		r->created = m->created;
		r->priced = true;
	}
	return rc;
}

static int each(struct call_client *c, const char *const *ids, uint64_t deadline,
	int (*remove)(struct call_client *, const char *, uint64_t, struct err *), struct err *e)
{
	int rc = 0;

	for (; *ids && rc >= 0; ids++)
		rc = remove(c, *ids, deadline, e);
	return rc;
}

static int remove_images(
	struct call_client *c, const char *const *ids, uint64_t deadline, struct err *e)
{
	return each(c, ids, deadline, ec2_image_deregister, e);
}

static int add_volumes(const struct ec2_volumes *list, const struct resource_kind *kind,
	uint64_t hourly, struct resources *out, struct err *e)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct ec2_volume *m = &list->item[i];
		uint64_t gib = m->bytes >> 30;
		struct resource *r = add(out, kind, m->id, &m->tags);

		if (!r)
			return err_oom(e);
		snprintf(r->detail, sizeof(r->detail), "%llu GiB%s%s %s", (unsigned long long)gib,
			*m->zone ? " " : "", m->zone, m->state);
		/* It goes with the instance that has it. */
		r->leaving = strcmp(m->state, "deleting") == 0 || *m->instance;
		r->created = m->created;
		r->hourly = gib * hourly;
		r->priced = true;
	}
	return 0;
}

static int list_snapshots(struct call_client *c, const char *run, uint64_t deadline,
	struct resources *out, struct err *e)
{
	static const char *const self[] = {"self", NULL};
	auto_ec2_volumes struct ec2_volumes list = {0};
	struct selection s;
	int rc = ec2_snapshots(c, select_run(&s, run, self, deadline), &list, e);

	return rc < 0 ? rc : add_volumes(&list, &resource_kinds[2], SNAPSHOT_HOURLY, out, e);
}

static int remove_snapshots(
	struct call_client *c, const char *const *ids, uint64_t deadline, struct err *e)
{
	int rc = each(c, ids, deadline, ec2_snapshot_delete, e);

	/* Of an image that has just gone. */
	if (rc < 0 && strcmp(c->fault.code, "InvalidSnapshot.InUse") == 0)
		e->kind = ERR_TRANSIENT;
	return rc;
}

static int list_volumes(struct call_client *c, const char *run, uint64_t deadline,
	struct resources *out, struct err *e)
{
	auto_ec2_volumes struct ec2_volumes list = {0};
	struct selection s;
	int rc = ec2_volumes(c, select_run(&s, run, NULL, deadline), &list, e);

	return rc < 0 ? rc : add_volumes(&list, &resource_kinds[3], VOLUME_HOURLY, out, e);
}

static int remove_volumes(
	struct call_client *c, const char *const *ids, uint64_t deadline, struct err *e)
{
	return each(c, ids, deadline, ec2_volume_delete, e);
}

static int list_groups(struct call_client *c, const char *run, uint64_t deadline,
	struct resources *out, struct err *e)
{
	auto_ec2_groups struct ec2_groups list = {0};
	struct selection s;
	int rc = ec2_groups(c, select_run(&s, run, NULL, deadline), &list, e);

	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		const struct ec2_group *m = &list.item[i];
		struct resource *r = add(out, &resource_kinds[4], m->id, &m->tags);

		if (!r)
			return err_oom(e);
		snprintf(r->token, sizeof(r->token), "%.64s", m->name);
		snprintf(r->detail, sizeof(r->detail), "%.100s in %s", m->name, m->vpc);
		r->priced = true;
	}
	return rc;
}

static int remove_groups(
	struct call_client *c, const char *const *ids, uint64_t deadline, struct err *e)
{
	int rc = each(c, ids, deadline, ec2_group_delete, e);

	if (rc < 0 && strcmp(c->fault.code, "DependencyViolation") == 0)
		e->kind = ERR_TRANSIENT;
	return rc;
}

const struct resource_kind resource_kinds[] = {
	{RESOURCE_INSTANCE, list_instances, remove_instances, false},
	{RESOURCE_IMAGE, list_images, remove_images, false},
	{RESOURCE_SNAPSHOT, list_snapshots, remove_snapshots, false},
	{"volume", list_volumes, remove_volumes, false},
	{RESOURCE_GROUP, list_groups, remove_groups, true},
};

const size_t n_resource_kinds = ARRAY_LEN(resource_kinds);

int resources_list(struct call_client *c, const char *run, uint64_t deadline, struct resources *ret,
	struct err *e)
{
	int rc = 0;

	*ret = (struct resources){0};
	for (size_t i = 0; i < n_resource_kinds && rc == 0; i++)
		rc = resource_kinds[i].list(c, run, deadline, ret, e);
	return rc;
}

void resources_free(struct resources *r)
{
	free(r->item);
	*r = (struct resources){0};
}
