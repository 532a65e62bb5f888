/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/ecs.h"
#include "agent/host.h"
#include "agent/identity.h"
#include "agent/match.h"
#include "agent/mnt.h"
#include "agent/plan.h"
#include "agent/settings.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/json.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

struct plan_options {
	const char *root;
	const char *instance_type;
	const char *choose;
	bool json;
};

static const struct plan_options defaults = {.root = "/"};

#define AT(field) offsetof(struct plan_options, field)

/* clang-format off */
static const struct opt opts[] = {
	{OPT_STRING, 0, "choose", AT(choose), "DIR",
		"print app and archive, a line each, that 'prepare' would take were they in DIR"},
	{OPT_STRING, 0, "instance-type", AT(instance_type), "TYPE",
		"take this instance type instead of what the machine tells"},
	{OPT_FLAG, 0, "json", AT(json), NULL, "print JSON"},
	{OPT_STRING, 0, "root", AT(root), "DIR", "read beneath DIR instead of /"},
	{0},
};
/* clang-format on */

/* All that the plan is made of, and what comes of it. */
struct planned {
	bool native; /* this machine, not a root directory that stands for another */
	char path[PATH_MAX];
	struct settings settings;
	struct identity identity;
	struct host host;
	struct cpu cpu;
	struct mnt_live live;
	struct tmpfs_plan plan;
	struct mnt_options options;
	struct match match;
	struct ecs_figures ecs;
};

static void planned_free(struct planned *p)
{
	match_free(&p->match);
	settings_free(&p->settings);
}

static int look(const struct plan_options *o, int root, struct planned *p, struct err *e)
{
	int rc = settings_load(root, &p->settings, e);

	if (rc < 0)
		return rc;
	if (snprintf(p->path, sizeof(p->path), "%s%s", p->native ? "" : o->root,
		    p->settings.path) >= (int)sizeof(p->path))
		return err_set(
			e, ERR_USAGE, ENAMETOOLONG, "plan: '%.64s…' is too long a path", o->root);
	rc = identity_local(root, &p->settings, o->instance_type, &p->identity, e);
	if (rc == 0)
		rc = host_read(root, &p->host, e);
	if (rc == 0)
		rc = cpu_read(root, p->native, &p->cpu, e);
	if (rc == 0)
		rc = mnt_live(p->path, &p->live, e);
	return rc;
}

static int decide(int root, struct planned *p, struct err *e)
{
	const struct match_machine machine = {
		.instance_type = p->identity.instance_type.value, .cpu = &p->cpu};
	const struct plan_held held = {.bytes = p->live.used, .inodes = p->live.used_inodes};
	int rc = 0;

	plan_size(&p->host, &p->settings, &held, &p->plan);
	if (p->plan.fits)
		mnt_options_wanted(&p->plan, p->settings.context, &p->options);
	if (p->plan.fits && p->native)
		rc = mnt_probe(&p->plan, p->settings.context, &p->options, e);
	ecs_figures(&p->plan, &p->settings, p->live.used, &p->ecs);
	return rc < 0 ? rc : match_scan(root, &p->settings, &machine, &p->match, e);
}

static json_t *strings_json(const char (*text)[MNT_OPTION_TEXT], unsigned n)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(a, json_string(text[i]));
	return a;
}

static json_t *candidates_json(const struct match *m)
{
	json_t *a = json_array();

	for (size_t i = 0; i < m->n; i++) {
		const struct candidate *c = &m->candidate[i];

		json_array_append_new(
			a, json_pack("{s:s, s:s, s:s, s:s, s:b, s:s}", "file", c->file, "app",
				   c->app, "key", c->key, "kind", key_kind_name(c->kind), "chosen",
				   c->chosen, "why_not", c->why_not));
	}
	return a;
}

static json_t *ecs_json(const struct ecs_figures *f)
{
	return json_pack("{s:I, s:b, s:I}", "reserved_memory_mib", (json_int_t)f->reserved_mib,
		"writable", f->writable, "job_memory_mib", (json_int_t)f->job_memory_mib);
}

static int print_json(const struct planned *p, struct err *e)
{
	const char *type = p->identity.instance_type.value;
	auto_json json_t *j = plan_json(&p->plan, &p->host);

	if (!j ||
		json_object_set_new(j, "instance_type", *type ? json_string(type) : json_null()) ||
		json_object_set_new(j, "path", json_string(p->settings.path)) ||
		json_object_set_new(
			j, "options", strings_json(p->options.taken, p->options.n_taken)) ||
		json_object_set_new(
			j, "dropped", strings_json(p->options.dropped, p->options.n_dropped)) ||
		json_object_set_new(j, "candidates", candidates_json(&p->match)) ||
		json_object_set_new(j, "ecs", ecs_json(&p->ecs)))
		return err_oom(e);
	return json_print(j, stdout, e);
}

static void print_machine(const struct planned *p)
{
	const struct host *h = &p->host;
	const char *type = p->identity.instance_type.value;

	printf("machine    %s, %s, %u vCPU%s, %u core%s, %u NUMA node%s\n",
		*type ? type : "unknown instance type",
		p->cpu.march ? p->cpu.march : "unknown core", h->vcpus, h->vcpus == 1 ? "" : "s",
		h->cores, h->cores == 1 ? "" : "s", h->numa_nodes, h->numa_nodes == 1 ? "" : "s");
}

