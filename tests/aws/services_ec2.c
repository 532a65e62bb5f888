/* SPDX-License-Identifier: Apache-2.0 */
#include "common/num.h"
#include "controller/aws/ec2_group.h"
#include "controller/aws/ec2_network.h"
#include "controller/aws/ec2_run.h"
#include "controller/aws/ec2_spot.h"
#include "controller/aws/ec2_type.h"
#include "controller/aws/ec2_volume.h"
#include "tests/aws/services.h"

#include <string.h>

json_t *service_tags(const struct ec2_tags *tags)
{
	json_t *j = json_object();

	for (size_t i = 0; i < tags->n; i++)
		json_object_set_new(j, tags->item[i].key, json_string(tags->item[i].value));
	return j;
}

const struct ec2_select *service_choose(struct service_choice *c, char **argv)
{
	*c = (struct service_choice){.values = {argv[0] ? argv[1] : NULL}};
	c->filter = (struct ec2_filter){argv[0], c->values};
	c->select = (struct ec2_select){.filters = &c->filter,
		.n_filters = argv[0] ? 1 : 0,
		.deadline = service_deadline()};
	return &c->select;
}

static int zones(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct ec2_zones list;
	int rc = ec2_zones(client, service_deadline(), &list, e);

	(void)argv;
	*ret = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(
			*ret, json_pack("{s:s, s:s, s:s, s:b}", "name", list.item[i].name, "id",
				      list.item[i].id, "type", list.item[i].type, "available",
				      list.item[i].available));
	free(list.item);
	return rc;
}

static int vpcs(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct service_choice c;
	struct ec2_vpcs list;
	int rc = ec2_vpcs(client, service_choose(&c, argv), &list, e);

	*ret = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(
			*ret, json_pack("{s:s, s:s, s:b}", "id", list.item[i].id, "cidr",
				      list.item[i].cidr, "default", list.item[i].is_default));
	free(list.item);
	return rc;
}

static int subnets(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct service_choice c;
	struct ec2_subnets list;
	int rc = ec2_subnets(client, service_choose(&c, argv), &list, e);

	*ret = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(*ret,
			json_pack("{s:s, s:s, s:s, s:I, s:b, s:b, s:b}", "id", list.item[i].id,
				"vpc", list.item[i].vpc, "zone", list.item[i].zone, "free",
				(json_int_t)list.item[i].free, "public", list.item[i].maps_public,
				"default", list.item[i].is_of_default, "available",
				list.item[i].available));
	free(list.item);
	return rc;
}

static json_t *group_json(const struct ec2_group *g)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:o, s:[]}", "id", g->id, "name", g->name, "vpc",
		g->vpc, "tags", service_tags(&g->tags), "permissions");

	for (size_t i = 0; i < g->n; i++)
		json_array_append_new(json_object_get(j, "permissions"),
			json_pack("{s:s, s:i, s:i, s:s}", "protocol", g->item[i].protocol, "from",
				g->item[i].from, "to", g->item[i].to, "source", g->item[i].source));
	return j;
}

static int groups(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct service_choice c;
	auto_ec2_groups struct ec2_groups list = {0};
	int rc = ec2_groups(client, service_choose(&c, argv), &list, e);

	*ret = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(*ret, group_json(&list.item[i]));
	return rc;
}

static struct ec2_tag run_tag = {"shared-prep:run", "r 1+&"};

static int group_create(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	const struct ec2_group_new new = {.name = argv[0],
		.description = "of a run",
		.vpc = argv[1],
		.tags = {&run_tag, 1},
		.deadline = service_deadline()};
	char id[EC2_ID_MAX];
	int rc = ec2_group_create(client, &new, id, e);

	if (rc == 0)
		*ret = json_pack("{s:s}", "id", id);
	return rc;
}

static int group_allow(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	(void)ret;
	return ec2_group_allow(client, argv[0], argv[1], service_deadline(), e);
}

static int group_revoke(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	(void)ret;
	return ec2_group_revoke(client, argv[0], argv[1], service_deadline(), e);
}

static int group_delete(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	(void)ret;
	return ec2_group_delete(client, argv[0], service_deadline(), e);
}

static json_t *instance_json(const struct ec2_instance *i)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:s, s:o}",
		"id", i->id, "state", ec2_state_name(i->state), "type", i->type, "zone", i->zone,
		"image", i->image, "subnet", i->subnet, "private", i->private_ip, "public",
		i->public_ip, "root", i->root, "volume", i->volume, "ipv6", i->ipv6, "token",
		i->token, "spot", i->spot, "launched", (json_int_t)i->launched, "reason", i->reason,
		"tags", service_tags(&i->tags));
}

/* TYPE IMAGE SUBNET GROUP TOKEN [spot] */
static int run(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	const char *groups_[] = {argv[3], NULL};
	const char *data = getenv("USER_DATA");
	auto_secret struct secret secret = {0};
	struct ec2_instance i = {0};
	struct ec2_run r = {.token = argv[4],
		.type = argv[0],
		.image = argv[1],
		.subnet = argv[2],
		.groups = groups_,
		.spot = argv[5] != NULL,
		.max_price = argv[5] ? 25300 : 0,
		.public_address = true,
		.root = "/dev/xvda",
		.volume = 9 * GIB,
		.encrypt = getenv("KMS_KEY") != NULL,
		.kms_key = getenv("KMS_KEY"),
		.iops = getenv("KMS_KEY") ? 4000 : 0,
		.throughput = getenv("KMS_KEY") ? 250 : 0,
		.tags = {&run_tag, 1},
		.deadline = service_deadline()};
	int rc = data ? secret_set(&secret, data, strlen(data), e) : 0;

	r.user_data = data ? &secret : NULL;
	if (rc == 0)
		rc = ec2_run(client, &r, &i, e);
	if (rc == 0)
		*ret = instance_json(&i);
	ec2_tags_free(&i.tags);
	return rc;
}

