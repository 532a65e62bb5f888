/* SPDX-License-Identifier: Apache-2.0 */
#include "common/auto.h"
#include "controller/account/resource.h"
#include "controller/aws/ec2_spot.h"
#include "controller/aws/pricing.h"

#include <stdlib.h>
#include <string.h>

#define TYPES_MAX 100

/* The types of all instances, each once; ends with NULL. */
static size_t collect(const struct resources *r, const char **types)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n && n < TYPES_MAX; i++) {
		size_t k = 0;

		if (!*r->item[i].type)
			continue;
		while (k < n && strcmp(types[k], r->item[i].type) != 0)
			k++;
		if (k == n)
			types[n++] = r->item[i].type;
	}
	types[n] = NULL;
	return n;
}

static void set_spot(struct resources *r, const struct ec2_spots *spots)
{
	for (size_t i = 0; i < r->n; i++) {
		struct resource *m = &r->item[i];

		for (size_t k = 0; m->spot && k < spots->n; k++) {
			if (strcmp(m->type, spots->item[k].type) != 0 ||
				strcmp(m->zone, spots->item[k].zone) != 0)
				continue;
			m->hourly = spots->item[k].price;
			m->priced = true;
		}
	}
}

static void set_on_demand(struct resources *r, const char *type, uint64_t price)
{
	for (size_t i = 0; i < r->n; i++) {
		struct resource *m = &r->item[i];

		if (m->spot || strcmp(m->type, type) != 0)
			continue;
		m->hourly = price;
		m->priced = true;
	}
}

static bool has_on_demand(const struct resources *r, const char *type)
{
	for (size_t i = 0; i < r->n; i++) {
		if (!r->item[i].spot && strcmp(r->item[i].type, type) == 0)
			return true;
	}
	return false;
}

int resources_price(struct call_client *c, struct resources *r, uint64_t deadline, struct err *e)
{
	const char *types[TYPES_MAX + 1];
	struct ec2_spots spots = {0};
	size_t n = collect(r, types);
	int rc = n ? ec2_spots(c, types, deadline, &spots, e) : 0;

	set_spot(r, &spots);
	free(spots.item);
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct err unknown = ERR_INIT;
		uint64_t price;

		if (has_on_demand(r, types[i]) &&
			pricing_on_demand(c, types[i], deadline, &price, &unknown) == 0)
			set_on_demand(r, types[i], price);
	}
	return rc;
}
