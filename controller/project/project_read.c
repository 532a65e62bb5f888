/* SPDX-License-Identifier: Apache-2.0 */
#include "common/num.h"
#include "controller/project/project_private.h"

#include <errno.h>
#include <string.h>

#define CALLER  "https://checkip.amazonaws.com"
#define TIMEOUT (2 * 3600 * NSEC_PER_SEC)
#define CFLAGS  "-O2"

#define AT(field)     offsetof(struct project, field)
#define APP(field)    offsetof(struct project_app, field)
#define FLAGS(field)  offsetof(struct project_flags, field)
#define TARGET(field) offsetof(struct project_target, field)
#define HOST(field)   offsetof(struct project_host, field)

/* clang-format off */
static const struct config_key keys[] = {
	{"project", "name", project_take_name, AT(name)},
	{"project", "provider", project_take_provider, AT(provider)},
	{"project", "parallel", project_take_parallel, AT(parallel)},
	{"project", "dist", project_take_path, AT(dist)},
	{"project", "agent", project_take_file, AT(agent)},
	{"aws", "region", project_take_word, AT(aws.region)},
	{"aws", "profile", project_take_text, AT(aws.profile)},
	{"aws", "base", project_take_base, AT(aws.base)},
	{"aws", "kernel", project_take_kernel, AT(aws.kernel)},
	{"aws", "subnets", project_take_subnets, AT(aws.subnets)},
	{"aws", "private_subnets", project_take_subnets, AT(aws.private_subnets)},
	{"aws", "tags", project_take_tags, AT(aws.tags)},
	{"aws", "caller_address", project_take_caller, AT(aws.caller_address)},
	{"aws", "bastion", project_take_address, AT(aws.bastion)},
	{"aws", "ssh_config", project_take_path, AT(aws.ssh_config)},
	{"aws", "user", project_take_user, AT(aws.user)},
	{"aws", "market", project_take_market, AT(aws.market)},
	{"aws", "max_price", project_take_price, AT(aws.max_price)},
	{"aws", "max_cost", project_take_price, AT(aws.max_cost)},
	{"aws", "volume", project_take_volume, AT(aws.volume)},
	{"aws", "lifetime", project_take_lifetime, AT(aws.lifetime)},
	{"aws", "vcpus", project_take_vcpus, AT(aws.vcpus)},
	{"image", "name", project_take_name, AT(image.name)},
	{"image", "base", project_take_image_base, AT(image.base)},
	{"image", "apps", config_list, AT(image.apps)},
	{"image", "flags", project_take_name, AT(image.flags)},
	{"image", "rpm", project_take_file, AT(image.rpm)},
	{"image", "repositories", project_take_file, AT(image.repositories)},
	{"image", "packages", project_take_packages, AT(image.packages)},
	{"image", "copy", project_take_file, AT(image.copy)},
	{"image", "config", project_take_path, AT(image.config)},
	{"image", "units", project_take_units, AT(image.units)},
	{"image", "ecs", project_take_ecs, AT(image.ecs)},
	{"image", "containers", project_take_containers, AT(image.containers)},
	{"image", "login", project_take_path, AT(image.login)},
	{"image", "before", project_take_path, AT(image.before)},
	{"image", "after", project_take_path, AT(image.after)},
	{"image", "check", project_take_path, AT(image.check)},
	{"image", "types", project_take_types, AT(image.types)},
	{"image", "size", project_take_size, AT(image.size)},
	{"image", "format", project_take_format, AT(image.format)},
	{"image", "regions", project_take_regions, AT(image.regions)},
	{"image", "accounts", project_take_accounts, AT(image.accounts)},
	{"image", "encrypt", project_take_yes, AT(image.encrypt)},
	{"image", "kms_key", project_take_word, AT(image.kms_key)},
	{"image", "deprecate", project_take_deprecate, AT(image.deprecate)},
	{"image", "iops", project_take_iops, AT(image.iops)},
	{"image", "throughput", project_take_throughput, AT(image.throughput)},
	{"image", "parameter", project_take_parameter, AT(image.parameter)},
	{"app", "source", project_take_path, APP(source)},
	{"app", "script", project_take_inner, APP(script)},
	{"app", "targets", config_list, APP(targets)},
	{"app", "flags", config_list, APP(flags)},
	{"app", "packages", project_take_packages, APP(packages)},
	{"app", "env", project_take_env, APP(env)},
	{"app", "entry", project_take_inner, APP(entry)},
	{"app", "version", project_take_text, APP(version)},
	{"app", "timeout", project_take_timeout, APP(timeout)},
	{"app", "level", project_take_level, APP(level)},
	{"flags", "cflags", project_take_flags, FLAGS(cflags)},
	{"flags", "cxxflags", project_take_flags, FLAGS(cxxflags)},
	{"flags", "fcflags", project_take_flags, FLAGS(fcflags)},
	{"flags", "ldflags", project_take_flags, FLAGS(ldflags)},
	{"flags", "env", project_take_env, FLAGS(env)},
	{"target", "march", project_take_word, TARGET(march)},
	{"target", "types", config_list, TARGET(types)},
	{"host", "address", project_take_address, HOST(address)},
	{"host", "targets", config_list, HOST(targets)},
	{0},
};
/* clang-format on */

