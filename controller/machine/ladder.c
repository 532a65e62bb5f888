/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/ladder.h"

#include <stdlib.h>
#include <string.h>

int ladder_add(struct ladder *l, const struct rung *r, struct err *e)
{
	struct rung *grown = reallocarray(l->rung, l->n + 1, sizeof(*grown));

	if (!grown)
		return err_oom(e);
	l->rung = grown;
	l->rung[l->n++] = *r;
	return 0;
}

void ladder_free(struct ladder *l)
{
	free(l->rung);
	*l = (struct ladder){0};
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_preference(const void *pa, const void *pb)
{
	const struct rung *a = pa, *b = pb;
	int c = compare(b->spot, a->spot);

	if (c == 0)
		c = compare(a->rank, b->rank);
	/* What is not known, 0, comes last. */
	if (c == 0)
		c = compare(a->price - 1, b->price - 1);
	if (c == 0)
		c = strcmp(a->type, b->type);
	return c ? c : strcmp(a->zone, b->zone);
}

static bool is_allowed(const struct rung *r, enum market market, uint64_t max_price)
{
	if (market != MARKET_SPOT_FIRST && r->spot != (market == MARKET_SPOT))
		return false;
	return max_price == 0 || (r->price > 0 && r->price <= max_price);
}

void ladder_arrange(struct ladder *l, enum market market, uint64_t max_price)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (is_allowed(&l->rung[i], market, max_price))
			l->rung[kept++] = l->rung[i];
	}
	l->n = kept;
	if (kept > 0)
		qsort(l->rung, kept, sizeof(*l->rung), by_preference);
}

struct rung *ladder_next(struct ladder *l, size_t *at, uint64_t now)
{
	while (*at < l->n) {
		struct rung *r = &l->rung[(*at)++];

		if (r->closed <= now)
			return r;
	}
	return NULL;
}

void ladder_close(struct rung *r, uint64_t now)
{
	r->closed = now + LADDER_CLOSED;
}
