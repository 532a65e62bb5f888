/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ec2_volume.h"

#include "common/num.h"
#include "controller/aws/field.h"
#include "controller/aws/list.h"

#include <stdlib.h>
#include <string.h>

static int take(struct ec2_volumes *list, const struct _xmlNode *item, const struct field *fields,
	size_t n, struct err *e)
{
	struct ec2_volume *v = list_add(list, e);
	int rc = v ? field_take(item, fields, n, v, e) : -e->num;

	if (rc < 0)
		return rc;
	v->bytes = v->bytes < UINT64_MAX / GIB ? v->bytes * GIB : UINT64_MAX;
	return ec2_tags_take(item, &v->tags, e);
}

static int take_volume(void *ctx, const struct _xmlNode *item, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_volume, id, FIELD_TEXT, "volumeId", true),
		FIELD(struct ec2_volume, state, FIELD_TEXT, "status", true),
		FIELD(struct ec2_volume, kind, FIELD_TEXT, "volumeType", false),
		FIELD(struct ec2_volume, zone, FIELD_TEXT, "availabilityZone", false),
		FIELD(struct ec2_volume, instance, FIELD_TEXT, "attachmentSet/item/instanceId",
			false),
		FIELD(struct ec2_volume, bytes, FIELD_NUMBER, "size", false),
		FIELD(struct ec2_volume, created, FIELD_DATE, "createTime", false),
	};

	return take(ctx, item, fields, ARRAY_LEN(fields), e);
}

int ec2_volumes(struct call_client *client, const struct ec2_select *which, struct ec2_volumes *ret,
	struct err *e)
{
	const struct query_pages pages = {"volumeSet", take_volume, ret};
	auto_query struct query q;

	*ret = (struct ec2_volumes){0};
	query_start(&q, ENDPOINT_EC2, "DescribeVolumes", which->deadline, false);
	ec2_select_add(&q, which, "VolumeId", NULL);
	return query_list(client, &q, &pages, e);
}

static int take_snapshot(void *ctx, const struct _xmlNode *item, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_volume, id, FIELD_TEXT, "snapshotId", true),
		FIELD(struct ec2_volume, state, FIELD_TEXT, "status", true),
		FIELD(struct ec2_volume, progress, FIELD_TEXT, "progress", false),
		FIELD(struct ec2_volume, bytes, FIELD_NUMBER, "volumeSize", false),
		FIELD(struct ec2_volume, created, FIELD_DATE, "startTime", false),
	};

	return take(ctx, item, fields, ARRAY_LEN(fields), e);
}

int ec2_snapshots(struct call_client *client, const struct ec2_select *which,
	struct ec2_volumes *ret, struct err *e)
{
	const struct query_pages pages = {"snapshotSet", take_snapshot, ret};
	auto_query struct query q;

	*ret = (struct ec2_volumes){0};
	query_start(&q, ENDPOINT_EC2, "DescribeSnapshots", which->deadline, false);
	ec2_select_add(&q, which, "SnapshotId", "Owner");
	return query_list(client, &q, &pages, e);
}

void ec2_volumes_free(struct ec2_volumes *list)
{
	for (size_t i = 0; i < list->n; i++)
		ec2_tags_free(&list->item[i].tags);
	free(list->item);
	*list = (struct ec2_volumes){0};
}

int ec2_snapshot_create(struct call_client *client, const struct ec2_snapshot_create *s,
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	auto_query struct query q;

	query_start(&q, ENDPOINT_EC2, "CreateSnapshot", s->deadline, true);
	q.call.names_new = true;
	q.call.once = true;
	query_add(&q, "VolumeId", s->volume);
	query_add(&q, "Description", s->description);
	ec2_tags_add(&q, 1, "snapshot", &s->tags);
	return ec2_new_id(client, &q, "snapshotId", ret_id, e);
}

int ec2_volume_delete(struct call_client *client, const char *id, uint64_t deadline, struct err *e)
{
	static const char *const gone[] = {"InvalidVolume.NotFound", NULL};
	auto_query struct query q;

	query_start(&q, ENDPOINT_EC2, "DeleteVolume", deadline, true);
	query_add(&q, "VolumeId", id);
	return query_do(client, &q, gone, e);
}
