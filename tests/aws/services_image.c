/* SPDX-License-Identifier: Apache-2.0 */
#include "common/num.h"
#include "controller/aws/autoscaling.h"
#include "controller/aws/batch.h"
#include "controller/aws/ec2_image_make.h"
#include "controller/aws/ec2_volume.h"
#include "controller/aws/ssm.h"
#include "controller/image/image_use.h"
#include "tests/aws/services.h"

#include <string.h>

static json_t *image_json(const struct ec2_image *i)
{
	json_t *j = json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:b, s:I, s:o, s:[]}",
		"id", i->id, "name", i->name, "owner", i->owner, "alias", i->owner_alias, "created",
		(json_int_t)i->created, "arch", i->arch, "state", i->state, "root", i->root,
		"description", i->description, "imds", i->imds, "boot", i->boot_mode, "ena", i->ena,
		"sriov", i->sriov, "platform", i->platform, "codes", i->has_product_codes,
		"deprecated", (json_int_t)i->deprecated, "tags", service_tags(&i->tags), "devices");

	for (size_t d = 0; d < i->n; d++)
		json_array_append_new(json_object_get(j, "devices"),
			json_pack("{s:s, s:s, s:I, s:s, s:b}", "name", i->item[d].name, "snapshot",
				i->item[d].snapshot, "bytes", (json_int_t)i->item[d].bytes, "type",
				i->item[d].type, "encrypted", i->item[d].encrypted));
	return j;
}

/* OWNER [FILTER VALUE] */
static int images(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	const char *owners[] = {argv[0], NULL};
	struct service_choice c;
	struct ec2_select which = *service_choose(&c, argv + 1);
	auto_ec2_images struct ec2_images list = {0};
	int rc;

	which.owners = owners;
	rc = ec2_images(client, &which, &list, e);
	*ret = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(*ret, image_json(&list.item[i]));
	return rc;
}

static int deregister(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	(void)ret;
	return ec2_image_deregister(client, argv[0], service_deadline(), e);
}

static int snapshot_delete(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	(void)ret;
	return ec2_snapshot_delete(client, argv[0], service_deadline(), e);
}

static struct ec2_tag image_tag = {"shared-prep:token", "i"};
static struct ec2_tag snapshot_tag = {"shared-prep:token", "s"};

static int say_id(int rc, const char *id, json_t **ret)
{
	if (rc == 0)
		*ret = json_pack("{s:s}", "id", id);
	return rc;
}

/* INSTANCE NAME [DEVICE] */
static int create(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	const struct ec2_device_new device = {
		.name = argv[2], .bytes = 12 * GIB, .type = "gp3", .iops = 3500, .throughput = 200};
	char id[EC2_ID_MAX];
	int rc = ec2_image_create(client,
		&(struct ec2_image_create){
			.instance = argv[0],
			.name = argv[1],
			.description = "of a test",
			.device = &device,
			.n_devices = argv[2] ? 1 : 0,
			.tags = {&image_tag, 1},
			.snapshot_tags = {&snapshot_tag, argv[2] ? 1 : 0},
			.deadline = service_deadline(),
		},
		id, e);

	return say_id(rc, id, ret);
}

/* SNAPSHOT NAME ARCH [BOOT-MODE] */
static int register_(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	char id[EC2_ID_MAX];
	int rc = ec2_image_register(client,
		&(struct ec2_image_register){
			.name = argv[1],
			.arch = argv[2],
			.boot_mode = argv[3],
			.imds_v2 = argv[3] != NULL,
			.sriov = argv[3] != NULL,
			.device = {.name = "/dev/xvda",
				.snapshot = argv[0],
				.bytes = 10 * GIB,
				.type = "gp3",
				.iops = 3000,
				.throughput = 125},
			.tags = {&image_tag, 1},
			.deadline = service_deadline(),
		},
		id, e);

	return say_id(rc, id, ret);
}

/* IMAGE REGION NAME TOKEN [KMS-KEY] */
static int copy(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	char id[EC2_ID_MAX];
	int rc = ec2_image_copy(client,
		&(struct ec2_image_copy){
			.token = argv[3],
			.image = argv[0],
			.region = argv[1],
			.name = argv[2],
			.encrypt = argv[4] != NULL,
			.kms_key = argv[4],
			.tags = {&image_tag, 1},
			.snapshot_tags = {&snapshot_tag, 1},
			.deadline = service_deadline(),
		},
		id, e);

	return say_id(rc, id, ret);
}

