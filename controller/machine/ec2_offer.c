/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "controller/aws/ec2_spot.h"
#include "controller/aws/ec2_type.h"
#include "controller/aws/pricing.h"
#include "controller/machine/ec2_site.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FAMILIES_MAX 64
#define TYPES_MAX    64

/* Of all types that would do, so many of the cheapest are enough to find one that is to be had. */
#define TYPES_KEPT 10

/* A type that will do. */
struct candidate {
	char type[64];
	unsigned rank;
	bool spot;
	uint64_t least;     /* money.h, on the spot market, of all zones; 0: not known */
	uint64_t on_demand; /* money.h; 0: not known */
};

struct candidates {
	struct candidate item[TYPES_MAX];
	size_t n;
};

/* --- which types */

static bool is_smaller(const struct ec2_type *a, const struct ec2_type *b)
{
	return a->vcpus != b->vcpus ? a->vcpus < b->vcpus : a->memory < b->memory;
}

/* The smallest of a family that has the vCPUs; NULL: none. */
static const struct ec2_type *choose(
	const struct ec2_types *types, const char *family, unsigned vcpus)
{
	const struct ec2_type *best = NULL;
	char of[TARGET_NAME];

	for (size_t i = 0; i < types->n; i++) {
		const struct ec2_type *t = &types->item[i];

		target_family(t->name, of);
		if (strcmp(of, family) != 0 || t->vcpus < vcpus || t->bare_metal)
			continue;
		if (!best || is_smaller(t, best))
			best = t;
	}
	return best;
}

static void add_candidate(struct candidates *c, const struct ec2_type *t, unsigned rank)
{
	struct candidate *n;

	if (c->n == TYPES_MAX)
		return;
	n = &c->item[c->n++];
	*n = (struct candidate){.rank = rank, .spot = t->spot};
	snprintf(n->type, sizeof(n->type), "%s", t->name);
}

static int find_by_cpu(
	struct ec2_site *s, const struct target *t, struct candidates *ret, struct err *e)
{
	const char *family[FAMILIES_MAX], *values[FAMILIES_MAX + 1];
	char pattern[FAMILIES_MAX][TARGET_NAME + 2];
	size_t n = target_families(t, family, FAMILIES_MAX);
	const struct ec2_filter filter = {"instance-type", values};
	struct ec2_types types = {0};
	int rc;

	if (n == 0)
		return err_set(e, ERR_CONFIG, ENOENT,
			"target '%s': no family of EC2 is known to have that CPU: give [target %s] "
			"types=",
			t->name, t->name);
	for (size_t i = 0; i < n; i++) {
		snprintf(pattern[i], sizeof(pattern[i]), "%s.*", family[i]);
		values[i] = pattern[i];
	}
	values[n] = NULL;
	rc = ec2_types(&s->cloud->client,
		&(struct ec2_select){
			.filters = &filter, .n_filters = 1, .deadline = clock_deadline(SITE_TIME)},
		&types, e);
	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct ec2_type *best = choose(&types, family[i], s->project->aws.vcpus);

		if (best)
			add_candidate(ret, best, 0);
	}
	free(types.item);
	return rc;
}

static int find_named(
	struct ec2_site *s, const struct build *b, struct candidates *ret, struct err *e)
{
	const struct config_words *w = &b->named->types;
	const char *ids[TYPES_MAX + 1];
	struct ec2_types types = {0};
	bool arm = arch_is_arm(b->target.arch);
	size_t n = w->len < TYPES_MAX ? w->len : TYPES_MAX;
	int rc;

	for (size_t i = 0; i < n; i++)
		ids[i] = w->word[i];
	ids[n] = NULL;
	rc = ec2_types(&s->cloud->client,
		&(struct ec2_select){.ids = ids, .deadline = clock_deadline(SITE_TIME)}, &types, e);
	for (size_t i = 0; i < n && rc == 0; i++) {
		for (size_t k = 0; k < types.n; k++) {
			const struct ec2_type *t = &types.item[k];

			if (strcmp(t->name, ids[i]) != 0)
				continue;
			if (arm ? !t->arm64 : !t->x86_64)
				rc = err_set(e, ERR_CONFIG, EINVAL,
					"[target %s] types: '%s' is not of %s", b->target.name,
					t->name, b->target.arch);
			else
				add_candidate(ret, t, (unsigned)i);
		}
	}
	free(types.item);
	return rc < 0 ? err_ctx(e, "[target %s] types", b->target.name) : 0;
}

/* --- what they cost, and where they are */

/* Where the list may not be asked its prices are not known: ladder.h says what that means. */
static void price_on_demand(struct ec2_site *s, struct candidates *c)
{
	for (size_t i = 0; i < c->n && s->project->aws.market != MARKET_SPOT; i++) {
		struct err unknown = ERR_INIT;

		if (pricing_on_demand(&s->cloud->client, c->item[i].type, clock_deadline(SITE_TIME),
			    &c->item[i].on_demand, &unknown) < 0)
			c->item[i].on_demand = 0;
	}
}

static uint64_t spot_price(const struct ec2_spots *spots, const char *type, const char *zone)
{
	for (size_t i = 0; i < spots->n; i++) {
		if (strcmp(spots->item[i].type, type) == 0 &&
			strcmp(spots->item[i].zone, zone) == 0)
			return spots->item[i].price;
	}
	return 0;
}

