/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/leave.h"

#include "common/clock.h"
#include "common/date.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/num.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FORMAT     1
#define JSON_BYTES (4 * KIB)

#define MARGIN 10  /* seconds kept before the machine goes … */
#define SHARE  3   /* … or this part of what is left */
#define LEAST  30  /* seconds that any provider gives, and that are assumed where none is said */
#define SPOT   120 /* seconds ahead a notice of EC2 is at most */

/* Seconds left to the machine. A clock that is wrong must neither give hours nor nothing. */
static int64_t seconds_left(const struct notice *n, int64_t now)
{
	int64_t most = n->source == NOTICE_EC2_ACTION ? SPOT : NOTICE_LEAD;
	int64_t left = n->time - now;

	if (n->time == 0)
		left = n->kind == NOTICE_PREEMPT ? LEAST : SPOT;
	if (left <= 0)
		left = LEAST;
	return left < most ? left : most;
}

static enum leave_state wanted(const struct notice *n, enum rebalance r)
{
	if (n->kind == NOTICE_NONE || (n->kind == NOTICE_REBALANCE && r == REBALANCE_IGNORE))
		return LEAVE_STAYS;
	return n->kind == NOTICE_REBALANCE && r == REBALANCE_STOP_CLAIMS ? LEAVE_HOLDS
									 : LEAVE_LEAVES;
}

bool leave_notice(struct leave *l, const struct notice *n, enum rebalance r, struct leave_now now)
{
	enum leave_state want = wanted(n, r);
	int64_t left = seconds_left(n, now.date);
	int64_t margin = left / SHARE < MARGIN ? left / SHARE : MARGIN;
	uint64_t hooks_by = now.clock + (uint64_t)(left - margin) * NSEC_PER_SEC;

	if (want == LEAVE_STAYS)
		return false;
	l->sources |= 1U << n->source;
	if (want == LEAVE_HOLDS && l->state != LEAVE_STAYS)
		return false;
	/* One that comes on top counts only when it leaves less time. */
	if (l->state >= LEAVE_LEAVES && hooks_by >= l->hooks_by)
		return false;
	l->notice = *n;
	l->noticed = now.date;
	if (want == LEAVE_HOLDS) {
		l->state = LEAVE_HOLDS;
		return true;
	}
	l->time = now.date + left;
	l->deadline = l->time - margin;
	l->hooks_by = hooks_by;
	l->jobs_by = now.clock + (hooks_by - now.clock) / 2;
	if (l->state < LEAVE_LEAVES)
		l->state = LEAVE_LEAVES;
	return true;
}

bool leave_over(struct leave *l, enum notice_source s)
{
	if (l->state == LEAVE_STAYS)
		return false;
	l->sources &= ~(1U << s);
	if (l->sources)
		return false;
	*l = (struct leave){0};
	return true;
}

enum leave_deed leave_next(struct leave *l, unsigned jobs, uint64_t now)
{
	switch (l->state) {
	case LEAVE_LEAVES:
		l->state = LEAVE_ENDS;
		if (jobs > 0)
			return LEAVE_TERM_JOBS;
		break;
	case LEAVE_ENDS:
		if (jobs > 0 && now >= l->jobs_by) {
			l->state = LEAVE_KILLS;
			return LEAVE_KILL_JOBS;
		}
		break;
	case LEAVE_KILLS:
		break;
	default:
		return LEAVE_WAIT;
	}
	if (jobs > 0 && now < l->jobs_by + LEAVE_DEATH)
		return LEAVE_WAIT;
	l->state = LEAVE_HOOKS;
	return LEAVE_RUN_HOOKS;
}

uint64_t leave_wake(const struct leave *l)
{
	switch (l->state) {
	case LEAVE_LEAVES:
		return 0;
	case LEAVE_ENDS:
		return l->jobs_by;
	case LEAVE_KILLS:
		return l->jobs_by + LEAVE_DEATH;
	default:
		return CLOCK_FOREVER;
	}
}

static json_t *date_json(int64_t seconds)
{
	char text[DATE_TEXT];

	return seconds ? json_string(date_text(seconds, text)) : json_null();
}

