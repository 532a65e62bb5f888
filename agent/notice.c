/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/notice.h"

#include "agent/metadata.h"
#include "common/date.h"
#include "common/json.h"
#include "common/num.h"

#include <errno.h>
#include <string.h>

#define EVENTS_MAX 100
#define WORD_MAX   64

const char *notice_kind_name(enum notice_kind k)
{
	static const char *const name[] = {
		[NOTICE_NONE] = "none",
		[NOTICE_REBALANCE] = "rebalance",
		[NOTICE_SCHEDULED] = "scheduled",
		[NOTICE_HIBERNATE] = "hibernate",
		[NOTICE_STOP] = "stop",
		[NOTICE_TERMINATE] = "terminate",
		[NOTICE_PREEMPT] = "preempt",
	};

	return name[k];
}

/* A provider's word and what it means to us; NONE: nothing. */
struct word {
	const char *word;
	enum notice_kind kind;
};

static const struct word *word_find(const struct word *w, size_t len, const char *text)
{
	for (size_t i = 0; i < len; i++) {
		if (strcmp(w[i].word, text) == 0)
			return &w[i];
	}
	return NULL;
}

/* The earlier of two; one without a time is at hand. */
static void keep_urgent(struct notice *kept, const struct notice *n)
{
	if (n->kind != NOTICE_NONE && (kept->kind == NOTICE_NONE || n->time < kept->time))
		*kept = *n;
}

static int parse_action(
	const json_t *j, const struct notice_facts *f, struct notice *n, struct err *e)
{
	static const struct word actions[] = {
		{"terminate", NOTICE_TERMINATE},
		{"stop", NOTICE_STOP},
		{"hibernate", NOTICE_HIBERNATE},
	};
	const struct word *found;
	const char *action, *time;
	int rc = json_get_string(j, "action", &action, e);

	(void)f;
	if (rc == 0)
		rc = json_get_string(j, "time", &time, e);
	if (rc == 0)
		rc = date_parse(time, &n->time, e);
	if (rc < 0)
		return rc;
	found = word_find(actions, ARRAY_LEN(actions), action);
	if (!found)
		return err_set(e, ERR_DATA, EPROTO, "unknown action '%.40s'", action);
	n->kind = found->kind;
	metadata_value(action, n->event, sizeof(n->event));
	return 0;
}

static int parse_rebalance(
	const json_t *j, const struct notice_facts *f, struct notice *n, struct err *e)
{
	const char *time;
	int64_t when;
	int rc = json_get_string(j, "noticeTime", &time, e);

	(void)f;
	if (rc == 0)
		rc = date_parse(time, &when, e);
	if (rc < 0)
		return rc;
	n->kind = NOTICE_REBALANCE;
	return 0;
}

static int parse_scheduled_event(const json_t *j, struct notice *n, struct err *e)
{
	const json_t *state = json_object_get(j, "State");
	const char *code, *time;
	int rc = json_get_string(j, "Code", &code, e);

	if (rc == 0)
		rc = json_get_string(j, "NotBefore", &time, e);
	if (rc == 0)
		rc = date_parse(time, &n->time, e);
	if (rc < 0)
		return rc;
	/* The past ones stay in the list as "completed" and "canceled". */
	if (state && (!json_is_string(state) || strcmp(json_string_value(state), "active") != 0))
		return 0;
	n->kind = strcmp(code, "instance-stop") == 0         ? NOTICE_STOP
		  : strcmp(code, "instance-retirement") == 0 ? NOTICE_TERMINATE
							     : NOTICE_SCHEDULED;
	metadata_value(code, n->event, sizeof(n->event));
	return 0;
}

static int parse_scheduled(
	const json_t *j, const struct notice_facts *f, struct notice *n, struct err *e)
{
	size_t len = json_is_array(j) ? json_array_size(j) : 1;
	int rc = 0;

	(void)f;
	if (len > EVENTS_MAX)
		return err_set(e, ERR_DATA, E2BIG, "more than %d events", EVENTS_MAX);
	for (size_t i = 0; rc == 0 && i < len; i++) {
		struct notice one = {.source = n->source};

		rc = parse_scheduled_event(json_is_array(j) ? json_array_get(j, i) : j, &one, e);
		if (rc == 0)
			keep_urgent(n, &one);
	}
	return rc;
}

/* The list is that of all machines of a set. */
static bool is_for(const json_t *event, const char *name)
{
	const json_t *all = json_object_get(event, "Resources");
	size_t i;
	const json_t *one;

	json_array_foreach(all, i, one)
	{
		const char *text = json_string_value(one);

		if (*name && text && strcasecmp(text, name) == 0)
			return true;
	}
	return false;
}

static int parse_azure_event(
	const json_t *j, const struct notice_facts *f, struct notice *n, struct err *e)
{
	/* Freeze is a pause of some seconds. */
	static const struct word types[] = {
		{"Preempt", NOTICE_PREEMPT},
		{"Terminate", NOTICE_TERMINATE},
		{"Reboot", NOTICE_SCHEDULED},
		{"Redeploy", NOTICE_SCHEDULED},
	};
	const struct word *found;
	const char *type, *time;
	int rc = json_get_string(j, "EventType", &type, e);

	if (rc == 0)
		rc = json_get_string(j, "NotBefore", &time, e);
	/* Empty once the event has begun. */
	if (rc == 0 && *time)
		rc = date_parse(time, &n->time, e);
	if (rc < 0)
		return rc;
	if (!json_is_array(json_object_get(j, "Resources")))
		return err_set(e, ERR_DATA, EPROTO, "member 'Resources' is not a list");
	found = word_find(types, ARRAY_LEN(types), type);
	if (!found || !is_for(j, f->name))
		return 0;
	n->kind = found->kind;
	metadata_value(type, n->event, sizeof(n->event));
	return 0;
}

