/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unit_runner.h"

#include <string.h>
#include <sys/inotify.h>

/* A result that was there at the end of the lock is the recorder's, and the unit ends well by
 * itself. One that came later is waited for until the unit is over, and may be forgotten. */
enum unit_next unit_next_of(enum rundir_state folder, enum unit_life life)
{
	static const enum unit_next after[] = {
		[RUNDIR_EMPTY] = UNIT_NOT_BEGUN,
		[RUNDIR_CLAIMED] = UNIT_NOT_BEGUN,
		[RUNDIR_DEAD] = UNIT_RECORD,
		[RUNDIR_ENDED] = UNIT_ENDED,
	};

	if (folder == RUNDIR_RUNNING)
		return UNIT_WAIT;
	if (life == UNIT_LIFE_OVER || (folder == RUNDIR_ENDED && life == UNIT_LIFE_UNKNOWN))
		return after[folder];
	return UNIT_FOLLOW;
}

int runner_folder(const struct runner *r, int *ret_dir, enum rundir_state *ret,
	struct rundir_lock *ret_lock, struct err *e)
{
	auto_close int dir = -1;
	int rc = rundir_open(r->x->setup.spool->run, r->id, &dir, e);

	if (rc == 0)
		rc = rundir_state(dir, ret, ret_lock, e);
	if (rc == 0)
		*ret_dir = take_fd(&dir);
	return rc;
}

void runner_free(struct runner *r)
{
	struct runner **p = &r->x->first;

	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
	if (r->wd >= 0)
		inotify_rm_watch(r->x->inotify, r->wd);
	bus_unit_free(r->unit);
	free(r);
}

/* The last that happens to a runner. */
static void end(struct runner *r, struct executor_ended *ended)
{
	struct executor *x = r->x;

	memcpy(ended->id, r->id, sizeof(ended->id));
	runner_free(r);
	x->setup.ended(ended, x->setup.ctx);
}

static void end_unknown(struct runner *r, const char *why)
{
	struct executor_ended ended = {.known = false};

	snprintf(ended.why, sizeof(ended.why), "%s", why);
	end(r, &ended);
}

static void end_with_result(struct runner *r, int dir)
{
	struct executor_ended ended = {.known = true};
	struct job_result result;
	struct err e = ERR_INIT;

	if (result_read(dir, &result, &e) < 0) {
		end_unknown(r, "");
		return;
	}
	ended.state = result.state;
	ended.kept = rundir_size(dir);
	snprintf(ended.why, sizeof(ended.why), "%.*s", (int)sizeof(ended.why) - 1, result.reason);
	end(r, &ended);
}

static void record(struct runner *r, int dir, const struct unit_state *s)
{
	struct job_result result;
	struct err e = ERR_INIT;

	if (unit_record_write(dir, r->id, &s->end, &s->used, &r->x->machine, &result, &e) < 0)
		end_unknown(r, e.msg);
	else
		end_with_result(r, dir);
}

static void not_begun(struct runner *r, const struct unit_state *s)
{
	char why[128];

	snprintf(why, sizeof(why), "its unit did not begin: %.90s",
		*r->refused ? r->refused : s->end.result);
	end_unknown(r, why);
}

void runner_follow(struct runner *r)
{
	struct err ignored = ERR_INIT;

	r->followed = true;
	if (bus_unit_follow(r->unit, &ignored) < 0)
		return;
}

static void act(struct runner *r, int dir, enum unit_next next, const struct unit_state *s)
{
	if (s && s->failed)
		bus_unit_reset(r->unit);
	switch (next) {
	case UNIT_WAIT:
		break;
	case UNIT_FOLLOW:
		if (!s)
			runner_follow(r);
		break;
	case UNIT_ENDED:
		end_with_result(r, dir);
		break;
	case UNIT_RECORD:
		record(r, dir, s);
		break;
	case UNIT_NOT_BEGUN:
		not_begun(r, s);
		break;
	}
}

void runner_look(struct runner *r, const struct unit_state *s)
{
	enum unit_life life = s             ? s->alive ? UNIT_LIFE_ALIVE : UNIT_LIFE_OVER
			      : r->followed ? UNIT_LIFE_ALIVE
					    : UNIT_LIFE_UNKNOWN;
	auto_close int dir = -1;
	enum rundir_state state;
	struct rundir_lock lock;
	struct err e = ERR_INIT;

	if (runner_folder(r, &dir, &state, &lock, &e) < 0)
		end_unknown(r, e.msg);
	else if (!r->unit && state != RUNDIR_RUNNING)
		/* The folder tells all there is to know. */
		end_unknown(r, "");
	else
		act(r, dir, unit_next_of(state, life), s);
}

static void on_news(const struct unit_state *s, const char *why, void *ctx)
{
	struct runner *r = ctx;

	if (why)
		snprintf(r->refused, sizeof(r->refused), "%s", why);
	/* Refused or not executed: what it left tells whether anything was begun. */
	runner_look(r, s);
}

int runner_new(struct executor *x, const char *id, struct runner **ret, struct err *e)
{
	struct bus_listener listener = {.news = on_news};
	char name[UNIT_NAME], path[PATH_MAX + SPOOL_ID + sizeof("/run/")];
	struct runner *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return err_oom(e);
	*r = (struct runner){.x = x, .next = x->first};
	snprintf(r->id, sizeof(r->id), "%s", id);
	x->first = r;
	snprintf(path, sizeof(path), "%s/run/%s", x->setup.spool->path, id);
	r->wd = inotify_add_watch(x->inotify, path, IN_CLOSE_WRITE | IN_ONLYDIR | IN_DONT_FOLLOW);
	listener.ctx = r;
	unit_name_of(id, name);
	rc = r->wd < 0 ? err_errno(e, "cannot watch '%s'", path)
		       : bus_unit_new(x->bus, name, &listener, &r->unit, e);
	if (rc < 0)
		runner_free(r);
	else
		*ret = r;
	return rc;
}
