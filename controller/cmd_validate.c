/* SPDX-License-Identifier: Apache-2.0 */
#include "common/json.h"
#include "controller/build/report.h"
#include "controller/cmd.h"

struct validate_options {
	bool json;
};

#define AT(field) offsetof(struct validate_options, field)

/* clang-format off */
static const struct opt opts[] = {
	{OPT_FLAG, 0, "json", AT(json), NULL, "print JSON"},
	{0},
};
/* clang-format on */

static int print_json(const struct project *p, const struct matrix *m, struct err *e)
{
	auto_json json_t *archives = NULL, *j = NULL;
	int rc = report_planned(m, &archives, e);

	if (rc < 0)
		return rc;
	j = json_pack("{s:i, s:s, s:s, s:s, s:i, s:s, s:O}", "format", 1, "file", p->file, "name",
		p->name, "provider", provider_name(p->provider), "parallel", (int)p->parallel,
		"dist", p->dist, "archives", archives);
	return j ? json_print(j, stdout, e) : err_oom(e);
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static int print_app(const struct project *p, const struct project_app *a, struct err *e)
{
	const size_t n = a->targets.len * a->flags.len;

	printf("app        %s: %zu target%s x %zu flag set%s = %zu archive%s\n", a->name,
		a->targets.len, plural(a->targets.len), a->flags.len, plural(a->flags.len), n,
		plural(n));
	for (size_t i = 0; i < a->targets.len; i++) {
		struct target t;
		char option[TARGET_NAME + 8];
		int rc = project_target_find(p, a->targets.word[i], &t, e);

		if (rc < 0)
			return rc;
		target_option(&t, option);
		printf("           for %s: %s%s%s\n", t.name, t.arch, *option ? ", " : "", option);
	}
	for (size_t i = 0; i < a->flags.len; i++) {
		const struct project_flags *f = project_flags(p, a->flags.word[i]);

		printf("           with %s: %s\n", f->name, *f->cflags ? f->cflags : "no flags");
	}
	return 0;
}

static int print_text(const struct project *p, const struct matrix *m, struct err *e)
{
	int rc = 0;

	printf("project    %s, '%s'\n", p->name, p->file);
	printf("provider   %s, at most %u worker%s at a time\n", provider_name(p->provider),
		p->parallel, plural(p->parallel));
	for (size_t i = 0; i < p->n_apps && rc == 0; i++)
		rc = print_app(p, &p->app[i], e);
	if (rc == 0)
		printf("archives   %zu in '%s'\n", m->n, p->dist);
	return rc;
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct validate_options *o = options;
	static const struct matrix_choice all = {0};
	auto_project struct project p = {0};
	auto_matrix struct matrix m = {0};
	int rc = project_load(operands->argc > 0 ? operands->argv[0] : ".", &p, e);

	if (rc == 0)
		rc = matrix_make(&p, &all, &m, e);
	if (rc < 0)
		return rc;
	return o->json ? print_json(&p, &m, e) : print_text(&p, &m, e);
}

const struct command cmd_validate = {
	.name = "validate",
	.operands = "[PROJECT]",
	.summary = "read and check a project file",
	.opts = opts,
	.options_size = sizeof(struct validate_options),
	.max_operands = 1,
	.run = run,
};
