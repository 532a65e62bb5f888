/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ec2_type.h"

#include "common/num.h"
#include "controller/aws/field.h"
#include "controller/aws/list.h"
#include "controller/aws/xml.h"

#include <string.h>

/* Is one of the <item>s of a set this text? */
static bool set_has(const struct _xmlNode *item, const char *path, const char *text)
{
	const struct _xmlNode *set = field_node(item, path);

	for (const struct _xmlNode *i = set ? xml_child(set, "item") : NULL; i;
		i = xml_next(i, "item")) {
		if (strcmp(xml_own_text(i), text) == 0)
			return true;
	}
	return false;
}

static int take_type(void *ctx, const struct _xmlNode *item, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_type, name, FIELD_TEXT, "instanceType", true),
		FIELD(struct ec2_type, vcpus, FIELD_NUMBER, "vCpuInfo/defaultVCpus", true),
		FIELD(struct ec2_type, cores, FIELD_NUMBER, "vCpuInfo/defaultCores", false),
		FIELD(struct ec2_type, memory, FIELD_NUMBER, "memoryInfo/sizeInMiB", true),
		FIELD(struct ec2_type, current, FIELD_BOOL, "currentGeneration", false),
		FIELD(struct ec2_type, bare_metal, FIELD_BOOL, "bareMetal", false),
		FIELD(struct ec2_type, burstable, FIELD_BOOL, "burstablePerformanceSupported",
			false),
	};
	static const char architectures[] = "processorInfo/supportedArchitectures";
	struct ec2_types *list = ctx;
	struct ec2_type *t = list_add(list, e);
	int rc = t ? field_take(item, fields, ARRAY_LEN(fields), t, e) : -e->num;

	if (rc < 0)
		return rc;
	t->memory = t->memory < UINT64_MAX / MIB ? t->memory * MIB : UINT64_MAX;
	t->x86_64 = set_has(item, architectures, "x86_64");
	t->arm64 = set_has(item, architectures, "arm64");
	t->spot = set_has(item, "supportedUsageClasses", "spot");
	return 0;
}

int ec2_types(struct call_client *client, const struct ec2_select *which, struct ec2_types *ret,
	struct err *e)
{
	const struct query_pages pages = {"instanceTypeSet", take_type, ret};
	auto_query struct query q;

	*ret = (struct ec2_types){0};
	query_start(&q, ENDPOINT_EC2, "DescribeInstanceTypes", which->deadline, false);
	ec2_select_add(&q, which, "InstanceType", NULL);
	return query_list(client, &q, &pages, e);
}

static int take_offering(void *ctx, const struct _xmlNode *item, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_offering, type, FIELD_TEXT, "instanceType", true),
		FIELD(struct ec2_offering, zone, FIELD_TEXT, "location", true),
	};
	struct ec2_offerings *list = ctx;
	struct ec2_offering *o = list_add(list, e);

	return o ? field_take(item, fields, ARRAY_LEN(fields), o, e) : -e->num;
}

int ec2_offerings(struct call_client *client, const char *const *types, uint64_t deadline,
	struct ec2_offerings *ret, struct err *e)
{
	const struct query_pages pages = {"instanceTypeOfferingSet", take_offering, ret};
	const struct ec2_filter filter = {"instance-type", types};
	const struct ec2_select which = {.filters = &filter, .n_filters = 1};
	auto_query struct query q;

	*ret = (struct ec2_offerings){0};
	query_start(&q, ENDPOINT_EC2, "DescribeInstanceTypeOfferings", deadline, false);
	query_add(&q, "LocationType", "availability-zone");
	ec2_select_add(&q, &which, "", NULL);
	return query_list(client, &q, &pages, e);
}
