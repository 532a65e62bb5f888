/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/publish.h"

#include "common/fs.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define FACTS_FORMAT  1
#define FACTS_MAX     (256 * KIB)
#define SHARED_FOLDER ".shared-prep"

static json_t *text_or_null(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

static json_t *levels_json(const struct cpu *cpu)
{
	const char *level[5];
	json_t *a = json_array();

	cpu_levels(cpu, level);
	for (unsigned i = 0; level[i]; i++)
		json_array_append_new(a, json_string(level[i]));
	return a;
}

static void append_feature(const char *name, void *ctx)
{
	json_array_append_new(ctx, json_string(name));
}

static json_t *features_json(const struct cpu *cpu)
{
	json_t *a = json_array();

	cpu_each_feature(cpu->arch, &cpu->features, append_feature, a);
	return a;
}

static json_t *options_json(const char (*text)[MNT_OPTION_TEXT], unsigned n)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(a, json_string(text[i]));
	return a;
}

static json_t *shared_json(const struct facts *f)
{
	static const struct mnt_options none;
	const struct mnt_options *o = f->options ? f->options : &none;

	if (!f->live || !f->live->mounted)
		return json_null();
	return json_pack("{s:s, s:I, s:I, s:o, s:o}", "path", f->shared_path, "size_bytes",
		(json_int_t)f->live->size, "nr_inodes", (json_int_t)f->live->nr_inodes, "options",
		options_json(o->taken, o->n_taken), "dropped",
		options_json(o->dropped, o->n_dropped));
}

static json_t *reserve_json(const struct tmpfs_plan *p)
{
	if (!p)
		return json_null();
	return json_pack("{s:I, s:I}", "system_bytes", (json_int_t)p->system, "jobs_bytes",
		(json_int_t)p->jobs);
}

static json_t *apps_json(const struct facts *f)
{
	json_t *apps = json_object();

	for (size_t i = 0; i < f->n_apps; i++)
		json_object_set_new(apps, f->app[i].name,
			json_pack("{s:s, s:s, s:o}", "key", f->app[i].key, "path", f->app[i].path,
				"digest", text_or_null(f->app[i].digest)));
	return apps;
}

static void set_fact(json_t *facts, json_t *sources, const char *name, const struct fact *fact)
{
	json_object_set_new(facts, name, text_or_null(fact->value));
	if (fact->source)
		json_object_set_new(sources, name, json_string(fact->source));
}

/* The states of the contract: nothing to ask is "absent", an answer still awaited "timeout". */
static const char *metadata_text(enum metadata_state s)
{
	if (s == METADATA_NONE)
		s = METADATA_ABSENT;
	if (s == METADATA_PENDING)
		s = METADATA_TIMEOUT;
	return metadata_state_name(s);
}

json_t *facts_json(const struct facts *f)
{
	const struct identity *id = f->identity;
	json_t *j = json_pack("{s:i, s:s}", "format", FACTS_FORMAT, "cloud", cloud_name(id->cloud));
	json_t *sources = json_object();

	if (!j || !sources)
		return NULL;
	if (id->cloud_source)
		json_object_set_new(sources, "cloud", json_string(id->cloud_source));
	set_fact(j, sources, "instance_type", &id->instance_type);
	set_fact(j, sources, "instance_id", &id->instance_id);
	set_fact(j, sources, "region", &id->region);
	set_fact(j, sources, "zone", &id->zone);
	set_fact(j, sources, "image_id", &id->image_id);
	set_fact(j, sources, "lifecycle", &id->lifecycle);
	json_object_set_new(j, "arch", json_string(cpu_arch_name(f->cpu->arch)));
	json_object_set_new(j, "march", text_or_null(f->cpu->march));
	json_object_set_new(j, "levels", levels_json(f->cpu));
	json_object_set_new(j, "features", features_json(f->cpu));
	json_object_set_new(sources, "march", json_string(f->cpu->source));
	json_object_set_new(j, "vcpus", json_integer(f->host->vcpus));
	json_object_set_new(j, "cores", json_integer(f->host->cores));
	json_object_set_new(j, "numa_nodes", json_integer(f->host->numa_nodes));
	json_object_set_new(j, "mem_total_bytes", json_integer((json_int_t)f->host->mem_total));
	json_object_set_new(sources, "mem_total_bytes", json_string("/proc/meminfo"));
	json_object_set_new(j, "shared", shared_json(f));
	json_object_set_new(j, "reserve", reserve_json(f->plan));
	json_object_set_new(j, "apps", apps_json(f));
	json_object_set_new(j, "metadata", json_string(metadata_text(id->metadata)));
	json_object_set_new(j, "sources", sources);
	return j;
}

