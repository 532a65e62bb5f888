/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ec2_network.h"

#include "controller/aws/field.h"
#include "controller/aws/list.h"

#include <string.h>

static bool says_available(const struct _xmlNode *item, const char *name)
{
	const char *state = field_text(item, name);

	return state && strcmp(state, "available") == 0;
}

static int take_zone(void *ctx, const struct _xmlNode *item, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_zone, name, FIELD_TEXT, "zoneName", true),
		FIELD(struct ec2_zone, id, FIELD_TEXT, "zoneId", false),
		FIELD(struct ec2_zone, type, FIELD_TEXT, "zoneType", false),
	};
	struct ec2_zones *list = ctx;
	struct ec2_zone *z = list_add(list, e);

	if (!z)
		return -e->num;
	z->available = says_available(item, "zoneState");
	return field_take(item, fields, ARRAY_LEN(fields), z, e);
}

int ec2_zones(struct call_client *client, uint64_t deadline, struct ec2_zones *ret, struct err *e)
{
	const struct query_pages pages = {"availabilityZoneInfo", take_zone, ret};
	auto_query struct query q;

	*ret = (struct ec2_zones){0};
	query_start(&q, ENDPOINT_EC2, "DescribeAvailabilityZones", deadline, false);
	return query_list(client, &q, &pages, e);
}

static int take_vpc(void *ctx, const struct _xmlNode *item, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_vpc, id, FIELD_TEXT, "vpcId", true),
		FIELD(struct ec2_vpc, cidr, FIELD_TEXT, "cidrBlock", false),
		FIELD(struct ec2_vpc, is_default, FIELD_BOOL, "isDefault", false),
	};
	struct ec2_vpcs *list = ctx;
	struct ec2_vpc *v = list_add(list, e);

	return v ? field_take(item, fields, ARRAY_LEN(fields), v, e) : -e->num;
}

int ec2_vpcs(struct call_client *client, const struct ec2_select *which, struct ec2_vpcs *ret,
	struct err *e)
{
	const struct query_pages pages = {"vpcSet", take_vpc, ret};
	auto_query struct query q;

	*ret = (struct ec2_vpcs){0};
	query_start(&q, ENDPOINT_EC2, "DescribeVpcs", which->deadline, false);
	ec2_select_add(&q, which, "VpcId", NULL);
	return query_list(client, &q, &pages, e);
}

static int take_subnet(void *ctx, const struct _xmlNode *item, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_subnet, id, FIELD_TEXT, "subnetId", true),
		FIELD(struct ec2_subnet, vpc, FIELD_TEXT, "vpcId", true),
		FIELD(struct ec2_subnet, zone, FIELD_TEXT, "availabilityZone", true),
		FIELD(struct ec2_subnet, free, FIELD_NUMBER, "availableIpAddressCount", false),
		FIELD(struct ec2_subnet, maps_public, FIELD_BOOL, "mapPublicIpOnLaunch", false),
		FIELD(struct ec2_subnet, is_of_default, FIELD_BOOL, "defaultForAz", false),
	};
	struct ec2_subnets *list = ctx;
	struct ec2_subnet *s = list_add(list, e);

	if (!s)
		return -e->num;
	s->available = says_available(item, "state");
	return field_take(item, fields, ARRAY_LEN(fields), s, e);
}

int ec2_subnets(struct call_client *client, const struct ec2_select *which, struct ec2_subnets *ret,
	struct err *e)
{
	const struct query_pages pages = {"subnetSet", take_subnet, ret};
	auto_query struct query q;

	*ret = (struct ec2_subnets){0};
	query_start(&q, ENDPOINT_EC2, "DescribeSubnets", which->deadline, false);
	ec2_select_add(&q, which, "SubnetId", NULL);
	return query_list(client, &q, &pages, e);
}
