/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/listing.h"

#include "agent/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct names {
	char **name;
	size_t n, max;
};

static void names_free(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->name[i]);
	free(l->name);
}

static int keep(const char *name, void *ctx)
{
	struct names *l = ctx;

	if (l->n == l->max) {
		char **more = reallocarray(l->name, 2 * l->max + 64, sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->name = more;
		l->max = 2 * l->max + 64;
	}
	l->name[l->n] = strdup(name);
	return l->name[l->n] ? (l->n++, 0) : -ENOMEM;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void describe(
	const struct spool *s, enum spool_place place, const char *id, struct listed *ret)
{
	struct err ignored = ERR_INIT;
	auto_close int dir = -1;
	int folder = place == SPOOL_DONE ? s->done : s->failed;

	*ret = (struct listed){.id = id};
	if (place == SPOOL_NEW)
		ret->state = "queued";
	else if (place == SPOOL_RUN)
		ret->state = "running";
	else
		ret->state = place == SPOOL_DONE ? "done" : "failed";
	if (place == SPOOL_NEW || place == SPOOL_RUN)
		return;
	ret->has_result = rundir_open(folder, id, &dir, &ignored) == 0 &&
			  result_read(dir, &ret->result, &ignored) == 0;
	if (ret->has_result)
		ret->state = job_state_name(ret->result.state);
}

bool listing_one(const struct spool *s, const char *id, struct listed *ret)
{
	enum spool_place place = spool_find(s, id);

	if (place != SPOOL_NOWHERE)
		describe(s, place, id, ret);
	return place != SPOOL_NOWHERE;
}

static int each_of(const struct spool *s, int folder, enum spool_place place,
	int (*job)(const struct listed *j, void *ctx), void *ctx, struct err *e)
{
	__attribute__((cleanup(names_free))) struct names l = {.n = 0};
	int rc = spool_each(folder, keep, &l, e);

	if (rc < 0)
		return rc == -ENOMEM ? err_oom(e) : rc;
	if (l.n > 0)
		qsort(l.name, l.n, sizeof(*l.name), by_name);
	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		struct listed j;

		describe(s, place, l.name[i], &j);
		rc = job(&j, ctx);
	}
	return rc;
}

int listing_each(const struct spool *s, int (*job)(const struct listed *j, void *ctx), void *ctx,
	struct err *e)
{
	int rc = each_of(s, s->done, SPOOL_DONE, job, ctx, e);

	if (rc == 0)
		rc = each_of(s, s->failed, SPOOL_FAILED, job, ctx, e);
	if (rc == 0)
		rc = each_of(s, s->run, SPOOL_RUN, job, ctx, e);
	return rc == 0 ? each_of(s, s->new, SPOOL_NEW, job, ctx, e) : rc;
}

/* What stands in new/ may have any name. */
static json_t *text_json(const char *s)
{
	json_t *j = json_string(s);

	return j ? j : json_string("?");
}

json_t *listing_json(const struct listed *j)
{
	const struct job_result *r = &j->result;
	json_t *o = json_object();

	json_object_set_new(o, "id", text_json(j->id));
	json_object_set_new(o, "state", json_string(j->state));
	if (!j->has_result)
		return o;
	json_object_set_new(o, "name", *r->name ? text_json(r->name) : json_null());
	json_object_set_new(o, "uid", json_integer(r->uid));
	json_object_set_new(o, "reason", *r->reason ? text_json(r->reason) : json_null());
	json_object_set_new(o, "exit", r->exit >= 0 ? json_integer(r->exit) : json_null());
	json_object_set_new(o, "signal", r->signal ? json_integer(r->signal) : json_null());
	json_object_set_new(o, "submitted", json_real(r->submitted));
	json_object_set_new(o, "started", r->started > 0 ? json_real(r->started) : json_null());
	json_object_set_new(o, "ended", json_real(r->ended));
	json_object_set_new(o, "wall_s", json_real(r->wall_s));
	json_object_set_new(o, "user_s", json_real(r->user_s));
	json_object_set_new(o, "system_s", json_real(r->system_s));
	json_object_set_new(o, "peak_memory_bytes", json_integer((json_int_t)r->peak_memory));
	json_object_set_new(o, "output_bytes", json_integer((json_int_t)r->output));
	return o;
}
