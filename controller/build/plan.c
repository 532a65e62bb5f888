/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/build/plan_private.h"

#include "common/auto.h"
#include "common/clock.h"
#include "common/num.h"
#include "controller/arch.h"
#include "controller/aws/quota.h"
#include "controller/money.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* What a worker takes beside the builds, and a build of which nothing is known. */
#define START_TIME (2 * 60 * NSEC_PER_SEC)
#define SHORT_TIME (5 * 60 * NSEC_PER_SEC)

void plan_say(char *detail, const char *fmt, ...)
{
	size_t len = strlen(detail);
	va_list args;

	va_start(args, fmt);
	vsnprintf(detail + len, PLAN_DETAIL - len, fmt, args);
	va_end(args);
}

/* --- on any provider */

static int check_project(struct plan *p, char detail[static PLAN_DETAIL], struct err *e)
{
	(void)e;
	plan_say(detail, "%zu archives by %zu workers", p->matrix->n, p->matrix->n_crews);
	return 0;
}

static int check_agents(struct plan *p, char detail[static PLAN_DETAIL], struct err *e)
{
	for (size_t a = 0; a < ARCHS; a++) {
		for (size_t i = 0; i < p->matrix->n; i++) {
			auto_free char *path = NULL;
			int rc;

			if (strcmp(p->matrix->build[i].target.arch, arch_names[a]) != 0)
				continue;
			if ((rc = project_agent(p->project, arch_names[a], &path, e)) < 0)
				return rc;
			plan_say(detail, "%s%s", *detail ? ", " : "", path);
			break;
		}
	}
	return 0;
}

/* --- on EC2 */

static int check_region(struct plan *p, char detail[static PLAN_DETAIL], struct err *e)
{
	int rc = cloud_open(&(struct cloud_options){.profile = p->project->aws.profile,
				    .region = p->project->aws.region,
				    .debug_http = p->debug_http},
		p->cloud, e);

	if (rc < 0)
		return rc;
	p->cloud->client.dry_run = true;
	plan_say(detail, "%s, profile %s", p->cloud->region, p->cloud->profiles.name);
	return 0;
}

static int check_credentials(struct plan *p, char detail[static PLAN_DETAIL], struct err *e)
{
	struct sts_identity who;
	int rc = sts_identity(&p->cloud->client, clock_deadline(SITE_TIME), &who, e);

	if (rc == 0)
		plan_say(detail, "%.300s", who.arn);
	return rc;
}

static int check_network(struct plan *p, char detail[static PLAN_DETAIL], struct err *e)
{
	int rc = ec2_site_open(p->project, p->cloud, NULL, p->site, e);

	if (rc == 0)
		plan_say(detail, "%s, %zu %s subnets", p->site->vpc, p->site->subnets.n,
			p->site->is_private ? "private" : "public");
	return rc;
}

static int check_address(struct plan *p, char detail[static PLAN_DETAIL], struct err *e)
{
	char address[SITE_ADDRESS];
	int rc = ec2_gate_address(p->site, address, e);

	if (rc == 0)
		plan_say(detail, "port 22 would be open to %s alone", address);
	return rc;
}

static int check_images(struct plan *p, char detail[static PLAN_DETAIL], struct err *e)
{
	for (size_t i = 0; i < p->matrix->n; i++) {
		const char *arch = p->matrix->build[i].target.arch;
		const struct base *base = &p->site->base[arch_index(arch)];
		int rc;

		if (*base->id)
			continue;
		if ((rc = ec2_site_base(p->site, arch, &base, e)) < 0)
			return rc;
		plan_say(detail, "%s%s %.80s%s%s", *detail ? ", " : "", base->id, base->name,
			*base->moved ? ": " : "", base->moved);
	}
	return 0;
}

static int check_offers(struct plan *p, char detail[static PLAN_DETAIL], struct err *e)
{
	for (size_t i = 0; i < p->matrix->n_crews; i++) {
		const struct crew *c = &p->matrix->crew[i];
		struct ladder *l;
		char money[MONEY_TEXT];
		int rc = ec2_offer_find(p->site, c, &l, e);

		if (rc < 0)
			return rc;
		plan_say(detail, "%s%s: %s %s %s %s of %zu", *detail ? ", " : "",
			c->build[0]->target.name, l->rung[0].type,
			l->rung[0].spot ? "spot" : "on-demand", l->rung[0].zone,
			l->rung[0].price ? money_text(l->rung[0].price, money) : "price unknown",
			l->n);
	}
	return 0;
}