/* SHARED_PREP_OUTER_INNER="value", quoted for shells and EnvironmentFile= alike. */
static int add_variable(struct buf *out, const char *outer, const char *inner, const char *value)
{
	int rc = buf_adds(out, "SHARED_PREP_");

	for (const char *p = outer; rc == 0 && *p; p++)
		rc = buf_addf(out, "%c", toupper((unsigned char)*p));
	if (rc == 0 && *inner)
		rc = buf_adds(out, "_");
	for (const char *p = inner; rc == 0 && *p; p++)
		rc = buf_addf(out, "%c", toupper((unsigned char)*p));
	if (rc == 0)
		rc = buf_adds(out, "=\"");
	for (const char *p = value; rc == 0 && *p; p++)
		rc = strchr("\"\\$`", *p) ? buf_addf(out, "\\%c", *p) : buf_add(out, p, 1);
	return rc == 0 ? buf_adds(out, "\"\n") : rc;
}

static int add_scalar(struct buf *out, const char *outer, const char *inner, const json_t *v)
{
	char number[NUM_TEXT];

	if (json_is_string(v))
		return add_variable(out, outer, inner, json_string_value(v));
	if (!json_is_integer(v))
		return 0;
	snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	return add_variable(out, outer, inner, number);
}

int facts_environment(const json_t *facts, struct buf *out, struct err *e)
{
	const char *key, *inner;
	json_t *value, *member;

	json_object_foreach((json_t *)facts, key, value)
	{
		if (add_scalar(out, key, "", value) < 0)
			return err_oom(e);
		if (strcmp(key, "shared") != 0 && strcmp(key, "reserve") != 0)
			continue;
		json_object_foreach(value, inner, member)
		{
			if (add_scalar(out, key, inner, member) < 0)
				return err_oom(e);
		}
	}
	return 0;
}

static int write_file(
	int rootfd, const char *dir, const char *name, const struct buf *text, struct err *e)
{
	auto_buf struct buf path = BUF_INIT(PATH_MAX);

	if (buf_addf(&path, "%s/%s", dir, name) < 0)
		return err_oom(e);
	return fs_write_changed(rootfd, buf_str(&path), 0644, text, e);
}

int publish_facts(int rootfd, const struct facts *f, struct err *e)
{
	auto_json json_t *facts = facts_json(f);
	auto_buf struct buf json = BUF_INIT(FACTS_MAX);
	auto_buf struct buf environment = BUF_INIT(FACTS_MAX);
	auto_buf struct buf shared = BUF_INIT(PATH_MAX);
	int rc;

	if (!facts || buf_addf(&shared, "%s/" SHARED_FOLDER, f->shared_path) < 0)
		return err_oom(e);
	rc = json_text(facts, &json, e);
	if (rc == 0)
		rc = facts_environment(facts, &environment, e);
	const char *const dir[] = {PUBLISH_RUN, buf_str(&shared)};
	for (unsigned i = 0; rc == 0 && i < ARRAY_LEN(dir); i++) {
		rc = fs_mkdir_p(rootfd, dir[i], 0755, e);
		if (rc == 0)
			rc = write_file(rootfd, dir[i], "environment", &environment, e);
		if (rc == 0)
			rc = write_file(rootfd, dir[i], "facts.json", &json, e);
	}
	return rc < 0 ? err_ctx(e, "publish") : 0;
}
