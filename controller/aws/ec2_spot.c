/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ec2_spot.h"

#include "common/date.h"
#include "controller/aws/field.h"
#include "controller/aws/list.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 1000

static int take_spot(void *ctx, const struct _xmlNode *item, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_spot, type, FIELD_TEXT, "instanceType", true),
		FIELD(struct ec2_spot, zone, FIELD_TEXT, "availabilityZone", true),
		FIELD(struct ec2_spot, price, FIELD_MONEY, "spotPrice", true),
		FIELD(struct ec2_spot, since, FIELD_DATE, "timestamp", true),
	};
	struct ec2_spots *list = ctx;
	struct ec2_spot *s = list_add(list, e);

	return s ? field_take(item, fields, ARRAY_LEN(fields), s, e) : -e->num;
}

static int place(const struct ec2_spot *a, const struct ec2_spot *b)
{
	int order = strcmp(a->type, b->type);

	return order ? order : strcmp(a->zone, b->zone);
}

/* By type and zone, the newest first. */
static int compare(const void *a, const void *b)
{
	const struct ec2_spot *one = a, *other = b;
	int order = place(one, other);

	return order ? order : (one->since < other->since) - (one->since > other->since);
}

static void keep_newest(struct ec2_spots *list)
{
	size_t kept = 0;

	if (list->n > 0)
		qsort(list->item, list->n, sizeof(*list->item), compare);
	for (size_t i = 0; i < list->n; i++) {
		if (kept == 0 || place(&list->item[kept - 1], &list->item[i]) != 0)
			list->item[kept++] = list->item[i];
	}
	list->n = kept;
}

int ec2_spots(struct call_client *client, const char *const *types, uint64_t deadline,
	struct ec2_spots *ret, struct err *e)
{
	const struct query_pages pages = {"spotPriceHistorySet", take_spot, ret};
	auto_query struct query q;
	char now[DATE_TEXT];
	int rc;

	*ret = (struct ec2_spots){0};
	query_start(&q, ENDPOINT_EC2, "DescribeSpotPriceHistory", deadline, false);
	query_add_list(&q, "InstanceType", types);
	query_add(&q, "ProductDescription.1", "Linux/UNIX");
	/* Those in force then, not how they came to be. */
	query_add(&q, "StartTime", date_text(date_now() + client->skew, now));
	query_add_number(&q, "MaxResults", PAGE);
	rc = query_list(client, &q, &pages, e);
	if (rc == 0)
		keep_newest(ret);
	return rc;
}
