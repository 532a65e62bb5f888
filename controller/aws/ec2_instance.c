/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ec2_instance.h"

#include "controller/aws/field.h"
#include "controller/aws/list.h"
#include "controller/aws/xml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 1000 /* instances, the most there may be in one */

static const char *const states[] = {
	[EC2_PENDING] = "pending",
	[EC2_RUNNING] = "running",
	[EC2_STOPPING] = "stopping",
	[EC2_STOPPED] = "stopped",
	[EC2_SHUTTING_DOWN] = "shutting-down",
	[EC2_TERMINATED] = "terminated",
};

const char *ec2_state_name(enum ec2_state s)
{
	return states[s];
}

static int take_state(const struct _xmlNode *item, enum ec2_state *ret, struct err *e)
{
	const char *name = field_text(item, "instanceState/name");

	for (size_t i = 0; name && i < ARRAY_LEN(states); i++) {
		if (strcmp(name, states[i]) == 0) {
			*ret = (enum ec2_state)i;
			return 0;
		}
	}
	return err_set(e, ERR_DATA, EPROTO, "the answer has an instance in state '%.30s'",
		name ? name : "");
}

/* Of the root, among those of the instance. */
static int take_volume(const struct _xmlNode *item, struct ec2_instance *ret, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_instance, volume, FIELD_TEXT, "ebs/volumeId", false),
	};
	const struct _xmlNode *set = xml_child(item, "blockDeviceMapping");

	for (const struct _xmlNode *d = set ? xml_child(set, "item") : NULL; d;
		d = xml_next(d, "item")) {
		const char *name = xml_text(d, "deviceName");

		if (name && strcmp(name, ret->root) == 0)
			return field_take(d, fields, ARRAY_LEN(fields), ret, e);
	}
	return 0;
}

int ec2_instance_take(const struct _xmlNode *item, struct ec2_instance *ret, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_instance, id, FIELD_TEXT, "instanceId", true),
		FIELD(struct ec2_instance, type, FIELD_TEXT, "instanceType", true),
		FIELD(struct ec2_instance, zone, FIELD_TEXT, "placement/availabilityZone", false),
		FIELD(struct ec2_instance, image, FIELD_TEXT, "imageId", false),
		FIELD(struct ec2_instance, subnet, FIELD_TEXT, "subnetId", false),
		FIELD(struct ec2_instance, private_ip, FIELD_TEXT, "privateIpAddress", false),
		FIELD(struct ec2_instance, public_ip, FIELD_TEXT, "ipAddress", false),
		FIELD(struct ec2_instance, ipv6, FIELD_TEXT, "ipv6Address", false),
		FIELD(struct ec2_instance, root, FIELD_TEXT, "rootDeviceName", false),
		FIELD(struct ec2_instance, token, FIELD_TEXT, "clientToken", false),
		FIELD(struct ec2_instance, launched, FIELD_DATE, "launchTime", false),
		FIELD(struct ec2_instance, reason, FIELD_TEXT, "stateReason/code", false),
	};
	const char *lifecycle = field_text(item, "instanceLifecycle");
	const char *ipv6 =
		field_text(item, "networkInterfaceSet/item/ipv6AddressesSet/item/ipv6Address");
	int rc = field_take(item, fields, ARRAY_LEN(fields), ret, e);

	if (rc == 0)
		rc = take_state(item, &ret->state, e);
	if (rc == 0)
		rc = take_volume(item, ret, e);
	ret->spot = lifecycle && strcmp(lifecycle, "spot") == 0;
	if (ipv6 && strlen(ipv6) < sizeof(ret->ipv6) && !*ret->ipv6)
		memcpy(ret->ipv6, ipv6, strlen(ipv6) + 1);
	return rc == 0 ? ec2_tags_take(item, &ret->tags, e) : rc;
}

static int take_reservation(void *ctx, const struct _xmlNode *item, struct err *e)
{
	const struct _xmlNode *set = xml_child(item, "instancesSet");
	struct ec2_instances *list = ctx;
	int rc = 0;

	for (const struct _xmlNode *i = set ? xml_child(set, "item") : NULL; rc == 0 && i;
		i = xml_next(i, "item")) {
		struct ec2_instance *one = list_add(list, e);

		rc = one ? ec2_instance_take(i, one, e) : -e->num;
	}
	return rc;
}

int ec2_instances(struct call_client *client, const struct ec2_select *which,
	struct ec2_instances *ret, struct err *e)
{
	const struct query_pages pages = {"reservationSet", take_reservation, ret};
	auto_query struct query q;

	*ret = (struct ec2_instances){0};
	query_start(&q, ENDPOINT_EC2, "DescribeInstances", which->deadline, false);
	ec2_select_add(&q, which, "InstanceId", NULL);
	/* The two exclude each other. */
	if (!which->ids)
		query_add_number(&q, "MaxResults", PAGE);
	return query_list(client, &q, &pages, e);
}

void ec2_instances_free(struct ec2_instances *list)
{
	for (size_t i = 0; i < list->n; i++)
		ec2_tags_free(&list->item[i].tags);
	free(list->item);
	*list = (struct ec2_instances){0};
}

int ec2_terminate(
	struct call_client *client, const char *const *ids, uint64_t deadline, struct err *e)
{
	auto_query struct query q;

	query_start(&q, ENDPOINT_EC2, "TerminateInstances", deadline, true);
	q.call.names_new = true;
	query_add_list(&q, "InstanceId", ids);
	return query_do(client, &q, NULL, e);
}
