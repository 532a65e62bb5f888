/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cancel.h"
#include "common/clock.h"
#include "common/date.h"
#include "common/log.h"
#include "common/num.h"
#include "controller/account/gc.h"
#include "controller/cmd.h"
#include "controller/image/retire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct gc_options {
	const char *run, *region, *profile;
	uint64_t settle, timeout;
	bool expired, dry_run, with_kept, debug_http, json;
};

static const struct gc_options defaults = {
	.settle = 120 * NSEC_PER_SEC, .timeout = 900 * NSEC_PER_SEC};

#define AT(field) offsetof(struct gc_options, field)

static const struct opt opts[] = {
	{OPT_STRING, 0, "run", AT(run), "RUN", "what this run has left"},
	{OPT_FLAG, 0, "expired", AT(expired), NULL,
		"what any run has left that nobody looks after any more"},
	{OPT_FLAG, 'n', "dry-run", AT(dry_run), NULL, "print what would be removed"},
	{OPT_FLAG, 0, "with-kept", AT(with_kept), NULL, "images that were made to stay too"},
	{OPT_STRING, 0, "region", AT(region), "REGION", "of runs that are not of this machine"},
	{OPT_STRING, 0, "profile", AT(profile), "NAME", "of the AWS configuration"},
	{OPT_DURATION, 0, "settle", AT(settle), "TIME",
		"wait so long for what was asked for last to show up (default 2min)"},
	{OPT_DURATION, 0, "timeout", AT(timeout), "TIME", "give up after this (default 15min)"},
	{OPT_FLAG, 0, "debug-http", AT(debug_http), NULL, "print every call, secrets hidden"},
	{OPT_FLAG, 0, "json", AT(json), NULL, "print what is removed as JSON"},
	{0},
};

struct collecting {
	const struct gc_options *o;
	json_t *removed; /* array; NULL: a line for each */
};

static void on_removing(void *ctx, const struct resource *r)
{
	const struct collecting *c = ctx;

	if (c->removed)
		json_array_append_new(
			c->removed, json_pack("{s:s, s:s, s:s, s:s}", "kind", r->kind->name, "id",
					    r->id, "run", r->run, "detail", r->detail));
	else
		printf("%s\t%s\t%s\t%s\n", r->kind->name, r->id, r->run, r->detail);
}

static int list_only(const struct collecting *c, struct cloud *cloud, const char *run,
	uint64_t deadline, struct err *e)
{
	auto_resources struct resources all = {0};
	int rc = resources_list(&cloud->client, run, deadline, &all, e);

	for (size_t i = 0; rc == 0 && i < all.n; i++) {
		if (c->o->with_kept || !all.item[i].keep)
			on_removing((void *)(uintptr_t)c, &all.item[i]);
	}
	return rc;
}

/* In the region that the cloud has. */
static int collect(struct collecting *c, struct cloud *cloud, const char *run,
	struct journal *journal, struct err *e)
{
	uint64_t deadline = clock_deadline(c->o->timeout);
	struct gc g = {
		.cloud = cloud,
		.run = run,
		.journal = journal,
		.settle = c->o->settle,
		.deadline = deadline,
		.with_kept = c->o->with_kept,
		.removing = on_removing,
		.ctx = c,
	};

	return c->o->dry_run ? list_only(c, cloud, run, deadline, e) : gc_run(&g, e);
}

static int open_cloud(
	const struct gc_options *o, const char *region, struct cloud *ret, struct err *e)
{
	return cloud_open(
		&(struct cloud_options){
			.profile = o->profile, .region = region, .debug_http = o->debug_http},
		ret, e);
}

/* The profile that the run had, unless one is given. */
static const char *text_about(const struct run *run, const char *key)
{
	const char *text = json_string_value(json_object_get(run_about(run), key));

	return text ? text : "";
}

static bool is_to_go(const struct journal_entry *e, bool with_kept)
{
	return journal_is_left(e) || (with_kept && e->state == JOURNAL_KEPT);
}

/* Something of it is to go, and it is the first such of its region. */
static bool is_first_to_go(const struct journal *j, size_t at, bool with_kept)
{
	for (size_t i = 0; i < at; i++) {
		if (is_to_go(&j->entry[i], with_kept) &&
			strcmp(j->entry[i].region, j->entry[at].region) == 0)
			return false;
	}
	return is_to_go(&j->entry[at], with_kept);
}

/* Each region of its journal that has something left. What was to be retired goes, whatever its
 * tags are by now. */
static int collect_journal(struct collecting *all, struct run *run, struct err *e)
{
	const struct journal *j = &run->journal;
	struct gc_options o = *all->o;
	struct collecting here = {.o = &o, .removed = all->removed}, *c = &here;
	int rc = 0;

	if (!o.profile)
		o.profile = text_about(run, "profile");
	o.with_kept |= journal_find_event(j, RETIRE_EVENT) != NULL;
	for (size_t i = 0; i < j->n && rc == 0; i++) {
		auto_cloud struct cloud cloud = {0};

		if (!is_first_to_go(j, i, o.with_kept))
			continue;
		rc = open_cloud(&o, j->entry[i].region, &cloud, e);
		if (rc == 0)
			rc = collect(c, &cloud, run->id, &run->journal, e);
	}
	return rc;
}

