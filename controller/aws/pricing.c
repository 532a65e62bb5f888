/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/pricing.h"

#include "controller/aws/json_call.h"
#include "controller/money.h"

#include <errno.h>
#include <string.h>

/* Where the list is to be had: one region of each partition. */
static const char *home_of(const char *region)
{
	return strncmp(region, "cn-", strlen("cn-")) == 0 ? "cn-northwest-1" : "us-east-1";
}

/* terms.OnDemand.X.priceDimensions.Y, the one that counts hours. */
static const json_t *find_dimension(const json_t *product)
{
	const json_t *terms = json_object_get(json_object_get(product, "terms"), "OnDemand");
	const char *name, *inner;
	json_t *term, *dimension;

	json_object_foreach((json_t *)terms, name, term)
	{
		json_object_foreach(json_object_get(term, "priceDimensions"), inner, dimension)
		{
			const char *unit = json_string_value(json_object_get(dimension, "unit"));

			if (unit && strcmp(unit, "Hrs") == 0)
				return dimension;
		}
	}
	return NULL;
}

int pricing_read(const char *text, uint64_t *ret, struct err *e)
{
	auto_json json_t *product = NULL;
	const json_t *dimension;
	const char *price;
	int rc = json_parse(text, strlen(text), "a product of the price list", &product, e);

	if (rc < 0)
		return rc;
	dimension = find_dimension(product);
	price = json_string_value(
		json_object_get(json_object_get(dimension, "pricePerUnit"), "USD"));
	if (!price)
		return err_set(e, ERR_DATA, EPROTO,
			"a product of the price list has no price for an hour in US dollars");
	rc = money_parse(price, ret, e);
	return rc < 0 ? err_ctx(e, "a product of the price list") : 0;
}

/* A product at 0 is one that is paid otherwise. */
static int take_page(void *ctx, const json_t *answer, struct err *e)
{
	uint64_t *best = ctx;
	const json_t *text;
	size_t i;

	json_array_foreach(json_object_get(answer, "PriceList"), i, text)
	{
		uint64_t price;
		int rc = json_is_string(text)
				 ? pricing_read(json_string_value(text), &price, e)
				 : err_set(e, ERR_DATA, EPROTO, "the price list has no texts");

		if (rc < 0)
			return rc;
		if (price > 0 && (*best == 0 || price < *best))
			*best = price;
	}
	return 0;
}

static json_t *make_filters(const char *type, const char *region)
{
	const char *const fields[][2] = {{"instanceType", type}, {"regionCode", region},
		{"operatingSystem", "Linux"}, {"tenancy", "Shared"}, {"preInstalledSw", "NA"},
		{"capacitystatus", "Used"}};
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (json_array_append_new(
			    list, json_pack("{s:s, s:s, s:s}", "Type", "TERM_MATCH", "Field",
					  fields[i][0], "Value", fields[i][1])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return json_pack("{s:s, s:o, s:s, s:i}", "ServiceCode", "AmazonEC2", "Filters", list,
		"FormatVersion", "aws_v1", "MaxResults", 100);
}

int pricing_on_demand(struct call_client *client, const char *type, uint64_t deadline,
	uint64_t *ret, struct err *e)
{
	const struct json_call c = {.service = ENDPOINT_PRICING,
		.target = "AWSPriceListService.GetProducts",
		.deadline = deadline};
	const char *region = client->region;
	uint64_t best = 0;
	const struct json_pages pages = {take_page, &best};
	int rc;

	client->region = home_of(region);
	rc = json_call_pages(client, &c, make_filters(type, region), &pages, e);
	client->region = region;
	if (rc < 0)
		return err_ctx(e, "price of '%.64s'", type);
	if (best == 0)
		return err_set(e, ERR_REMOTE, ENOENT,
			"the price list has no '%.64s' on demand in %s", type, region);
	*ret = best;
	return 0;
}
