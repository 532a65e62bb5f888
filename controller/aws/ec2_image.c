/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ec2_image.h"

#include "common/date.h"
#include "common/num.h"
#include "controller/aws/field.h"
#include "controller/aws/list.h"
#include "controller/aws/xml.h"

#include <stdlib.h>
#include <string.h>

static int take_device(const struct _xmlNode *item, struct ec2_image *image, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_device, name, FIELD_TEXT, "deviceName", true),
		FIELD(struct ec2_device, snapshot, FIELD_TEXT, "ebs/snapshotId", false),
		FIELD(struct ec2_device, bytes, FIELD_NUMBER, "ebs/volumeSize", false),
		FIELD(struct ec2_device, type, FIELD_TEXT, "ebs/volumeType", false),
		FIELD(struct ec2_device, encrypted, FIELD_BOOL, "ebs/encrypted", false),
	};
	struct ec2_device *d = list_add(image, e);
	int rc = d ? field_take(item, fields, ARRAY_LEN(fields), d, e) : -e->num;

	if (rc == 0)
		d->bytes = d->bytes < UINT64_MAX / GIB ? d->bytes * GIB : UINT64_MAX;
	return rc;
}

static int take_image(void *ctx, const struct _xmlNode *item, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_image, id, FIELD_TEXT, "imageId", true),
		FIELD(struct ec2_image, name, FIELD_TEXT, "name", false),
		FIELD(struct ec2_image, owner, FIELD_TEXT, "imageOwnerId", false),
		FIELD(struct ec2_image, owner_alias, FIELD_TEXT, "imageOwnerAlias", false),
		FIELD(struct ec2_image, created, FIELD_DATE, "creationDate", false),
		FIELD(struct ec2_image, arch, FIELD_TEXT, "architecture", false),
		FIELD(struct ec2_image, state, FIELD_TEXT, "imageState", true),
		FIELD(struct ec2_image, reason, FIELD_TEXT, "stateReason/message", false),
		FIELD(struct ec2_image, root, FIELD_TEXT, "rootDeviceName", false),
		FIELD(struct ec2_image, description, FIELD_TEXT, "description", false),
		FIELD(struct ec2_image, imds, FIELD_TEXT, "imdsSupport", false),
		FIELD(struct ec2_image, boot_mode, FIELD_TEXT, "bootMode", false),
		FIELD(struct ec2_image, ena, FIELD_BOOL, "enaSupport", false),
		FIELD(struct ec2_image, sriov, FIELD_TEXT, "sriovNetSupport", false),
		FIELD(struct ec2_image, platform, FIELD_TEXT, "platformDetails", false),
		FIELD(struct ec2_image, deprecated, FIELD_DATE, "deprecationTime", false),
	};
	const struct _xmlNode *set = xml_child(item, "blockDeviceMapping");
	struct ec2_images *list = ctx;
	struct ec2_image *image = list_add(list, e);
	int rc = image ? field_take(item, fields, ARRAY_LEN(fields), image, e) : -e->num;

	if (rc == 0)
		image->has_product_codes = field_node(item, "productCodes/item") != NULL;
	for (const struct _xmlNode *d = set ? xml_child(set, "item") : NULL; rc == 0 && d;
		d = xml_next(d, "item"))
		rc = take_device(d, image, e);
	return rc == 0 ? ec2_tags_take(item, &image->tags, e) : rc;
}

int ec2_images(struct call_client *client, const struct ec2_select *which, struct ec2_images *ret,
	struct err *e)
{
	const struct query_pages pages = {"imagesSet", take_image, ret};
	auto_query struct query q;

	*ret = (struct ec2_images){0};
	query_start(&q, ENDPOINT_EC2, "DescribeImages", which->deadline, false);
	ec2_select_add(&q, which, "ImageId", "Owner");
	return query_list(client, &q, &pages, e);
}

void ec2_images_free(struct ec2_images *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->item[i].item);
		ec2_tags_free(&list->item[i].tags);
	}
	free(list->item);
	*list = (struct ec2_images){0};
}

const struct ec2_device *ec2_image_root(const struct ec2_image *i)
{
	for (size_t d = 0; d < i->n; d++) {
		if (strcmp(i->item[d].name, i->root) == 0)
			return &i->item[d];
	}
	return NULL;
}

struct sharing {
	const char *action, *id_name, *attribute;
	uint64_t deadline;
};

static int share(struct call_client *client, const struct sharing *s, const char *id,
	const char *const *accounts, struct err *e)
{
	auto_query struct query q;

	query_start(&q, ENDPOINT_EC2, s->action, s->deadline, true);
	query_add(&q, s->id_name, id);
	query_add(&q, "Attribute", s->attribute);
	query_add(&q, "OperationType", "add");
	query_add_list(&q, "UserId", accounts);
	return query_do(client, &q, NULL, e);
}

int ec2_image_share(struct call_client *client, const char *id, const char *const *accounts,
	uint64_t deadline, struct err *e)
{
	const struct sharing s = {"ModifyImageAttribute", "ImageId", "launchPermission", deadline};

	return share(client, &s, id, accounts, e);
}

int ec2_snapshot_share(struct call_client *client, const char *id, const char *const *accounts,
	uint64_t deadline, struct err *e)
{
	const struct sharing s = {
		"ModifySnapshotAttribute", "SnapshotId", "createVolumePermission", deadline};

	return share(client, &s, id, accounts, e);
}

int ec2_image_deprecate(
	struct call_client *client, const char *id, int64_t when, uint64_t deadline, struct err *e)
{
	auto_query struct query q;
	char text[DATE_TEXT];

	query_start(&q, ENDPOINT_EC2, "EnableImageDeprecation", deadline, true);
	query_add(&q, "ImageId", id);
	query_add(&q, "DeprecateAt", date_text(when, text));
	return query_do(client, &q, NULL, e);
}

int ec2_image_want_tokens(
	struct call_client *client, const char *id, uint64_t deadline, struct err *e)
{
	auto_query struct query q;

	query_start(&q, ENDPOINT_EC2, "ModifyImageAttribute", deadline, true);
	query_add(&q, "ImageId", id);
	query_add(&q, "ImdsSupport.Value", "v2.0");
	return query_do(client, &q, NULL, e);
}

int ec2_image_deregister(
	struct call_client *client, const char *id, uint64_t deadline, struct err *e)
{
	static const char *const gone[] = {
		"InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", NULL};
	auto_query struct query q;

	query_start(&q, ENDPOINT_EC2, "DeregisterImage", deadline, true);
	query_add(&q, "ImageId", id);
	return query_do(client, &q, gone, e);
}

int ec2_snapshot_delete(
	struct call_client *client, const char *id, uint64_t deadline, struct err *e)
{
	static const char *const gone[] = {"InvalidSnapshot.NotFound", NULL};
	auto_query struct query q;

	query_start(&q, ENDPOINT_EC2, "DeleteSnapshot", deadline, true);
	query_add(&q, "SnapshotId", id);
	return query_do(client, &q, gone, e);
}