/* Then its folder is of no use any more. */
static int collect_folder(struct collecting *c, struct run *run, struct err *e)
{
	int rc = collect_journal(c, run, e);

	return rc < 0 || c->o->dry_run ? rc : run_forget(run, e);
}

static int collect_here(struct collecting *c, const char *id, struct err *e)
{
	auto_run struct run run = RUN_INIT;
	int rc = run_open(id, &run, e);

	return rc < 0 ? rc : collect_folder(c, &run, e);
}

/* A run whose folder is on another machine, or gone. */
static int collect_elsewhere(struct collecting *c, const char *id, struct err *e)
{
	auto_cloud struct cloud cloud = {0};
	int rc;

	if (strlen(id) != RUN_ID - 1)
		return err_set(e, ERR_USAGE, EINVAL,
			"run '%s' is not one of this machine: give its whole id", id);
	rc = open_cloud(c->o, c->o->region, &cloud, e);
	return rc < 0 ? rc : collect(c, &cloud, id, NULL, e);
}

static int collect_run(struct collecting *c, const char *id, struct err *e)
{
	int rc = collect_here(c, id, e);

	if (rc != -ENOENT || e->kind != ERR_USAGE)
		return rc;
	*e = (struct err)ERR_INIT;
	return collect_elsewhere(c, id, e);
}

/* --- --expired */

/* A run of this machine, if no controller works on it and its journal has something left. */
static int collect_one(struct collecting *c, const char *id, struct err *e)
{
	auto_run struct run run = RUN_INIT;
	int rc = run_open(id, &run, e);

	if (rc == -EBUSY || rc == -ENOENT)
		return 0;
	if (rc < 0 || journal_open_entries(&run.journal) == 0)
		return rc;
	return collect_folder(c, &run, e);
}

/* All of them; -errno where one could not be cleared. */
static int collect_abandoned(struct collecting *c, struct err *e)
{
	char **list;
	size_t n;
	int rc = run_list(&list, &n, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		struct err bad = ERR_INIT;

		if (collect_one(c, list[i], &bad) >= 0)
			continue;
		/* The others are not to cost for it. */
		log_warning("%s", bad.msg);
		*e = bad;
		rc = -bad.num;
	}
	run_list_free(list, n);
	return rc;
}

static bool was_before(const struct resources *all, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (strcmp(all->item[k].run, all->item[i].run) == 0)
			return true;
	}
	return false;
}

/* A run has expired when all that tells a time has: who looks after it renews that. */
static bool has_expired(const struct resources *all, const char *run)
{
	int64_t latest = 0;

	for (size_t i = 0; i < all->n; i++) {
		if (strcmp(all->item[i].run, run) == 0 && all->item[i].expires > latest)
			latest = all->item[i].expires;
	}
	return latest > 0 && latest < date_now();
}

static int collect_expired(struct collecting *c, struct err *e)
{
	auto_cloud struct cloud cloud = {0};
	auto_resources struct resources all = {0};
	struct err here = ERR_INIT;
	bool failed = collect_abandoned(c, &here) < 0;
	int rc = open_cloud(c->o, c->o->region, &cloud, e);

	if (rc == 0)
		rc = resources_list(&cloud.client, NULL, clock_deadline(c->o->timeout), &all, e);
	for (size_t i = 0; rc == 0 && i < all.n; i++) {
		if (!was_before(&all, i) && has_expired(&all, all.item[i].run))
			rc = collect(c, &cloud, all.item[i].run, NULL, e);
	}
	if (rc == 0 && failed) {
		*e = here;
		rc = -here.num;
	}
	return rc;
}

static int print_removed(json_t *removed, struct err *e)
{
	auto_json json_t *out = json_pack("{s:i, s:O}", "format", 1, "removed", removed);

	return out ? json_print(out, stdout, e) : err_oom(e);
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	struct collecting c = {.o = options};
	auto_json json_t *removed = c.o->json ? json_array() : NULL;
	int rc;

	(void)operands;
	cancel_setup();
	if (!c.o->run == !c.o->expired)
		return err_set(e, ERR_USAGE, EINVAL,
			"gc: give either --run=RUN or --expired: 'controller ls' shows what there is");
	c.removed = removed;
	rc = c.o->run ? collect_run(&c, c.o->run, e) : collect_expired(&c, e);
	if (rc == 0 && removed)
		rc = print_removed(removed, e);
	return rc;
}

const struct command cmd_gc = {
	.name = "gc",
	.operands = "",
	.summary = "remove what a run has left behind",
	.opts = opts,
	.options_size = sizeof(struct gc_options),
	.defaults = &defaults,
	.run = run,
};
