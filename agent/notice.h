/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A notice that the machine is taken away: what is to be asked for it, how often, and what an
 * answer says. Pure; interrupt.h asks.
 *
 * EC2 User Guide: "Spot Instance interruption notices", "EC2 instance rebalance recommendations",
 * "View scheduled events"; EC2 Auto Scaling User Guide: "Retrieve the target lifecycle state
 * through instance metadata". Azure: "Scheduled Events for Linux VMs". Google Cloud: "Preemptible
 * VM instances", preemption process.
 */
#ifndef AGENT_NOTICE_H
#define AGENT_NOTICE_H

#include "agent/identity.h"
#include "agent/settings.h"
#include "common/num.h"

#include <stdbool.h>
#include <stdint.h>

enum notice_kind {
	NOTICE_NONE,      /* nothing is announced */
	NOTICE_REBALANCE, /* an interruption is likelier than usual; no time is known */
	NOTICE_SCHEDULED, /* a reboot, a move to other hardware, a retirement */
	NOTICE_HIBERNATE, /* comes without the two minutes */
	NOTICE_STOP,
	NOTICE_TERMINATE,
	NOTICE_PREEMPT,
};

/* "none", "rebalance", "scheduled", "hibernate", "stop", "terminate", "preempt". */
const char *notice_kind_name(enum notice_kind k);

/* What can be asked. */
enum notice_source {
	NOTICE_EC2_ACTION,
	NOTICE_EC2_REBALANCE,
	NOTICE_EC2_SCHEDULED,
	NOTICE_EC2_ASG,
	NOTICE_AZURE_EVENTS,
	NOTICE_GCP_PREEMPTED,
	NOTICE_SOURCES,
};

/* "spot/instance-action", as messages and interrupt.json call it. */
const char *notice_source_name(enum notice_source s);

/* The path and query of the request. 404 says that nothing is announced. */
const char *notice_source_path(enum notice_source s);

struct notice {
	enum notice_kind kind;
	enum notice_source source;
	int64_t time; /* when the machine is taken away, seconds since 1970; 0: not said */
	char event[IDENTITY_TEXT]; /* the provider's word for it, "system-reboot"; may be "" */
};

/* What has to be known of the machine; "" for what is not. */
struct notice_facts {
	enum cloud cloud;
	char lifecycle[IDENTITY_TEXT];
	char name[IDENTITY_TEXT]; /* of the virtual machine; Azure alone lists events by it */
};

/* CLOUD_NONE where the metadata service is not to be asked. */
struct notice_facts notice_facts(const struct identity *id);

/*
 * What the body of a 200 says: 0 and *ret, whose kind is NONE where it says that nothing is
 * announced, to this machine; of several the most urgent. Of kind data when it is anything but what
 * the provider documents: then *ret is as before.
 */
must_check int notice_parse(enum notice_source s, const struct notice_facts *f, const char *body,
	size_t len, struct notice *ret, struct err *e);

/* An event of next week is no reason to end jobs now: nothing but a time of at most NOTICE_LEAD
 * ahead is. What always comes shortly before is due whatever this machine's clock says. */
#define NOTICE_LEAD 300
bool notice_is_due(const struct notice *n, int64_t now);

/* How often, in ns: what comes two minutes ahead or less; a hint; what comes hours or days ahead.
 */
struct notice_pace {
	uint64_t fast, medium, slow;
};

struct notice_pace notice_pace(const struct settings *s);

struct notice_plan {
	bool learn; /* facts are missing: they are asked for first, then it is decided again */
	size_t len; /* 0 and no learn: nothing can ever come, nobody is to be woken */
	struct notice_poll {
		enum notice_source source;
		uint64_t every; /* ns */
	} poll[NOTICE_SOURCES];
};

struct notice_plan notice_decide(
	const struct notice_facts *f, const struct settings *s, const struct notice_pace *pace);

/* The pause after so many failures in a row: doubled each time, at most NOTICE_PAUSE_MAX unless the
 * ordinary one is longer. */
#define NOTICE_PAUSE_MAX (30 * NSEC_PER_SEC)
uint64_t notice_pause(uint64_t every, unsigned failures);

#endif
