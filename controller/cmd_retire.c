/* SPDX-License-Identifier: Apache-2.0 */
#include "common/auto.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/num.h"
#include "controller/cmd.h"
#include "controller/image/retire.h"

#include <errno.h>
#include <string.h>

struct retire_options {
	const char *project, *region, *profile;
	uint64_t keep, timeout;
	bool dry_run, debug_http, json;
};

static const struct retire_options defaults = {
	.keep = RETIRE_KEEP_ALL, .timeout = 900 * NSEC_PER_SEC};

#define AT(field) offsetof(struct retire_options, field)

static const struct opt opts[] = {
	{OPT_U64, 0, "keep", AT(keep), "N",
		"all of the project, but the newest N of each architecture"},
	{OPT_STRING, 0, "project", AT(project), "PROJECT", "whose images they are"},
	{OPT_FLAG, 'n', "dry-run", AT(dry_run), NULL, "print what would be removed"},
	{OPT_STRING, 0, "region", AT(region), "REGION", "where the images are"},
	{OPT_STRING, 0, "profile", AT(profile), "NAME", "of the AWS configuration"},
	{OPT_DURATION, 0, "timeout", AT(timeout), "TIME", "give up after this (default 15min)"},
	{OPT_FLAG, 0, "debug-http", AT(debug_http), NULL, "print every call, secrets hidden"},
	{OPT_FLAG, 0, "json", AT(json), NULL, "print JSON"},
	{0},
};

/* What is printed; the arrays are NULL without --json. */
struct telling {
	json_t *removed, *used;
};

static void tell(const struct telling *t, const char *kind, const char *id, const char *detail)
{
	if (t->removed)
		json_array_append_new(t->removed,
			json_pack("{s:s, s:s, s:s}", "kind", kind, "id", id, "detail", detail));
	else
		printf("%s\t%s\t%s\n", kind, id, detail);
}

static void on_removing(void *ctx, const struct resource *r)
{
	tell(ctx, r->kind->name, r->id, r->detail);
}

static void tell_used(const struct telling *t, const struct retire_image *m)
{
	if (t->used)
		json_array_append_new(t->used, json_pack("{s:s, s:s, s:s}", "id", m->id, "region",
						       m->region, "user", m->user));
	else
		printf("used\t%s\t%s\n", m->id, m->user);
}

static void tell_all(const struct telling *t, const struct retire_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct retire_image *m = &l->item[i];
		char detail[256];

		snprintf(detail, sizeof(detail), "%s %s %s", m->name, m->arch, m->region);
		tell(t, RESOURCE_IMAGE, m->id, detail);
		for (size_t s = 0; s < m->n; s++)
			tell(t, RESOURCE_SNAPSHOT, m->snapshot[s], m->region);
	}
}

/* What is used is told of; named by its id, it stops all. *worst says so at the end. */
static int sort_out(const struct telling *t, const struct retire_request *r, struct retire_list *l,
	struct err *worst)
{
	int rc = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct retire_image *m = &l->item[i];

		if (!*m->user)
			continue;
		if (!r->images)
			tell_used(t, m);
		if (rc == 0)
			rc = err_set(worst, ERR_REMOTE, EBUSY,
				"%s in %s is used: %.300s: it is not retired", m->id, m->region,
				m->user);
	}
	if (!r->images)
		retire_drop_used(l);
	return r->images ? rc : 0;
}

static int retire(const struct retire_options *o, const struct retire_request *r, struct telling *t,
	struct err *e)
{
	auto_retire_list struct retire_list list = {0};
	struct err worst = ERR_INIT;
	int rc = retire_find(r, &list, e);

	if (rc == 0 && sort_out(t, r, &list, &worst) < 0) {
		*e = worst;
		return -worst.num;
	}
	if (rc == 0 && o->dry_run)
		tell_all(t, &list);
	else if (rc == 0 && list.n > 0)
		rc = retire_do(r, &list, on_removing, t, e);
	if (rc == 0 && worst.kind != ERR_NONE) {
		*e = worst;
		rc = -worst.num;
	}
	return rc;
}

static int print_json(const struct telling *t, struct err *e)
{
	auto_json json_t *out =
		json_pack("{s:i, s:O, s:O}", "format", 1, "removed", t->removed, "used", t->used);

	return out ? json_print(out, stdout, e) : err_oom(e);
}

/* The one of this folder, where ids alone do not need one. */
static int load_project(
	const struct retire_options *o, bool must, struct project *ret, struct err *e)
{
	if (!o->project && !must && access(PROJECT_FILE, F_OK) < 0)
		return 0;
	return project_load(o->project ? o->project : ".", ret, e);
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct retire_options *o = options;
	bool by_keep = o->keep != RETIRE_KEEP_ALL;
	auto_project struct project project = {0};
	auto_json json_t *removed = o->json ? json_array() : NULL;
	auto_json json_t *used = o->json ? json_array() : NULL;
	struct telling t = {removed, used};
	struct retire_request r = {.keep = o->keep, .deadline = clock_deadline(o->timeout)};
	int rc;

	cancel_setup();
	if (by_keep == (operands->argc > 0))
		return err_set(e, ERR_USAGE, EINVAL,
			"retire: give either images or --keep=N: 'controller ls' shows what there is");
	rc = load_project(o, by_keep, &project, e);
	if (rc < 0)
		return rc;
	r.project = project.name ? &project : NULL;
	r.images = by_keep ? NULL : (const char *const *)operands->argv;
	r.cloud = (struct cloud_options){
		.profile = o->profile ? o->profile : project.aws.profile,
		.region = o->region ? o->region : project.aws.region,
		.debug_http = o->debug_http,
	};
	rc = retire(o, &r, &t, e);
	if (o->json && (rc == 0 || json_array_size(removed) || json_array_size(used))) {
		struct err bad = ERR_INIT;

		if (print_json(&t, &bad) < 0 && rc == 0) {
			*e = bad;
			rc = -bad.num;
		}
	}
	return rc;
}

const struct command cmd_retire = {
	.name = "retire",
	.operands = "[AMI…]",
	.summary = "remove images that are not wanted any more",
	.opts = opts,
	.options_size = sizeof(struct retire_options),
	.defaults = &defaults,
	.max_operands = 1000,
	.run = run,
};