static int compose(const struct leave *l, struct buf *out, struct err *e)
{
	auto_json json_t *j = json_pack("{s:i, s:s, s:s, s:s, s:o, s:o, s:o}", "format", FORMAT,
		"kind", notice_kind_name(l->notice.kind), "event", l->notice.event, "source",
		notice_source_name(l->notice.source), "time", date_json(l->time), "deadline",
		date_json(l->deadline), "noticed", date_json(l->noticed));

	return j ? json_text(j, out, e) : err_oom(e);
}

static int path_in(const char *dir, char out[static PATH_MAX], struct err *e)
{
	if (snprintf(out, PATH_MAX, "%s/" LEAVE_FILE, dir) >= PATH_MAX)
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "'%.40s…': the path is too long", dir);
	return 0;
}

/* Anybody may have made a directory of the names that are to be written. */
static int clear_way(int rootfd, const char *dir, struct err *e)
{
	static const char *const names[] = {LEAVE_FILE, "." LEAVE_FILE ".new"};
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int rc = snprintf(path, sizeof(path), "%s/%s", dir, names[i]);

		rc = rc >= PATH_MAX ? -ENAMETOOLONG : fs_remove_tree(rootfd, path, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int write_shared(int rootfd, const char *dir, const struct buf *text, struct err *e)
{
	char path[PATH_MAX];
	int rc = path_in(dir, path, e);

	if (rc < 0)
		return rc;
	rc = fs_write_atomic(rootfd, path, 0644, buf_str(text), text->len, e);
	if (rc == 0)
		return 0;
	rc = clear_way(rootfd, dir, e);
	return rc < 0 ? rc : fs_write_atomic(rootfd, path, 0644, buf_str(text), text->len, e);
}

int leave_publish(int rootfd, const char *dir, const struct leave *l, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(JSON_BYTES);
	struct err second = ERR_INIT;
	int rc = compose(l, &text, e);
	int rc2;

	if (rc < 0)
		return rc;
	rc = fs_write_atomic(rootfd, LEAVE_RUN, 0644, buf_str(&text), text.len, e);
	rc2 = write_shared(rootfd, dir, &text, &second);
	if (rc == 0 && rc2 < 0)
		*e = second;
	return rc < 0 ? rc : rc2;
}

int leave_unpublish(int rootfd, const char *dir, struct err *e)
{
	struct err second = ERR_INIT;
	int rc = fs_remove_tree(rootfd, LEAVE_RUN, e);
	int rc2 = clear_way(rootfd, dir, &second);

	if (rc == 0 && rc2 < 0)
		*e = second;
	return rc < 0 ? rc : rc2;
}

int leave_environment(const struct leave_context *c, struct leave_env *ret, struct err *e)
{
	static const struct leave none;
	const struct leave *l = c->leave ? c->leave : &none;
	char time[DATE_TEXT] = "", deadline[DATE_TEXT] = "";
	const struct {
		const char *name, *value;
	} row[LEAVE_ENV] = {
		{"INTERRUPT_KIND", notice_kind_name(l->notice.kind)},
		{"INTERRUPT_EVENT", l->notice.event},
		{"INTERRUPT_SOURCE", c->leave ? notice_source_name(l->notice.source) : ""},
		{"INTERRUPT_TIME", l->time ? date_text(l->time, time) : ""},
		{"INTERRUPT_DEADLINE", l->deadline ? date_text(l->deadline, deadline) : ""},
		{"JOBS", c->spool},
		{"INSTANCE_ID", c->instance_id},
		{"PERSIST_TO", c->persist_to ? c->persist_to : ""},
	};
	size_t len = 0;

	*ret = (struct leave_env){0};
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		size_t room = sizeof(ret->text) - len;
		int needs = snprintf(
			ret->text + len, room, "SHARED_PREP_%s=%s", row[i].name, row[i].value);

		if (needs < 0 || (size_t)needs >= room)
			return err_set(e, ERR_CONFIG, ENAMETOOLONG,
				"the environment of hooks is longer than %d bytes", LEAVE_ENV_TEXT);
		ret->var[i] = ret->text + len;
		len += (size_t)needs + 1;
	}
	return 0;
}