/* *text is what is said, else that of which there is a copy. */
static int or_else(char **text, const char *otherwise, struct err *e)
{
	if (!*text)
		*text = strdup(otherwise);
	return *text ? 0 : err_oom(e);
}

static int app_init(void *item, struct err *e)
{
	struct project_app *a = item;

	(void)e;
	a->timeout = TIMEOUT;
	a->level = 19;
	return 0;
}

static const struct config_named named[] = {
	{"app", AT(app), AT(n_apps), sizeof(struct project_app), PROJECT_APPS, project_take_name,
		app_init},
	{"flags", AT(flags), AT(n_flags), sizeof(struct project_flags), PROJECT_FLAGS,
		project_take_name, NULL},
	{"target", AT(target), AT(n_targets), sizeof(struct project_target), PROJECT_TARGETS,
		project_take_name, NULL},
	{"host", AT(host), AT(n_hosts), sizeof(struct project_host), PROJECT_HOSTS,
		project_take_name, NULL},
	{0},
};

static int aws_defaults(struct project_aws *a, struct err *e)
{
	const struct {
		char **text;
		const char *otherwise;
	} rows[] = {
		{&a->region, ""},
		{&a->profile, ""},
		{&a->base, "al2023"},
		{&a->kernel, ""},
		{&a->caller_address, CALLER},
		{&a->bastion, ""},
		{&a->ssh_config, ""},
		{&a->user, ""},
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows) && rc == 0; i++)
		rc = or_else(rows[i].text, rows[i].otherwise, e);
	return rc;
}

/* The set that is there without a section. */
static int add_default_flags(struct project *p, struct err *e)
{
	struct project_flags *f;

	if (project_flags(p, PROJECT_DEFAULT_FLAGS))
		return 0;
	f = reallocarray(p->flags, p->n_flags + 1, sizeof(*f));
	if (!f)
		return err_oom(e);
	p->flags = f;
	f += p->n_flags++;
	*f = (struct project_flags){.name = strdup(PROJECT_DEFAULT_FLAGS)};
	return f->name ? 0 : err_oom(e);
}

static int flags_defaults(struct project_flags *f, struct err *e)
{
	int rc = or_else(&f->cflags, CFLAGS, e);

	if (rc == 0)
		rc = or_else(&f->cxxflags, f->cflags, e);
	if (rc == 0)
		rc = or_else(&f->fcflags, f->cflags, e);
	return rc < 0 ? rc : or_else(&f->ldflags, "", e);
}

static int app_defaults(struct project_app *a, struct err *e)
{
	int rc = or_else(&a->entry, "", e);

	if (rc == 0)
		rc = or_else(&a->version, "", e);
	if (rc == 0 && a->flags.len == 0)
		rc = config_list(PROJECT_DEFAULT_FLAGS, &a->flags, e);
	return rc;
}

static int defaults(struct project *p, struct err *e)
{
	const char *slash = strrchr(p->dir, '/');
	int rc = or_else(&p->name, slash ? slash + 1 : p->dir, e);

	if (rc == 0)
		rc = or_else(&p->dist, "dist", e);
	if (rc == 0)
		rc = aws_defaults(&p->aws, e);
	if (rc == 0)
		rc = project_image_defaults(p, e);
	if (rc == 0)
		rc = add_default_flags(p, e);
	for (size_t i = 0; i < p->n_flags && rc == 0; i++)
		rc = flags_defaults(&p->flags[i], e);
	for (size_t i = 0; i < p->n_targets && rc == 0; i++)
		rc = or_else(&p->target[i].march, "", e);
	for (size_t i = 0; i < p->n_apps && rc == 0; i++)
		rc = app_defaults(&p->app[i], e);
	return rc;
}

int project_make_absolute(const struct project *p, char **path, struct err *e)
{
	char *joined = NULL;

	if (!*path || !**path || **path == '/')
		return 0;
	if (asprintf(&joined, "%s/%s", strcmp(p->dir, "/") == 0 ? "" : p->dir, *path) < 0)
		return err_oom(e);
	free(*path);
	*path = joined;
	return 0;
}

int project_read(struct project *p, struct config_lines *lines, struct err *e)
{
	static const struct config_schema schema = {keys, named};
	int rc;

	p->parallel = 16;
	p->aws.volume = 16 * GIB;
	p->aws.lifetime = 1800 * NSEC_PER_SEC;
	p->aws.vcpus = 4;
	rc = config_load_named(p->file, &schema, p, lines, e);
	p->image.there = config_line(lines, "image", "", NULL) > 0;
	if (rc == 0)
		rc = defaults(p, e);
	if (rc == 0)
		rc = project_make_absolute(p, &p->dist, e);
	if (rc == 0)
		rc = project_make_absolute(p, &p->aws.ssh_config, e);
	if (rc == 0)
		rc = project_image_paths(p, e);
	for (size_t i = 0; i < p->agent.len && rc == 0; i++)
		rc = project_make_absolute(p, &p->agent.word[i], e);
	for (size_t i = 0; i < p->n_apps && rc == 0; i++)
		rc = project_make_absolute(p, &p->app[i].source, e);
	return rc;
}
