/* SPDX-License-Identifier: Apache-2.0 */
#include "common/json.h"
#include "controller/cmd.h"
#include "controller/project.h"

#include <string.h>

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

static size_t count_archives(const struct project *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_apps; i++)
		n += p->app[i].targets.len * p->app[i].flags.len;
	return n;
}

/* One app for one target and one set of flags. */
struct archive {
	const struct project_app *app;
	const struct project_flags *flags;
	struct target target;
};

static json_t *archive_json(const struct project *p, const struct archive *a)
{
	const struct target *t = &a->target;
	char option[TARGET_NAME + 8];
	auto_free char *path = NULL;

	target_option(t, option);
	if (asprintf(&path, "%s/%s/%s_%s.tar.zst", p->dist, a->flags->name, a->app->name, t->name) <
		0)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "app", a->app->name, "key", t->name,
		"flags", a->flags->name, "arch", t->arch, "march", t->march, "option", option,
		"path", path);
}

static int add_archives(
	const struct project *p, const struct project_app *app, json_t *list, struct err *e)
{
	struct archive a = {.app = app};

	for (size_t t = 0; t < app->targets.len; t++) {
		int rc = project_target_find(p, app->targets.word[t], &a.target, e);

		for (size_t f = 0; f < app->flags.len && rc == 0; f++) {
			a.flags = project_flags(p, app->flags.word[f]);
			if (json_array_append_new(list, archive_json(p, &a)) < 0)
				rc = err_oom(e);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int print_json(const struct project *p, struct err *e)
{
	auto_json json_t *j = json_pack("{s:i, s:s, s:s, s:s, s:i, s:s, s:[]}", "format", 1, "file",
		p->file, "name", p->name, "provider", provider_name(p->provider), "parallel",
		(int)p->parallel, "dist", p->dist, "archives");
	int rc = j ? 0 : err_oom(e);

	for (size_t i = 0; i < p->n_apps && rc == 0; i++)
		rc = add_archives(p, &p->app[i], json_object_get(j, "archives"), e);
	return rc < 0 ? rc : json_print(j, stdout, e);
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

static int print_text(const struct project *p, struct err *e)
{
	const size_t n = count_archives(p);
	int rc = 0;

	printf("project    %s, '%s'\n", p->name, p->file);
	printf("provider   %s, at most %u worker%s at a time\n", provider_name(p->provider),
		p->parallel, plural(p->parallel));
	for (size_t i = 0; i < p->n_apps && rc == 0; i++)
		rc = print_app(p, &p->app[i], e);
	if (rc == 0)
		printf("archives   %zu in '%s'\n", n, p->dist);
	return rc;
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct validate_options *o = options;
	auto_project struct project p = {0};
	int rc = project_load(operands->argc > 0 ? operands->argv[0] : ".", &p, e);

	if (rc < 0)
		return rc;
	return o->json ? print_json(&p, e) : print_text(&p, e);
}

const struct command cmd_validate = {
	.name = "validate",
	.operands = "[PATH]",
	.summary = "read and check a project file",
	.opts = opts,
	.options_size = sizeof(struct validate_options),
	.max_operands = 1,
	.run = run,
};
