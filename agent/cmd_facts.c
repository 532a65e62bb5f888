/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/publish.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/log.h"

#include <string.h>

#define TIMEOUT_AS_CONFIGURED UINT64_MAX
#define LINE_MAX_BYTES        (16 * KIB)

struct facts_options {
	const char *root;
	const char *instance_type;
	uint64_t timeout; /* ns */
	bool no_metadata;
	bool json;
};

static const struct facts_options defaults = {.root = "/", .timeout = TIMEOUT_AS_CONFIGURED};

#define AT(field) offsetof(struct facts_options, field)

/* clang-format off */
static const struct opt opts[] = {
	{OPT_STRING, 0, "instance-type", AT(instance_type), "TYPE",
		"take this instance type instead of what the machine tells"},
	{OPT_FLAG, 0, "json", AT(json), NULL, "print JSON"},
	{OPT_FLAG, 0, "no-metadata", AT(no_metadata), NULL,
		"do not ask the cloud's metadata service"},
	{OPT_STRING, 0, "root", AT(root), "DIR",
		"read beneath DIR instead of /; no metadata service is asked"},
	{OPT_DURATION, 0, "timeout", AT(timeout), "TIME",
		"wait so long for the metadata service instead of [Metadata] Timeout="},
	{0},
};
/* clang-format on */

/* All that facts are made of. */
struct gathered {
	struct settings settings;
	struct identity identity;
	struct host host;
	struct cpu cpu;
};

static void gathered_free(struct gathered *g)
{
	settings_free(&g->settings);
}

static int ask_metadata(struct gathered *g, struct err *e)
{
	struct identity_query *q = NULL;
	int rc;

	if (g->identity.metadata != METADATA_PENDING)
		return 0;
	rc = identity_query_start(&g->identity, &g->settings, &q, e);
	if (rc < 0)
		return rc;
	identity_query_wait(q, CLOCK_FOREVER);
	identity_query_merge(q, &g->identity);
	identity_query_free(q);
	return 0;
}

static int gather(const struct facts_options *o, struct gathered *g, struct err *e)
{
	auto_close int root = -1;
	int rc = fs_root(o->root, &root, e);

	if (rc == 0)
		rc = settings_load(root, &g->settings, e);
	if (rc < 0)
		return rc;
	if (o->no_metadata)
		g->settings.metadata_timeout = 0;
	else if (o->timeout != TIMEOUT_AS_CONFIGURED)
		g->settings.metadata_timeout = o->timeout;
	rc = identity_local(root, &g->settings, o->instance_type, &g->identity, e);
	if (rc == 0)
		rc = host_read(root, &g->host, e);
	if (rc == 0)
		rc = cpu_read(root, strcmp(o->root, "/") == 0, &g->cpu, e);
	return rc == 0 ? ask_metadata(g, e) : rc;
}

/* The value as one line: an array's words, a number, "unknown" for null. */
static int value_text(const json_t *value, struct buf *out)
{
	const json_t *word;
	size_t i;
	int rc = 0;

	if (json_is_string(value))
		return buf_adds(out, json_string_value(value));
	if (json_is_integer(value))
		return buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	if (!json_is_array(value) || json_array_size(value) == 0)
		return buf_adds(out, json_is_array(value) ? "none" : "unknown");
	json_array_foreach(value, i, word)
	{
		if (rc == 0)
			rc = buf_addf(out, "%s%s", i ? " " : "", json_string_value(word));
	}
	return rc;
}

/* "instance_type    c5n.18xlarge  (dmi)"; what is an object is not this command's to tell. */
static int print_line(const char *name, const json_t *value, const char *source, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(LINE_MAX_BYTES);

	if (json_is_object(value) || strcmp(name, "format") == 0)
		return 0;
	if (value_text(value, &text) < 0)
		return err_oom(e);
	printf("%-16s %s", name, buf_str(&text));
	if (source)
		printf("  (%s)", source);
	putchar('\n');
	return 0;
}

static int print_lines(const json_t *facts, struct err *e)
{
	static const char *const objects[] = {"shared", "reserve", "apps", "sources"};
	const json_t *sources = json_object_get(facts, "sources");
	const char *name;
	json_t *value;
	int rc = 0;

	json_object_foreach((json_t *)facts, name, value)
	{
		bool skip = false;

		for (size_t i = 0; i < ARRAY_LEN(objects); i++)
			skip = skip || strcmp(name, objects[i]) == 0;
		if (rc == 0 && !skip)
			rc = print_line(
				name, value, json_string_value(json_object_get(sources, name)), e);
	}
	return rc;
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct facts_options *o = options;
	__attribute__((cleanup(gathered_free))) struct gathered g = {0};
	auto_json json_t *facts = NULL;
	int rc = gather(o, &g, e);

	(void)operands;
	if (rc < 0)
		return rc;
	facts = facts_json(&(struct facts){
		.identity = &g.identity,
		.host = &g.host,
		.cpu = &g.cpu,
		.shared_path = g.settings.path,
	});
	if (!facts)
		return err_oom(e);
	if (*g.identity.metadata_detail)
		log_warning("metadata %s: %s", metadata_state_name(g.identity.metadata),
			g.identity.metadata_detail);
	return o->json ? json_print(facts, stdout, e) : print_lines(facts, e);
}

const struct command cmd_facts = {
	.name = "facts",
	.operands = "",
	.summary = "print what is known of this machine, and from where",
	.opts = opts,
	.options_size = sizeof(struct facts_options),
	.defaults = &defaults,
	.run = run,
};