static int parse_azure(
	const json_t *j, const struct notice_facts *f, struct notice *n, struct err *e)
{
	const json_t *all = json_object_get(j, "Events");
	int rc = 0;

	if (!json_is_array(all))
		return err_set(e, ERR_DATA, EPROTO, "member 'Events' is not a list");
	if (json_array_size(all) > EVENTS_MAX)
		return err_set(e, ERR_DATA, E2BIG, "more than %d events", EVENTS_MAX);
	for (size_t i = 0; rc == 0 && i < json_array_size(all); i++) {
		struct notice one = {.source = n->source};

		rc = parse_azure_event(json_array_get(all, i), f, &one, e);
		if (rc == 0)
			keep_urgent(n, &one);
	}
	return rc;
}

static int parse_asg(const char *text, struct notice *n, struct err *e)
{
	static const struct word states[] = {
		{"InService", NOTICE_NONE},
		{"Standby", NOTICE_NONE},
		{"Detached", NOTICE_NONE},
		{"Warmed:Running", NOTICE_NONE},
		{"Warmed:Hibernated", NOTICE_HIBERNATE},
		{"Warmed:Stopped", NOTICE_STOP},
		{"Warmed:Terminated", NOTICE_TERMINATE},
		{"Terminated", NOTICE_TERMINATE},
	};
	const struct word *found = word_find(states, ARRAY_LEN(states), text);

	if (!found)
		return err_set(e, ERR_DATA, EPROTO, "unknown state '%.40s'", text);
	n->kind = found->kind;
	if (n->kind != NOTICE_NONE)
		metadata_value(text, n->event, sizeof(n->event));
	return 0;
}

static int parse_preempted(const char *text, struct notice *n, struct err *e)
{
	if (strcmp(text, "TRUE") != 0 && strcmp(text, "FALSE") != 0)
		return err_set(e, ERR_DATA, EPROTO, "'%.40s' is neither TRUE nor FALSE", text);
	n->kind = *text == 'T' ? NOTICE_PREEMPT : NOTICE_NONE;
	return 0;
}

struct source {
	const char *name;
	const char *path;
	/* one of both */
	int (*json)(const json_t *j, const struct notice_facts *f, struct notice *n, struct err *e);
	int (*text)(const char *text, struct notice *n, struct err *e);
};

/* clang-format off */
static const struct source sources[] = {
	[NOTICE_EC2_ACTION] = {"spot/instance-action", "/latest/meta-data/spot/instance-action",
		parse_action, NULL},
	[NOTICE_EC2_REBALANCE] = {"events/recommendations/rebalance",
		"/latest/meta-data/events/recommendations/rebalance", parse_rebalance, NULL},
	[NOTICE_EC2_SCHEDULED] = {"events/maintenance/scheduled",
		"/latest/meta-data/events/maintenance/scheduled", parse_scheduled, NULL},
	[NOTICE_EC2_ASG] = {"autoscaling/target-lifecycle-state",
		"/latest/meta-data/autoscaling/target-lifecycle-state", NULL, parse_asg},
	[NOTICE_AZURE_EVENTS] = {"scheduledevents",
		"/metadata/scheduledevents?api-version=2020-07-01", parse_azure, NULL},
	[NOTICE_GCP_PREEMPTED] = {"instance/preempted",
		"/computeMetadata/v1/instance/preempted", NULL, parse_preempted},
};
/* clang-format on */

const char *notice_source_name(enum notice_source s)
{
	return sources[s].name;
}

const char *notice_source_path(enum notice_source s)
{
	return sources[s].path;
}

/* A word, with or without a newline. */
static int parse_text(
	const struct source *s, const char *body, size_t len, struct notice *n, struct err *e)
{
	char text[WORD_MAX + 1];

	if (len > 0 && body[len - 1] == '\n')
		len--;
	if (len == 0 || len > WORD_MAX || memchr(body, '\0', len))
		return err_set(e, ERR_DATA, EPROTO, "the answer is not a word");
	memcpy(text, body, len);
	text[len] = '\0';
	return s->text(text, n, e);
}

int notice_parse(enum notice_source s, const struct notice_facts *f, const char *body, size_t len,
	struct notice *ret, struct err *e)
{
	const struct source *source = &sources[s];
	struct notice n = {.source = s};
	auto_json json_t *j = NULL;
	int rc;

	if (source->text) {
		rc = parse_text(source, body, len, &n, e);
	} else {
		rc = json_parse(body, len, source->name, &j, e);
		if (rc == 0)
			rc = source->json(j, f, &n, e);
	}
	if (rc == 0)
		*ret = n.kind == NOTICE_NONE ? (struct notice){.source = s} : n;
	return rc;
}
