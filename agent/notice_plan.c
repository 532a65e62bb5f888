/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked, and when an answer is acted on. */
#include "agent/notice.h"
#include "common/num.h"

#include <string.h>

#define MEDIUM 5 /* times Poll= */
#define SLOW   (60 * NSEC_PER_SEC)

enum whose { ANY, SPOT, OTHER };
enum pace { FAST, MEDIUM_PACE, SLOW_PACE };

struct rule {
	enum cloud cloud;
	enum whose whose;
	enum notice_source source;
	enum pace pace;
};

/* Azure gives all events of a machine by one list, so that its spot machines ask for that often. */
static const struct rule rules[] = {
	{CLOUD_EC2, SPOT, NOTICE_EC2_ACTION, FAST},
	{CLOUD_EC2, SPOT, NOTICE_EC2_REBALANCE, MEDIUM_PACE},
	{CLOUD_EC2, ANY, NOTICE_EC2_SCHEDULED, SLOW_PACE},
	{CLOUD_EC2, ANY, NOTICE_EC2_ASG, SLOW_PACE},
	{CLOUD_AZURE, SPOT, NOTICE_AZURE_EVENTS, FAST},
	{CLOUD_AZURE, OTHER, NOTICE_AZURE_EVENTS, SLOW_PACE},
	{CLOUD_GCP, SPOT, NOTICE_GCP_PREEMPTED, FAST},
};

struct notice_facts notice_facts(const struct identity *id)
{
	struct notice_facts f = {.cloud = id->metadata == METADATA_NONE ? CLOUD_NONE : id->cloud};

	snprintf(f.lifecycle, sizeof(f.lifecycle), "%s", id->lifecycle.value);
	return f;
}

struct notice_pace notice_pace(const struct settings *s)
{
	return (struct notice_pace){s->poll, MEDIUM * s->poll, SLOW};
}

static bool is_known(const struct notice_facts *f)
{
	return *f->lifecycle && (f->cloud != CLOUD_AZURE || *f->name);
}

struct notice_plan notice_decide(
	const struct notice_facts *f, const struct settings *s, const struct notice_pace *pace)
{
	const uint64_t every[] = {
		[FAST] = pace->fast, [MEDIUM_PACE] = pace->medium, [SLOW_PACE] = pace->slow};
	enum whose whose = strcmp(f->lifecycle, "spot") == 0 ? SPOT : OTHER;
	struct notice_plan plan = {0};

	if (s->poll == 0 || f->cloud == CLOUD_NONE || f->cloud == CLOUD_UNKNOWN)
		return plan;
	plan.learn = !is_known(f);
	for (size_t i = 0; i < ARRAY_LEN(rules) && !plan.learn; i++) {
		const struct rule *r = &rules[i];

		if (r->cloud != f->cloud || (r->whose != ANY && r->whose != whose))
			continue;
		if (r->source == NOTICE_EC2_REBALANCE && s->rebalance == REBALANCE_IGNORE)
			continue;
		plan.poll[plan.len++] = (struct notice_poll){r->source, every[r->pace]};
	}
	return plan;
}

static bool is_always_short(const struct notice *n)
{
	return n->source == NOTICE_EC2_ACTION || n->kind == NOTICE_REBALANCE ||
	       n->kind == NOTICE_PREEMPT;
}

bool notice_is_due(const struct notice *n, int64_t now)
{
	if (n->kind == NOTICE_NONE)
		return false;
	return is_always_short(n) || n->time <= now + NOTICE_LEAD;
}

uint64_t notice_pause(uint64_t every, unsigned failures)
{
	uint64_t pause = every;

	while (failures-- > 0 && pause < NOTICE_PAUSE_MAX)
		pause *= 2;
	if (pause <= NOTICE_PAUSE_MAX)
		return pause;
	return every > NOTICE_PAUSE_MAX ? every : NOTICE_PAUSE_MAX;
}