static int instances(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct service_choice c;
	auto_ec2_instances struct ec2_instances list = {0};
	int rc = ec2_instances(client, service_choose(&c, argv), &list, e);

	*ret = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(*ret, instance_json(&list.item[i]));
	return rc;
}

static int instances_of(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	const struct ec2_select which = {
		.ids = (const char *const *)argv, .deadline = service_deadline()};
	auto_ec2_instances struct ec2_instances list = {0};
	int rc = ec2_instances(client, &which, &list, e);

	*ret = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(*ret, instance_json(&list.item[i]));
	return rc;
}

static int terminate(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	(void)ret;
	return ec2_terminate(client, (const char *const *)argv, service_deadline(), e);
}

static int tag(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct ec2_tag one = {argv[1], argv[2]};

	(void)ret;
	return ec2_tags_set(client, (const char *const[]){argv[0], NULL},
		&(struct ec2_tags){&one, 1}, service_deadline(), e);
}

static json_t *volumes_json(const struct ec2_volumes *list)
{
	json_t *j = json_array();

	for (size_t i = 0; i < list->n; i++) {
		const struct ec2_volume *v = &list->item[i];

		json_array_append_new(j,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "id", v->id,
				"state", v->state, "kind", v->kind, "zone", v->zone, "instance",
				v->instance, "progress", v->progress, "bytes", (json_int_t)v->bytes,
				"created", (json_int_t)v->created, "tags", service_tags(&v->tags)));
	}
	return j;
}

static int volumes(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct service_choice c;
	auto_ec2_volumes struct ec2_volumes list = {0};
	int rc = ec2_volumes(client, service_choose(&c, argv), &list, e);

	*ret = volumes_json(&list);
	return rc;
}

static int snapshots(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct service_choice c;
	struct ec2_select which = *service_choose(&c, argv);
	auto_ec2_volumes struct ec2_volumes list = {0};
	int rc;

	which.owners = (const char *const[]){"self", NULL};
	rc = ec2_snapshots(client, &which, &list, e);
	*ret = volumes_json(&list);
	return rc;
}

static int volume_delete(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	(void)ret;
	return ec2_volume_delete(client, argv[0], service_deadline(), e);
}

static int spots(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct ec2_spots list;
	int rc = ec2_spots(client, (const char *const *)argv, service_deadline(), &list, e);

	*ret = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(
			*ret, json_pack("{s:s, s:s, s:I, s:I}", "type", list.item[i].type, "zone",
				      list.item[i].zone, "price", (json_int_t)list.item[i].price,
				      "since", (json_int_t)list.item[i].since));
	free(list.item);
	return rc;
}

static json_t *types_json(const struct ec2_types *list)
{
	json_t *j = json_array();

	for (size_t i = 0; i < list->n; i++) {
		const struct ec2_type *t = &list->item[i];

		json_array_append_new(
			j, json_pack("{s:s, s:I, s:I, s:I, s:b, s:b, s:b, s:b, s:b, s:b}", "name",
				   t->name, "vcpus", (json_int_t)t->vcpus, "cores",
				   (json_int_t)t->cores, "memory", (json_int_t)t->memory, "x86_64",
				   t->x86_64, "arm64", t->arm64, "current", t->current, "metal",
				   t->bare_metal, "burstable", t->burstable, "spot", t->spot));
	}
	return j;
}

static int types(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	const struct ec2_select which = {
		.ids = (const char *const *)argv, .deadline = service_deadline()};
	struct ec2_types list;
	int rc = ec2_types(client, &which, &list, e);

	*ret = types_json(&list);
	free(list.item);
	return rc;
}

static int types_by(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct service_choice c;
	struct ec2_types list;
	int rc = ec2_types(client, service_choose(&c, argv), &list, e);

	*ret = types_json(&list);
	free(list.item);
	return rc;
}

static int offerings(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct ec2_offerings list;
	int rc = ec2_offerings(client, (const char *const *)argv, service_deadline(), &list, e);

	*ret = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(
			*ret, json_pack("[s, s]", list.item[i].type, list.item[i].zone));
	free(list.item);
	return rc;
}

const struct service_command service_ec2[] = {
	{"zones", 0, zones},
	{"vpcs", 0, vpcs},
	{"subnets", 0, subnets},
	{"groups", 0, groups},
	{"group-create", 2, group_create},
	{"group-allow", 2, group_allow},
	{"group-revoke", 2, group_revoke},
	{"group-delete", 1, group_delete},
	{"run", 5, run},
	{"instances", 0, instances},
	{"instances-of", 1, instances_of},
	{"terminate", 1, terminate},
	{"tag", 3, tag},
	{"volumes", 0, volumes},
	{"volume-delete", 1, volume_delete},
	{"snapshots", 0, snapshots},
	{"spots", 1, spots},
	{"types", 1, types},
	{"types-by", 2, types_by},
	{"offerings", 1, offerings},
	{NULL, 0, NULL},
};
