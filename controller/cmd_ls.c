/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/date.h"
#include "common/log.h"
#include "common/num.h"
#include "controller/account/resource.h"
#include "controller/account/run.h"
#include "controller/cmd.h"
#include "controller/money.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TIME (120 * NSEC_PER_SEC)

struct ls_options {
	const char *region, *profile;
	bool cost, here, debug_http, json;
};

#define AT(field) offsetof(struct ls_options, field)

static const struct opt opts[] = {
	{OPT_FLAG, 0, "cost", AT(cost), NULL, "with what each costs in an hour, and all together"},
	{OPT_FLAG, 0, "here", AT(here), NULL, "the runs of this machine only: AWS is not asked"},
	{OPT_STRING, 0, "region", AT(region), "REGION", "look there"},
	{OPT_STRING, 0, "profile", AT(profile), "NAME", "of the AWS configuration"},
	{OPT_FLAG, 0, "debug-http", AT(debug_http), NULL, "print every call, secrets hidden"},
	{OPT_FLAG, 0, "json", AT(json), NULL, "print JSON"},
	{0},
};

/* "active": a controller works on it, and has its journal. NULL: it cannot be told. */
static const char *state_of(int rc, const struct err *e)
{
	if (rc == 0)
		return "ended";
	if (rc == -EBUSY)
		return "active";
	return e->kind == ERR_DATA ? "damaged" : NULL;
}

static int add_run(json_t *list, const char *id, struct err *e)
{
	auto_run struct run run = RUN_INIT;
	const char *state, *text;
	json_t *o;
	int rc = run_open(id, &run, e);

	/* Ended since it was listed. */
	if (rc == -ENOENT)
		rc = 1;
	state = state_of(rc, e);
	if (rc < 0 && !state)
		return rc;
	if (rc < 0 && e->kind == ERR_DATA)
		log_warning("%s", e->msg);
	*e = (struct err)ERR_INIT;
	if (!state)
		return 0;
	text = json_string_value(json_object_get(run_about(&run), "project"));
	o = json_pack("{s:s, s:s, s:s*, s:I}", "run", id, "state", state, "project", text, "left",
		(json_int_t)journal_open_entries(&run.journal));
	return json_array_append_new(list, o) < 0 ? err_oom(e) : 0;
}

static int add_runs(json_t *out, struct err *e)
{
	json_t *runs = json_array();
	char **list;
	size_t n;
	int rc = run_list(&list, &n, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = add_run(runs, list[i], e);
	run_list_free(list, n);
	return json_object_set_new(out, "runs", runs) < 0 && rc == 0 ? err_oom(e) : rc;
}

static json_t *resource_json(const struct resource *r, bool cost)
{
	char date[DATE_TEXT];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s*, s:o*}", "kind", r->kind->name, "id",
		r->id, "run", r->run, "project", r->project, "detail", r->detail, "keep", r->keep,
		"created", r->created ? date_text(r->created, date) : NULL, "hourly_usd",
		cost && r->priced ? json_real((double)r->hourly / MONEY_DOLLAR) : NULL);
}

static int add_resources(json_t *out, const struct ls_options *o, struct err *e)
{
	auto_cloud struct cloud cloud = {0};
	auto_resources struct resources all = {0};
	uint64_t deadline = clock_deadline(TIME), hourly = 0;
	json_t *list = json_array();
	int rc = json_object_set_new(out, "resources", list) < 0 ? err_oom(e) : 0;

	if (rc == 0)
		rc = cloud_open(&(struct cloud_options){.profile = o->profile,
					.region = o->region,
					.debug_http = o->debug_http},
			&cloud, e);
	if (rc < 0 && e->kind == ERR_CONFIG && !o->cost && !o->region && !o->profile) {
		log_warning("AWS is not asked: %s", e->msg);
		return 0;
	}
	if (rc == 0)
		rc = resources_list(&cloud.client, NULL, deadline, &all, e);
	if (rc == 0 && o->cost)
		rc = resources_price(&cloud.client, &all, deadline, e);
	for (size_t i = 0; rc == 0 && i < all.n; i++) {
		hourly += all.item[i].hourly;
		if (json_array_append_new(list, resource_json(&all.item[i], o->cost)) < 0)
			rc = err_oom(e);
	}
	if (rc == 0 && o->cost &&
		json_object_set_new(out, "hourly_usd", json_real((double)hourly / MONEY_DOLLAR)) <
			0)
		rc = err_oom(e);
	return rc;
}

/* Empty where there is none. */
static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static void print_cost(const json_t *o, const char *before)
{
	char money[MONEY_TEXT];
	const json_t *price = json_object_get(o, "hourly_usd");

	if (price)
		printf("%s%s/h", before,
			money_text((uint64_t)(json_real_value(price) * MONEY_DOLLAR + 0.5), money));
}

static void print_text(const json_t *out)
{
	size_t i;
	const json_t *o;

	json_array_foreach(json_object_get(out, "runs"), i, o)
	{
		printf("run\t%s\t%s\t%s\t%lld left\n", text_of(o, "run"), text_of(o, "state"),
			text_of(o, "project"),
			(long long)json_integer_value(json_object_get(o, "left")));
	}
	json_array_foreach(json_object_get(out, "resources"), i, o)
	{
		printf("%s\t%s\t%s\t%s\t%s", text_of(o, "kind"), text_of(o, "id"),
			text_of(o, "run"), text_of(o, "created"), text_of(o, "detail"));
		print_cost(o, "\t");
		putchar('\n');
	}
	if (json_object_get(out, "hourly_usd")) {
		print_cost(out, "all together\t");
		putchar('\n');
	}
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct ls_options *o = options;
	auto_json json_t *out = json_pack("{s:i}", "format", 1);
	int rc = add_runs(out, e);

	(void)operands;
	if (rc == 0 && !o->here)
		rc = add_resources(out, o, e);
	if (rc < 0)
		return rc;
	if (o->json)
		return json_print(out, stdout, e);
	print_text(out);
	return 0;
}

const struct command cmd_ls = {
	.name = "ls",
	.operands = "",
	.summary = "list what is alive, and what it costs",
	.opts = opts,
	.options_size = sizeof(struct ls_options),
	.run = run,
};