/* VOLUME */
static int snapshot(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	char id[EC2_ID_MAX];
	int rc = ec2_snapshot_create(client,
		&(struct ec2_snapshot_create){
			.volume = argv[0],
			.description = "of a test",
			.tags = {&snapshot_tag, 1},
			.deadline = service_deadline(),
		},
		id, e);

	return say_id(rc, id, ret);
}

static int share(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	const char *const *accounts = (const char *const *)argv + 1;

	(void)ret;
	return strncmp(argv[0], "ami-", 4) == 0
		       ? ec2_image_share(client, argv[0], accounts, service_deadline(), e)
		       : ec2_snapshot_share(client, argv[0], accounts, service_deadline(), e);
}

/* IMAGE SECONDS */
static int deprecate(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	uint64_t when;
	int rc = num_u64(argv[1], 0, INT64_MAX, &when, e);

	(void)ret;
	return rc < 0 ? rc
		      : ec2_image_deprecate(client, argv[0], (int64_t)when, service_deadline(), e);
}

/* ID KEY… */
static int untag(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	const char *const ids[] = {argv[0], NULL};

	(void)ret;
	return ec2_tags_delete(client, ids, (const char *const *)argv + 1, service_deadline(), e);
}

/* [NAME VERSION] */
static int templates(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct ec2_template_ref of = {.id = ""};
	struct ec2_templates list;
	int rc;

	if (argv[0]) {
		snprintf(of.name, sizeof(of.name), "%s", argv[0]);
		snprintf(of.version, sizeof(of.version), "%s", argv[1]);
	}
	rc = ec2_templates(client, argv[0] ? &of : NULL, service_deadline(), &list, e);
	*ret = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(
			*ret, json_pack("[s, s, I, s]", list.item[i].id, list.item[i].name,
				      (json_int_t)list.item[i].version, list.item[i].image));
	free(list.item);
	return rc;
}

static json_t *way(const char *name, const struct ec2_template_ref *of, const char *image)
{
	return json_pack("[s, s, s, s, s]", name, of->id, of->name, of->version, image);
}

static int scaling(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct autoscaling_uses list;
	int rc = autoscaling_uses(client, service_deadline(), &list, e);

	(void)argv;
	*ret = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(
			*ret, way(*list.item[i].configuration ? list.item[i].configuration
							      : list.item[i].group,
				      &list.item[i].of, list.item[i].image));
	free(list.item);
	return rc;
}

static int configurations(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct autoscaling_configurations list;
	int rc = autoscaling_configurations(client, service_deadline(), &list, e);

	(void)argv;
	*ret = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(
			*ret, json_pack("[s, s]", list.item[i].name, list.item[i].image));
	free(list.item);
	return rc;
}

static int environments(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct batch_uses list;
	int rc = batch_uses(client, service_deadline(), &list, e);

	(void)argv;
	*ret = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(
			*ret, way(list.item[i].environment, &list.item[i].of, list.item[i].image));
	free(list.item);
	return rc;
}

/* PARAMETER IMAGE… */
static int users(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	struct image_uses list;
	int rc = image_uses(client,
		&(struct image_use_question){
			.images = (const char *const *)argv + 1,
			.parameter = argv[0],
			.deadline = service_deadline(),
		},
		&list, e);

	*ret = json_array();
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(
			*ret, json_pack("[s, s]", list.item[i].image, list.item[i].user));
	free(list.item);
	return rc;
}

/* NAME VALUE [DESCRIPTION] */
static int parameter_put(struct call_client *client, char **argv, json_t **ret, struct err *e)
{
	(void)ret;
	return ssm_parameter_put(client,
		&(struct ssm_put){
			.name = argv[0],
			.value = argv[1],
			.description = argv[2],
			.image = strncmp(argv[1], "ami-", 4) == 0,
			.deadline = service_deadline(),
		},
		e);
}

const struct service_command service_image[] = {
	{"images", 1, images},
	{"deregister", 1, deregister},
	{"image-create", 2, create},
	{"image-register", 3, register_},
	{"image-copy", 4, copy},
	{"image-deprecate", 2, deprecate},
	{"share", 2, share},
	{"snapshot", 1, snapshot},
	{"snapshot-delete", 1, snapshot_delete},
	{"untag", 2, untag},
	{"templates", 0, templates},
	{"scaling", 0, scaling},
	{"configurations", 0, configurations},
	{"environments", 0, environments},
	{"users", 2, users},
	{"parameter-put", 2, parameter_put},
	{NULL, 0, NULL},
};