static void print_term(const struct plan_term *t)
{
	char size[NUM_TEXT], text[NUM_TEXT + 1];

	num_size_text((uint64_t)(t->bytes < 0 ? -t->bytes : t->bytes), size);
	snprintf(text, sizeof(text), "%s%s", t->bytes < 0 ? "-" : "", size);
	printf("           %-46s %12s\n", t->name, text);
}

static void print_size(const struct planned *p)
{
	char size[NUM_TEXT], min[NUM_TEXT], zram[NUM_TEXT];

	num_size_text(p->plan.size, size);
	printf("size       %s and %" PRIu64 " inodes for '%s', decided by %s\n", size,
		p->plan.nr_inodes, p->settings.path, p->plan.bound);
	for (unsigned i = 0; i < p->plan.terms; i++)
		print_term(&p->plan.term[i]);
	if (!p->plan.fits)
		printf("           does not fit: 'shared-prep prepare' would %s (MinSize=%s)\n",
			p->live.mounted ? "leave the mount as it is" : "mount nothing and exit 4",
			num_size_text(p->plan.min_size, min));
	if (p->host.swap_zram)
		printf("           %s of swap are on zram: tmpfs swapped out stays in memory\n",
			num_size_text(p->host.swap_zram, zram));
}

static void print_options(const struct planned *p)
{
	if (!p->plan.fits)
		return;
	printf("options    ");
	for (unsigned i = 0; i < p->options.n_taken; i++)
		printf("%s,", p->options.taken[i]);
	puts("nosuid,nodev");
	for (unsigned i = 0; i < p->options.n_dropped; i++)
		printf("           without %s: this kernel does not take it\n",
			p->options.dropped[i]);
	if (!p->native)
		puts("           not tried, as this is another machine");
}

static void print_candidates(const struct match *m, const char *data)
{
	if (m->n == 0)
		printf("archives   none in '%s'\n", data);
	for (size_t i = 0; i < m->n; i++) {
		const struct candidate *c = &m->candidate[i];

		printf("%-10s %s: %s %s%s\n", i ? "" : "archives", c->app, c->file,
			c->chosen ? "is taken" : "is not taken: ", c->chosen ? "" : c->why_not);
	}
}

static void print_ecs(const struct ecs_figures *f)
{
	if (f->writable)
		printf("ecs        ECS_RESERVED_MEMORY=%" PRIu64, f->reserved_mib);
	else
		printf("ecs        %" PRIu64 " MiB to reserve, more than ECS_RESERVED_MEMORY can "
		       "say: not written",
			f->reserved_mib);
	printf("; a job definition may ask for %" PRIu64 " MiB\n", f->job_memory_mib);
}

/* As 'prepare' learns it: the metadata service is waited for only where nothing else tells. */
static int learn_type(const struct settings *s, struct identity *id, struct err *e)
{
	struct identity_query *query = NULL;
	int rc;

	if (*id->instance_type.value || id->metadata != METADATA_PENDING)
		return 0;
	rc = identity_query_start(id, s, &query, e);
	if (rc == 0 && identity_query_wait(query, CLOCK_FOREVER))
		identity_query_merge(query, id);
	identity_query_free(query);
	return rc;
}

static int choose(const struct plan_options *o, int root, struct planned *p, struct err *e)
{
	const struct match_machine machine = {
		.instance_type = p->identity.instance_type.value, .cpu = &p->cpu};
	int rc;

	free(p->settings.data);
	p->settings.data = strdup(o->choose);
	if (!p->settings.data)
		return err_oom(e);
	rc = learn_type(&p->settings, &p->identity, e);
	if (rc == 0)
		rc = match_scan(root, &p->settings, &machine, &p->match, e);
	if (rc == 0)
		rc = match_check(&p->match, e);
	for (size_t i = 0; rc == 0 && i < p->match.n; i++) {
		const struct candidate *c = &p->match.candidate[i];

		if (c->chosen)
			printf("%s\t%s\n", c->app, c->file);
	}
	return rc;
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct plan_options *o = options;
	__attribute__((cleanup(planned_free))) struct planned p = {
		.native = strcmp(o->root, "/") == 0};
	auto_close int root = -1;
	int rc = fs_root(o->root, &root, e);

	(void)operands;
	if (rc == 0)
		rc = look(o, root, &p, e);
	if (rc == 0 && o->choose)
		return choose(o, root, &p, e);
	if (rc == 0)
		rc = decide(root, &p, e);
	if (rc < 0)
		return rc;
	if (o->json)
		return print_json(&p, e);
	print_machine(&p);
	print_size(&p);
	print_options(&p);
	print_candidates(&p.match, p.settings.data);
	print_ecs(&p.ecs);
	return 0;
}

const struct command cmd_plan = {
	.name = "plan",
	.operands = "",
	.summary = "print the size, how it is derived, and which archives fit",
	.opts = opts,
	.options_size = sizeof(struct plan_options),
	.defaults = &defaults,
	.run = run,
};
