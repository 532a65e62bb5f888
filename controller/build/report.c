/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/build/report.h"

#include "common/auto.h"
#include "common/date.h"
#include "common/num.h"
#include "controller/build/artifact.h"
#include "controller/money.h"

#include <string.h>

#define FORMAT 1

static const char *const state_name[] = {
	[BUILD_WAITING] = "waiting",
	[BUILD_RUNNING] = "running",
	[BUILD_DONE] = "done",
	[BUILD_FAILED] = "failed",
};

static json_t *build_json(const struct build *b)
{
	char archive[ARTIFACT_NAME];
	bool done = b->state == BUILD_DONE;

	artifact_name(b, ".tar.zst", archive);
	return json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s*, s:o*, s:o*, s:o*, s:o*}", "app",
		b->app->name, "target", b->target.name, "flags", b->flags->name, "state",
		state_name[b->state], "archive", done ? archive : NULL, "sha256",
		done ? b->digest : NULL, "bytes", done ? json_integer((json_int_t)b->bytes) : NULL,
		"seconds", b->took ? json_real((double)(b->took / NSEC_PER_MSEC) / 1000.0) : NULL,
		"place", *b->place ? json_string_lossy(b->place) : NULL, "why",
		*b->why ? json_string_lossy(b->why) : NULL);
}

static json_t *planned_json(const struct build *b, size_t worker)
{
	char archive[ARTIFACT_NAME], option[TARGET_NAME + 8];

	target_option(&b->target, option);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "app", b->app->name, "target",
		b->target.name, "flags", b->flags->name, "arch", b->target.arch, "march",
		b->target.march, "option", option, "archive", artifact_name(b, ".tar.zst", archive),
		"worker", (json_int_t)worker);
}

int report_planned(const struct matrix *m, json_t **ret, struct err *e)
{
	auto_json json_t *list = json_array();

	for (size_t i = 0; i < m->n_crews; i++) {
		for (size_t k = 0; k < m->crew[i].n; k++) {
			json_t *o = planned_json(m->crew[i].build[k], i + 1);

			if (json_array_append_new(list, o) < 0)
				return err_oom(e);
		}
	}
	*ret = take_ptr(list);
	return 0;
}

int report_json(const struct report *r, json_t **ret, struct err *e)
{
	auto_json json_t *all = NULL, *builds = json_array();
	char started[DATE_TEXT], ended[DATE_TEXT];

	for (size_t i = 0; i < r->matrix->n; i++) {
		if (json_array_append_new(builds, build_json(&r->matrix->build[i])) < 0)
			return err_oom(e);
	}
	all = json_pack("{s:i, s:o, s:s, s:s, s:s, s:s, s:f, s:O}", "format", FORMAT, "project",
		json_string_lossy(r->project->name), "run", r->run, "provider",
		provider_name(r->project->provider), "started", date_text(r->started, started),
		"ended", date_text(r->ended, ended), "cost_usd", (double)r->cost / MONEY_DOLLAR,
		"builds", builds);
	if (!all)
		return err_oom(e);
	*ret = take_ptr(all);
	return 0;
}

int report_event(const struct build *b, json_t **ret, struct err *e)
{
	json_t *event = build_json(b);

	if (!event || json_object_set_new(event, "event", json_string("built")) < 0) {
		json_decref(event);
		return err_oom(e);
	}
	*ret = event;
	return 0;
}

static bool is_text(const json_t *event, const char *key, const char *value)
{
	const char *text = json_string_value(json_object_get(event, key));

	return text && strcmp(text, value) == 0;
}

static void resume_build(struct build *b, const json_t *event, const char *dist)
{
	const char *digest = json_string_value(json_object_get(event, "sha256"));
	const char *place = json_string_value(json_object_get(event, "place"));

	if (!digest || strlen(digest) != sizeof(b->digest) - 1)
		return;
	memcpy(b->digest, digest, sizeof(b->digest));
	if (!artifact_is_there(dist, b))
		return;
	b->state = BUILD_DONE;
	b->told = true;
	snprintf(b->place, sizeof(b->place), "%s", place ? place : "");
}

void report_resume(struct matrix *m, const json_t *events, const char *dist)
{
	size_t i;
	json_t *event;

	json_array_foreach(events, i, event)
	{
		if (!is_text(event, "event", "built") || !is_text(event, "state", "done"))
			continue;
		for (size_t n = 0; n < m->n; n++) {
			struct build *b = &m->build[n];

			if (is_text(event, "app", b->app->name) &&
				is_text(event, "target", b->target.name) &&
				is_text(event, "flags", b->flags->name))
				resume_build(b, event, dist);
		}
	}
}