/* What is not known, 0, comes last. */
static int by_price(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return (a->least - 1 > b->least - 1) - (a->least - 1 < b->least - 1);
}

static void keep_cheapest(struct candidates *c, const struct ec2_spots *spots)
{
	for (size_t i = 0; i < c->n; i++) {
		for (size_t k = 0; k < spots->n; k++) {
			uint64_t price = spots->item[k].price;

			if (strcmp(spots->item[k].type, c->item[i].type) == 0 &&
				price - 1 < c->item[i].least - 1)
				c->item[i].least = price;
		}
	}
	if (c->n > 0)
		qsort(c->item, c->n, sizeof(*c->item), by_price);
	if (c->n > TYPES_KEPT)
		c->n = TYPES_KEPT;
}

static bool is_offered(const struct ec2_offerings *o, const char *type, const char *zone)
{
	for (size_t i = 0; i < o->n; i++) {
		if (strcmp(o->item[i].type, type) == 0 && strcmp(o->item[i].zone, zone) == 0)
			return true;
	}
	return false;
}

/* What is known of prices and places. */
struct market_view {
	struct ec2_spots spots;
	struct ec2_offerings offerings;
};

static int add_rungs(struct ladder *l, const struct candidate *c, const struct ec2_subnet *n,
	const struct market_view *v, struct err *e)
{
	struct rung r = {.rank = c->rank};
	int rc = 0;

	if (!is_offered(&v->offerings, c->type, n->zone))
		return 0;
	snprintf(r.type, sizeof(r.type), "%s", c->type);
	snprintf(r.zone, sizeof(r.zone), "%s", n->zone);
	snprintf(r.subnet, sizeof(r.subnet), "%s", n->id);
	if (c->spot) {
		r.spot = true;
		r.price = spot_price(&v->spots, c->type, n->zone);
		rc = ladder_add(l, &r, e);
	}
	r.spot = false;
	r.price = c->on_demand;
	return rc < 0 ? rc : ladder_add(l, &r, e);
}

static int look_at_market(
	struct ec2_site *s, const struct candidates *c, struct market_view *ret, struct err *e)
{
	const char *types[TYPES_MAX + 1];
	struct call_client *client = &s->cloud->client;
	int rc;

	for (size_t i = 0; i < c->n; i++)
		types[i] = c->item[i].type;
	types[c->n] = NULL;
	rc = ec2_offerings(client, types, clock_deadline(SITE_TIME), &ret->offerings, e);
	return rc < 0 ? rc : ec2_spots(client, types, clock_deadline(SITE_TIME), &ret->spots, e);
}

static int build_ladder(struct ec2_site *s, struct candidates *c, struct ladder *ret, struct err *e)
{
	const struct project_aws *aws = &s->project->aws;
	struct market_view v = {0};
	int rc = look_at_market(s, c, &v, e);

	if (rc == 0) {
		keep_cheapest(c, &v.spots);
		price_on_demand(s, c);
	}
	for (size_t i = 0; i < c->n && rc == 0; i++) {
		for (size_t k = 0; k < s->subnets.n && rc == 0; k++)
			rc = add_rungs(ret, &c->item[i], &s->subnets.item[k], &v, e);
	}
	free(v.spots.item);
	free(v.offerings.item);
	if (rc == 0)
		ladder_arrange(ret, aws->market,
			aws->max_price || !aws->max_cost ? aws->max_price : UINT64_MAX);
	return rc;
}

static bool is_same(const struct ec2_offer *o, const struct build *b)
{
	return strcmp(o->arch, b->target.arch) == 0 && strcmp(o->march, b->target.march) == 0 &&
	       o->named == build_types(b);
}

static int make_offer(struct ec2_site *s, const struct build *b, struct err *e)
{
	struct ec2_offer *o = &s->offer[s->n_offers];
	struct candidates c = {.n = 0};
	int rc;

	*o = (struct ec2_offer){.named = build_types(b)};
	snprintf(o->arch, sizeof(o->arch), "%s", b->target.arch);
	snprintf(o->march, sizeof(o->march), "%s", b->target.march);
	rc = o->named ? find_named(s, b, &c, e) : find_by_cpu(s, &b->target, &c, e);
	if (rc == 0)
		rc = build_ladder(s, &c, &o->ladder, e);
	if (rc == 0 && o->ladder.n == 0)
		rc = err_set(e, ERR_CONFIG, ENOENT,
			"target '%s': nothing in %s has its CPU, %u vCPUs and a price under "
			"max_price=",
			b->target.name, s->cloud->region, s->project->aws.vcpus);
	if (rc < 0)
		ladder_free(&o->ladder);
	return rc;
}

int ec2_offer_find(struct ec2_site *s, const struct crew *c, struct ladder **ret, struct err *e)
{
	const struct build *b = c->build[0];
	int rc;

	for (size_t i = 0; i < s->n_offers; i++) {
		if (is_same(&s->offer[i], b)) {
			*ret = &s->offer[i].ladder;
			return 0;
		}
	}
	/* The workers hold on to their ladder: it stays where it is. */
	if (!s->offer)
		s->offer = calloc(MATRIX_MAX, sizeof(*s->offer));
	if (!s->offer)
		return err_oom(e);
	rc = make_offer(s, b, e);
	if (rc == 0)
		*ret = &s->offer[s->n_offers++].ladder;
	return rc;
}
