/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/mnt.h"
#include "agent/publish.h"
#include "agent/settings.h"
#include "common/fs.h"
#include "common/json.h"

#include <errno.h>
#include <string.h>

#define FACTS_MAX (256 * KIB)

struct status_options {
	const char *root;
	bool json;
};

static const struct status_options defaults = {.root = "/"};

static const struct opt opts[] = {
	{OPT_FLAG, 0, "json", offsetof(struct status_options, json), NULL, "print JSON"},
	{OPT_STRING, 0, "root", offsetof(struct status_options, root), "DIR",
		"look beneath DIR instead of /"},
	{0},
};

struct status {
	bool ready;
	char path[512];
	struct mnt_live live;
	json_t *facts; /* NULL: none published yet */
};

static void status_free(struct status *s)
{
	json_decref(s->facts);
}

static int status_read(const char *root, struct status *ret, struct err *e)
{
	auto_settings struct settings s = {0};
	auto_buf struct buf text = BUF_INIT(FACTS_MAX);
	auto_close int rootfd = -1;
	int rc = fs_root(root, &rootfd, e);

	if (rc == 0)
		rc = settings_load(rootfd, &s, e);
	if (rc < 0)
		return rc;
	snprintf(ret->path, sizeof(ret->path), "%s%s", strcmp(root, "/") == 0 ? "" : root, s.path);
	ret->ready = fs_exists(rootfd, PUBLISH_RUN "/ready");
	rc = mnt_live(ret->path, &ret->live, e);
	ret->ready = ret->ready && ret->live.mounted;
	if (rc < 0 || !fs_exists(rootfd, PUBLISH_RUN "/facts.json"))
		return rc;
	rc = fs_read(rootfd, PUBLISH_RUN "/facts.json", &text, e);
	return rc < 0 ? rc : json_parse(text.data, text.len, "facts.json", &ret->facts, e);
}

static int print_json(const struct status *s, struct err *e)
{
	auto_json json_t *j = json_pack("{s:i, s:b, s:b, s:I, s:I, s:I, s:I, s:O?}", "format", 1,
		"ready", s->ready, "mounted", s->live.mounted, "size_bytes",
		(json_int_t)s->live.size, "used_bytes", (json_int_t)s->live.used, "nr_inodes",
		(json_int_t)s->live.nr_inodes, "used_inodes", (json_int_t)s->live.used_inodes,
		"facts", s->facts);

	return j ? json_print(j, stdout, e) : err_oom(e);
}

static const char *fact_text(const json_t *facts, const char *name)
{
	const char *text = json_string_value(json_object_get(facts, name));

	return text ? text : "unknown";
}

static void print_apps(const json_t *facts)
{
	const char *name;
	json_t *app;

	json_object_foreach(json_object_get(facts, "apps"), name, app)
	{
		printf("app        %s: %s\n", name, fact_text(app, "path"));
	}
}

static void print_text(const struct status *s)
{
	char size[NUM_TEXT], used[NUM_TEXT];

	printf("state      %s\n", s->ready ? "ready" : "not ready");
	if (!s->live.mounted)
		printf("mount      nothing at '%s'\n", s->path);
	else
		printf("mount      '%s': %s of %s used, %llu of %llu inodes\noptions    %s\n",
			s->path, num_size_text(s->live.used, used),
			num_size_text(s->live.size, size), (unsigned long long)s->live.used_inodes,
			(unsigned long long)s->live.nr_inodes, s->live.options);
	if (!s->facts)
		return;
	printf("machine    %s %s, %s, metadata %s\n", fact_text(s->facts, "cloud"),
		fact_text(s->facts, "instance_type"), fact_text(s->facts, "march"),
		fact_text(s->facts, "metadata"));
	print_apps(s->facts);
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct status_options *o = options;
	__attribute__((cleanup(status_free))) struct status s = {0};
	int rc = status_read(o->root, &s, e);

	(void)operands;
	if (rc < 0)
		return rc;
	if (o->json) {
		rc = print_json(&s, e);
		if (rc < 0)
			return rc;
	} else {
		print_text(&s);
	}
	if (!s.ready)
		return err_set(e, ERR_TRANSIENT, EAGAIN,
			"status: not ready: see 'systemctl status shared-prep' or run 'shared-prep prepare'");
	return 0;
}

const struct command cmd_status = {
	.name = "status",
	.operands = "",
	.summary = "tell whether the machine is ready and what is mounted",
	.opts = opts,
	.options_size = sizeof(struct status_options),
	.defaults = &defaults,
	.run = run,
};
