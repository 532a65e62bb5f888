/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ec2_image_make.h"

int ec2_image_create(struct call_client *client, const struct ec2_image_create *i,
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	auto_query struct query q;

	query_start(&q, ENDPOINT_EC2, "CreateImage", i->deadline, true);
	q.call.names_new = true;
	query_add(&q, "InstanceId", i->instance);
	query_add(&q, "Name", i->name);
	query_add(&q, "Description", i->description);
	query_add_flag(&q, "NoReboot", true);
	for (size_t d = 0; d < i->n_devices; d++)
		ec2_device_add(&q, d + 1, &i->device[d]);
	ec2_tags_add(&q, 1, "image", &i->tags);
	ec2_tags_add(&q, i->tags.n ? 2 : 1, "snapshot", &i->snapshot_tags);
	return ec2_new_id(client, &q, "imageId", ret_id, e);
}

int ec2_image_register(struct call_client *client, const struct ec2_image_register *i,
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	auto_query struct query q;

	query_start(&q, ENDPOINT_EC2, "RegisterImage", i->deadline, true);
	q.call.names_new = true;
	query_add(&q, "Name", i->name);
	query_add(&q, "Description", i->description);
	query_add(&q, "Architecture", i->arch);
	query_add(&q, "VirtualizationType", "hvm");
	query_add(&q, "RootDeviceName", i->device.name);
	ec2_device_add(&q, 1, &i->device);
	query_add_flag(&q, "EnaSupport", true);
	query_add(&q, "SriovNetSupport", i->sriov ? "simple" : NULL);
	query_add(&q, "BootMode", i->boot_mode);
	query_add(&q, "ImdsSupport", i->imds_v2 ? "v2.0" : NULL);
	ec2_tags_add(&q, 1, "image", &i->tags);
	return ec2_new_id(client, &q, "imageId", ret_id, e);
}

int ec2_image_copy(struct call_client *client, const struct ec2_image_copy *i,
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	auto_query struct query q;

	query_start(&q, ENDPOINT_EC2, "CopyImage", i->deadline, true);
	query_add(&q, "ClientToken", i->token);
	query_add(&q, "SourceImageId", i->image);
	query_add(&q, "SourceRegion", i->region);
	query_add(&q, "Name", i->name);
	query_add(&q, "Description", i->description);
	query_add(&q, "Encrypted", i->encrypt ? "true" : NULL);
	query_add(&q, "KmsKeyId", i->encrypt && i->kms_key && *i->kms_key ? i->kms_key : NULL);
	ec2_tags_add(&q, 1, "image", &i->tags);
	ec2_tags_add(&q, i->tags.n ? 2 : 1, "snapshot", &i->snapshot_tags);
	return ec2_new_id(client, &q, "imageId", ret_id, e);
}