static int check_quota(struct plan *p, char detail[static PLAN_DETAIL], struct err *e)
{
	bool spot = p->project->aws.market != MARKET_ON_DEMAND;
	size_t workers = p->matrix->n_crews;
	uint64_t wanted;
	struct quota q;
	int rc = quota_get(&p->cloud->client, spot ? QUOTA_SPOT : QUOTA_ON_DEMAND,
		clock_deadline(SITE_TIME), &q, e);

	if (rc < 0)
		return rc;
	if (workers > p->project->parallel)
		workers = p->project->parallel;
	wanted = workers * p->project->aws.vcpus;
	plan_say(detail, "%llu vCPUs wanted, %llu allowed by %s", (unsigned long long)wanted,
		(unsigned long long)q.value, q.code);
	return wanted <= q.value
		       ? 0
		       : err_set(e, ERR_REMOTE, EDQUOT,
				 "%llu vCPUs at a time, quota %s allows %llu: lower parallel= or vcpus=, or "
				 "ask for more",
				 (unsigned long long)wanted, q.code, (unsigned long long)q.value);
}

/* The cheapest and the dearest of a ladder that could be got. */
static void price_range(const struct ladder *l, uint64_t *ret_low, uint64_t *ret_high)
{
	*ret_low = *ret_high = l->rung[0].price;
	for (size_t i = 0; i < l->n; i++) {
		if (l->rung[i].price > *ret_high)
			*ret_high = l->rung[i].price;
	}
}

static int check_price(struct plan *p, char detail[static PLAN_DETAIL], struct err *e)
{
	char low[MONEY_TEXT], high[MONEY_TEXT];
	uint64_t limit = p->project->aws.max_cost;

	for (size_t i = 0; i < p->matrix->n_crews; i++) {
		const struct crew *c = &p->matrix->crew[i];
		uint64_t cheap, dear;
		struct ladder *l;
		int rc = ec2_offer_find(p->site, c, &l, e);

		if (rc < 0)
			return rc;
		price_range(l, &cheap, &dear);
		p->low += money_for(cheap, START_TIME + c->n * SHORT_TIME);
		p->high += money_for(dear, START_TIME + c->n * c->build[0]->app->timeout);
	}
	plan_say(detail,
		"%s if each build takes 5 minutes on the cheapest, at most %s if all take their timeout= on the dearest",
		money_text(p->low, low), money_text(p->high, high));
	if (limit && p->low > limit)
		return err_set(e, ERR_CONFIG, EDQUOT, "at least %s, max_cost= allows %s", low,
			money_text(limit, high));
	return 0;
}

/* --- the table */

static const struct {
	const char *name;
	bool cloud;  /* asked of EC2 only */
	bool needed; /* by those after it */
	plan_check_fn *ask;
} checks[] = {
	{"project", false, true, check_project},
	{"agents", false, false, check_agents},
	{"region", true, true, check_region},
	{"credentials", true, true, check_credentials},
	{"network", true, true, check_network},
	{"address", true, false, check_address},
	{"images", true, true, check_images},
	{"types", true, true, check_offers},
	{"quota", true, false, check_quota},
	{"permissions", true, false, plan_permissions},
	{"price", true, false, check_price},
};

static int add_check(struct plan *p, const char *name, bool ok, const char *detail, struct err *e)
{
	json_t *o = json_pack("{s:s, s:b, s:s}", "check", name, "ok", ok, "detail", detail);

	return json_array_append_new(p->checks, o) < 0 ? err_oom(e) : 0;
}

static int ask_all(struct plan *p, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		char detail[PLAN_DETAIL] = "";
		struct err bad = ERR_INIT;
		bool ok;
		int rc;

		if (checks[i].cloud && !p->cloud)
			continue;
		ok = checks[i].ask(p, detail, &bad) >= 0;
		rc = add_check(p, checks[i].name, ok, ok ? detail : bad.msg, e);
		if (rc < 0)
			return rc;
		if (!ok && p->worst.kind == ERR_NONE)
			p->worst = bad;
		if (!ok && checks[i].needed)
			break;
	}
	return 0;
}

int plan_make(const struct project *project, const struct matrix *m, bool debug_http,
	struct plan *ret, struct err *e)
{
	*ret = (struct plan){
		.project = project, .matrix = m, .debug_http = debug_http, .checks = json_array()};
	if (project->provider == PROVIDER_EC2) {
		ret->cloud = calloc(1, sizeof(*ret->cloud));
		ret->site = calloc(1, sizeof(*ret->site));
		if (!ret->cloud || !ret->site)
			return err_oom(e);
	}
	return ask_all(ret, e);
}

void plan_free(struct plan *p)
{
	if (p->site)
		ec2_site_close(p->site);
	if (p->cloud)
		cloud_close(p->cloud);
	free(p->site);
	free(p->cloud);
	json_decref(p->checks);
}
