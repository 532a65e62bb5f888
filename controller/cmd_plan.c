/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/build/plan.h"
#include "controller/build/policy.h"
#include "controller/cmd.h"
#include "controller/money.h"
#include "controller/project/choice.h"

#include <errno.h>
#include <string.h>

struct plan_options {
	struct choice choice;
	bool policy, debug_http, json;
};

#define AT(field) offsetof(struct plan_options, field)

static const struct opt opts[] = {
	{OPT_STRINGS, 0, "app", AT(choice.app), "NAME", "of this one only; may be given again"},
	{OPT_STRINGS, 0, "target", AT(choice.target), "NAME",
		"for this one only; may be given again"},
	{OPT_STRINGS, 0, "flags", AT(choice.flags), "NAME", "with these only; may be given again"},
	{OPT_FLAG, 0, "policy", AT(policy), NULL,
		"print the least IAM policy that is needed, and ask nothing"},
	{OPT_FLAG, 0, "debug-http", AT(debug_http), NULL,
		"print every call of AWS, secrets hidden"},
	{OPT_FLAG, 0, "json", AT(json), NULL, "print JSON"},
	{0},
};

/* The partition of a region: AWS General Reference, "ARNs". */
static const char *partition_of(const char *region)
{
	if (strncmp(region, "cn-", 3) == 0)
		return "aws-cn";
	return strncmp(region, "us-gov-", 7) == 0 ? "aws-us-gov" : "aws";
}

static int print_policy(const struct project *p, struct err *e)
{
	auto_json json_t *policy = NULL;
	auto_cloud struct cloud cloud = {0};
	struct err unknown = ERR_INIT;
	const struct cloud_options o = {.profile = p->aws.profile, .region = p->aws.region};
	const char *region = cloud_open(&o, &cloud, &unknown) == 0 ? cloud.region : "";
	const struct policy_request r = {
		.what = POLICY_BUILD | POLICY_GC |
			(p->image.there ? POLICY_BAKE | POLICY_RETIRE : 0),
		.partition = partition_of(region),
		.parameter = p->image.parameter ? p->image.parameter : "",
		.kms_key = p->image.encrypt && p->image.kms_key ? p->image.kms_key : "",
	};
	int rc = policy_json(&r, &policy, e);

	return rc < 0 ? rc : json_print(policy, stdout, e);
}

static void print_text(const struct plan *p)
{
	size_t i;
	const json_t *o;

	json_array_foreach(p->checks, i, o)
	{
		printf("%-12s %-4s %s\n", json_string_value(json_object_get(o, "check")),
			json_is_true(json_object_get(o, "ok")) ? "ok" : "BAD",
			json_string_value(json_object_get(o, "detail")));
	}
}

static int print_json(const struct plan *p, struct err *e)
{
	auto_json json_t *out = json_pack("{s:i, s:b, s:O, s:f, s:f}", "format", 1, "ok",
		p->worst.kind == ERR_NONE, "checks", p->checks, "low_usd",
		(double)p->low / MONEY_DOLLAR, "high_usd", (double)p->high / MONEY_DOLLAR);

	return out ? json_print(out, stdout, e) : err_oom(e);
}

static int make(const struct plan_options *o, const struct project *p, const struct matrix *m,
	struct err *e)
{
	struct plan plan;
	int rc = plan_make(p, m, o->debug_http, &plan, e);

	if (rc == 0) {
		if (o->json)
			rc = print_json(&plan, e);
		else
			print_text(&plan);
	}
	if (rc == 0 && plan.worst.kind != ERR_NONE) {
		*e = plan.worst;
		rc = -e->num;
	}
	plan_free(&plan);
	return rc;
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct plan_options *o = options;
	auto_project struct project project = {0};
	auto_matrix struct matrix matrix = {0};
	int rc = project_load(operands->argc > 0 ? operands->argv[0] : ".", &project, e);

	if (rc < 0)
		return rc;
	if (o->policy)
		return print_policy(&project, e);
	rc = choice_matrix(&o->choice, &project, &matrix, e);
	return rc < 0 ? rc : make(o, &project, &matrix, e);
}

const struct command cmd_plan = {
	.name = "plan",
	.operands = "[PROJECT]",
	.summary = "say what a build would do and cost, and whether it may",
	.opts = opts,
	.options_size = sizeof(struct plan_options),
	.max_operands = 1,
	.run = run,
};
