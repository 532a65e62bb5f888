/* SPDX-License-Identifier: Apache-2.0 */
/* What answers mean, and what is asked at all. */
#include "agent/notice.h"
#include "common/date.h"
#include "common/num.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define AT    1505722920 /* 2017-09-18T08:22:00Z */
#define GMT   "Mon, 18 Sep 2017 08:22:00 GMT"
#define LATER "Mon, 18 Sep 2017 09:22:00 GMT"

struct answer {
	enum notice_source source;
	const char *body;
	enum notice_kind kind;
	int64_t time;
	const char *event;
};

#define EVENT(type, who, when)                                                                     \
	"{\"EventId\":\"a\",\"EventType\":\"" type "\",\"ResourceType\":\"VirtualMachine\","       \
	"\"Resources\":[" who "],\"EventStatus\":\"Scheduled\",\"NotBefore\":\"" when "\"}"
#define EVENTS(list) "{\"DocumentIncarnation\":1,\"Events\":[" list "]}"
#define TASK(code, state, when)                                                                    \
	"{\"Code\":\"" code "\",\"NotBefore\":\"" when "\",\"State\":\"" state "\"}"

/* clang-format off */
static const struct answer answers[] = {
	{NOTICE_EC2_ACTION, "{\"action\": \"terminate\", \"time\": \"2017-09-18T08:22:00Z\"}", NOTICE_TERMINATE, AT, "terminate"},
	{NOTICE_EC2_ACTION, "{\"action\": \"stop\", \"time\": \"2017-09-18T08:22:00Z\"}", NOTICE_STOP, AT, "stop"},
	{NOTICE_EC2_ACTION, "{\"action\":\"hibernate\",\"time\":\"2017-09-18T08:22:00Z\",\"x\":1}", NOTICE_HIBERNATE, AT, "hibernate"},
	{NOTICE_EC2_REBALANCE, "{\"noticeTime\": \"2017-09-18T08:22:00Z\"}", NOTICE_REBALANCE, 0, ""},
	{NOTICE_EC2_SCHEDULED, "[]", NOTICE_NONE, 0, ""},
	{NOTICE_EC2_SCHEDULED, "[" TASK("system-reboot", "active", GMT) "]", NOTICE_SCHEDULED, AT, "system-reboot"},
	{NOTICE_EC2_SCHEDULED, TASK("instance-stop", "active", GMT), NOTICE_STOP, AT, "instance-stop"},
	{NOTICE_EC2_SCHEDULED, "{\"Code\":\"instance-retirement\",\"NotBefore\":\"18 Sep 2017 08:22:00 GMT\"}",
		NOTICE_TERMINATE, AT, "instance-retirement"},
	{NOTICE_EC2_SCHEDULED, "[" TASK("system-reboot", "completed", GMT) "," TASK("system-reboot", "canceled", GMT) "]",
		NOTICE_NONE, 0, ""},
	{NOTICE_EC2_SCHEDULED, "[" TASK("system-maintenance", "active", LATER) "," TASK("instance-stop", "active", GMT) ","
		TASK("system-reboot", "completed", GMT) "]", NOTICE_STOP, AT, "instance-stop"},
	{NOTICE_EC2_SCHEDULED, "[" TASK("a b;c", "active", GMT) "]", NOTICE_SCHEDULED, AT, ""},
	{NOTICE_EC2_ASG, "InService", NOTICE_NONE, 0, ""},
	{NOTICE_EC2_ASG, "InService\n", NOTICE_NONE, 0, ""},
	{NOTICE_EC2_ASG, "Standby", NOTICE_NONE, 0, ""},
	{NOTICE_EC2_ASG, "Terminated", NOTICE_TERMINATE, 0, "Terminated"},
	{NOTICE_EC2_ASG, "Warmed:Terminated", NOTICE_TERMINATE, 0, "Warmed:Terminated"},
	{NOTICE_EC2_ASG, "Warmed:Stopped", NOTICE_STOP, 0, "Warmed:Stopped"},
	{NOTICE_EC2_ASG, "Warmed:Hibernated", NOTICE_HIBERNATE, 0, "Warmed:Hibernated"},
	{NOTICE_AZURE_EVENTS, "{\"DocumentIncarnation\":0,\"Events\":[]}", NOTICE_NONE, 0, ""},
	{NOTICE_AZURE_EVENTS, EVENTS(EVENT("Preempt", "\"worker\"", GMT)), NOTICE_PREEMPT, AT, "Preempt"},
	{NOTICE_AZURE_EVENTS, EVENTS(EVENT("Preempt", "\"other\",\"Worker\"", "")), NOTICE_PREEMPT, 0, "Preempt"},
	{NOTICE_AZURE_EVENTS, EVENTS(EVENT("Preempt", "\"worker1\"", GMT)), NOTICE_NONE, 0, ""},
	{NOTICE_AZURE_EVENTS, EVENTS(EVENT("Preempt", "1,null", GMT)), NOTICE_NONE, 0, ""},
	{NOTICE_AZURE_EVENTS, EVENTS(EVENT("Preempt", "", GMT)), NOTICE_NONE, 0, ""},
	{NOTICE_AZURE_EVENTS, EVENTS(EVENT("Freeze", "\"worker\"", GMT)), NOTICE_NONE, 0, ""},
	{NOTICE_AZURE_EVENTS, EVENTS(EVENT("Dance", "\"worker\"", GMT)), NOTICE_NONE, 0, ""},
	{NOTICE_AZURE_EVENTS, EVENTS(EVENT("Reboot", "\"worker\"", LATER) "," EVENT("Terminate", "\"worker\"", GMT)),
		NOTICE_TERMINATE, AT, "Terminate"},
	{NOTICE_AZURE_EVENTS, EVENTS(EVENT("Redeploy", "\"worker\"", GMT) "," EVENT("Preempt", "\"other\"", "")),
		NOTICE_SCHEDULED, AT, "Redeploy"},
	{NOTICE_GCP_PREEMPTED, "TRUE", NOTICE_PREEMPT, 0, ""},
	{NOTICE_GCP_PREEMPTED, "TRUE\n", NOTICE_PREEMPT, 0, ""},
	{NOTICE_GCP_PREEMPTED, "FALSE", NOTICE_NONE, 0, ""},
};
/* clang-format on */

static const struct notice_facts worker = {
	.cloud = CLOUD_AZURE, .lifecycle = "spot", .name = "worker"};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const struct answer *a = &answers[i];
		struct notice n = {.time = -1};
		struct err e = ERR_INIT;
		int rc = notice_parse(a->source, &worker, a->body, strlen(a->body), &n, &e);

		if (rc != 0 || n.kind != a->kind || n.time != a->time || n.source != a->source ||
			strcmp(n.event, a->event) != 0)
			fail_msg("'%s': %d %s %s %jd '%s'", a->body, rc, e.msg,
				notice_kind_name(n.kind), (intmax_t)n.time, n.event);
	}
}

/* clang-format off */
static const struct answer garbage[] = {
	{NOTICE_EC2_ACTION, "", 0, 0, ""},
	{NOTICE_EC2_ACTION, "terminate", 0, 0, ""},
	{NOTICE_EC2_ACTION, "<html>", 0, 0, ""},
	{NOTICE_EC2_ACTION, "[]", 0, 0, ""},
	{NOTICE_EC2_ACTION, "null", 0, 0, ""},
	{NOTICE_EC2_ACTION, "{\"action\": \"terminate\"", 0, 0, ""},
	{NOTICE_EC2_ACTION, "{\"action\": \"terminate\"}", 0, 0, ""},
	{NOTICE_EC2_ACTION, "{\"action\": \"terminate\", \"time\": \"soon\"}", 0, 0, ""},
	{NOTICE_EC2_ACTION, "{\"action\": \"terminate\", \"time\": 1505722920}", 0, 0, ""},
	{NOTICE_EC2_ACTION, "{\"action\": \"explode\", \"time\": \"2017-09-18T08:22:00Z\"}", 0, 0, ""},
	{NOTICE_EC2_ACTION, "{\"action\": \"stop\", \"action\": \"stop\", \"time\": \"2017-09-18T08:22:00Z\"}", 0, 0, ""},
	{NOTICE_EC2_ACTION, "{\"action\": \"stop\", \"time\": \"2017-09-18T08:22:00Z\"} x", 0, 0, ""},
	{NOTICE_EC2_REBALANCE, "{}", 0, 0, ""},
	{NOTICE_EC2_REBALANCE, "{\"noticeTime\": \"\"}", 0, 0, ""},
	{NOTICE_EC2_SCHEDULED, "\"\"", 0, 0, ""},
	{NOTICE_EC2_SCHEDULED, "{}", 0, 0, ""},
	{NOTICE_EC2_SCHEDULED, "[1]", 0, 0, ""},
	{NOTICE_EC2_SCHEDULED, "[" TASK("system-reboot", "active", "soon") "]", 0, 0, ""},
	{NOTICE_EC2_SCHEDULED, "[" TASK("system-reboot", "active", GMT) ",{}]", 0, 0, ""},
	{NOTICE_EC2_ASG, "", 0, 0, ""},
	{NOTICE_EC2_ASG, "\n", 0, 0, ""},
	{NOTICE_EC2_ASG, "terminated", 0, 0, ""},
	{NOTICE_EC2_ASG, "Terminated\n\n", 0, 0, ""},
	{NOTICE_EC2_ASG, "TerminatedTerminatedTerminatedTerminatedTerminatedTerminatedTerminated", 0, 0, ""},
	{NOTICE_AZURE_EVENTS, "[]", 0, 0, ""},
	{NOTICE_AZURE_EVENTS, "{}", 0, 0, ""},
	{NOTICE_AZURE_EVENTS, "{\"Events\":{}}", 0, 0, ""},
	{NOTICE_AZURE_EVENTS, "{\"Events\":[[]]}", 0, 0, ""},
	{NOTICE_AZURE_EVENTS, EVENTS(EVENT("Preempt", "\"worker\"", "2017")), 0, 0, ""},
	{NOTICE_AZURE_EVENTS, EVENTS("{\"EventType\":\"Preempt\",\"NotBefore\":\"\",\"Resources\":\"worker\"}"), 0, 0, ""},
	{NOTICE_GCP_PREEMPTED, "true", 0, 0, ""},
	{NOTICE_GCP_PREEMPTED, "TRUEish", 0, 0, ""},
	{NOTICE_GCP_PREEMPTED, "<html>", 0, 0, ""},
};
/* clang-format on */

static void test_garbage(void **state)
{
	const struct notice before = {.kind = NOTICE_STOP, .time = 7};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
		const struct answer *a = &garbage[i];
		struct notice n = before;
		struct err e = ERR_INIT;

		if (notice_parse(a->source, &worker, a->body, strlen(a->body), &n, &e) >= 0 ||
			e.kind != ERR_DATA || memcmp(&n, &before, sizeof(n)) != 0)
			fail_msg("'%s' is taken", a->body);
	}
}

/* Every beginning of a good answer is garbage or says the same as the whole; nothing crashes. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const struct answer *a = &answers[i];

		for (size_t len = 0; len < strlen(a->body); len++) {
			struct notice n = {0};
			struct err e = ERR_INIT;
			char *part = malloc(len + 1);

			assert_non_null(part);
			memcpy(part, a->body, len);
			if (notice_parse(a->source, &worker, part, len, &n, &e) == 0 &&
				n.kind != a->kind)
				fail_msg("'%.*s' is taken", (int)len, a->body);
			free(part);
		}
	}
}

static void test_nul_and_many(void **state)
{
	struct notice n = {0};
	struct err e = ERR_INIT;
	char many[8192];
	size_t len = 0;

	(void)state;
	assert_true(notice_parse(NOTICE_GCP_PREEMPTED, &worker, "TRUE\0x", 6, &n, &e) < 0);
	len += (size_t)snprintf(many, sizeof(many), "[");
	for (int i = 0; i < 101; i++)
		len += (size_t)snprintf(
			many + len, sizeof(many) - len, "%s{\"Code\":\"a\"}", i ? "," : "");
	len += (size_t)snprintf(many + len, sizeof(many) - len, "]");
	assert_true(notice_parse(NOTICE_EC2_SCHEDULED, &worker, many, len, &n, &e) < 0);
	assert_non_null(strstr(e.msg, "more than 100 events"));
}

static void test_due(void **state)
{
	static const struct {
		enum notice_kind kind;
		enum notice_source source;
		int64_t time;
		bool due;
	} row[] = {
		{NOTICE_NONE, NOTICE_EC2_ACTION, 0, false},
		{NOTICE_TERMINATE, NOTICE_EC2_ACTION, AT + 120, true},
		{NOTICE_TERMINATE, NOTICE_EC2_ACTION, AT - 5, true},
		/* this machine's clock is an hour behind */
		{NOTICE_TERMINATE, NOTICE_EC2_ACTION, AT + 3600, true},
		{NOTICE_REBALANCE, NOTICE_EC2_REBALANCE, 0, true},
		{NOTICE_SCHEDULED, NOTICE_EC2_SCHEDULED, AT + 86400, false},
		{NOTICE_SCHEDULED, NOTICE_EC2_SCHEDULED, AT + 301, false},
		{NOTICE_SCHEDULED, NOTICE_EC2_SCHEDULED, AT + 300, true},
		{NOTICE_STOP, NOTICE_EC2_SCHEDULED, AT - 1, true},
		{NOTICE_TERMINATE, NOTICE_EC2_ASG, 0, true},
		{NOTICE_TERMINATE, NOTICE_AZURE_EVENTS, AT + 900, false},
		{NOTICE_PREEMPT, NOTICE_AZURE_EVENTS, AT + 900, true},
		{NOTICE_SCHEDULED, NOTICE_AZURE_EVENTS, 0, true},
		{NOTICE_PREEMPT, NOTICE_GCP_PREEMPTED, 0, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		const struct notice n = {
			.kind = row[i].kind, .source = row[i].source, .time = row[i].time};

		if (notice_is_due(&n, AT) != row[i].due)
			fail_msg("row %zu", i);
	}
}

struct decision {
	enum cloud cloud;
	const char *lifecycle, *name;
	uint64_t poll; /* s */
	enum rebalance rebalance;
	const char *plan; /* source=seconds …, or "learn" */
};

/* clang-format off */
static const struct decision decisions[] = {
	{CLOUD_NONE, "", "", 2, REBALANCE_STOP_CLAIMS, ""},
	{CLOUD_NONE, "spot", "", 2, REBALANCE_STOP_CLAIMS, ""},
	{CLOUD_UNKNOWN, "", "", 2, REBALANCE_STOP_CLAIMS, ""},
	{CLOUD_EC2, "", "", 2, REBALANCE_STOP_CLAIMS, " learn"},
	{CLOUD_EC2, "", "", 0, REBALANCE_STOP_CLAIMS, ""},
	{CLOUD_EC2, "spot", "", 0, REBALANCE_STOP_CLAIMS, ""},
	{CLOUD_EC2, "spot", "", 2, REBALANCE_STOP_CLAIMS, " spot/instance-action=2 events/recommendations/rebalance=10"
		" events/maintenance/scheduled=60 autoscaling/target-lifecycle-state=60"},
	{CLOUD_EC2, "spot", "", 5, REBALANCE_IGNORE, " spot/instance-action=5"
		" events/maintenance/scheduled=60 autoscaling/target-lifecycle-state=60"},
	{CLOUD_EC2, "on-demand", "", 2, REBALANCE_INTERRUPT,
		" events/maintenance/scheduled=60 autoscaling/target-lifecycle-state=60"},
	{CLOUD_EC2, "capacity-block", "", 1, REBALANCE_INTERRUPT,
		" events/maintenance/scheduled=60 autoscaling/target-lifecycle-state=60"},
	{CLOUD_AZURE, "spot", "", 1, REBALANCE_STOP_CLAIMS, " learn"},
	{CLOUD_AZURE, "spot", "worker", 1, REBALANCE_STOP_CLAIMS, " scheduledevents=1"},
	{CLOUD_AZURE, "on-demand", "worker", 1, REBALANCE_STOP_CLAIMS, " scheduledevents=60"},
	{CLOUD_GCP, "", "", 2, REBALANCE_STOP_CLAIMS, " learn"},
	{CLOUD_GCP, "spot", "", 2, REBALANCE_STOP_CLAIMS, " instance/preempted=2"},
	{CLOUD_GCP, "on-demand", "", 2, REBALANCE_STOP_CLAIMS, ""},
};
/* clang-format on */

static void test_decide(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(decisions); i++) {
		const struct decision *d = &decisions[i];
		const struct settings s = {
			.poll = d->poll * NSEC_PER_SEC, .rebalance = d->rebalance};
		const struct notice_pace pace = notice_pace(&s);
		struct notice_facts f = {.cloud = d->cloud};
		struct notice_plan plan;
		char text[256];
		int len;

		snprintf(f.lifecycle, sizeof(f.lifecycle), "%s", d->lifecycle);
		snprintf(f.name, sizeof(f.name), "%s", d->name);
		plan = notice_decide(&f, &s, &pace);
		len = snprintf(text, sizeof(text), "%s", plan.learn ? " learn" : "");
		for (size_t k = 0; k < plan.len; k++)
			len += snprintf(text + len, sizeof(text) - (size_t)len, " %s=%ju",
				notice_source_name(plan.poll[k].source),
				(uintmax_t)(plan.poll[k].every / NSEC_PER_SEC));
		if (strcmp(text, d->plan) != 0)
			fail_msg("row %zu:%s", i, text);
	}
}

static void test_pause(void **state)
{
	static const struct {
		uint64_t every;
		unsigned failures;
		uint64_t pause;
	} row[] = {{2, 0, 2}, {2, 1, 4}, {2, 3, 16}, {2, 4, 30}, {2, 1000000, 30}, {1, 5, 30},
		{60, 0, 60}, {60, 5, 60}, {30, 1, 30}, {16, 1, 30}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		assert_int_equal(notice_pause(row[i].every * NSEC_PER_SEC, row[i].failures),
			row[i].pause * NSEC_PER_SEC);
}

static void test_facts(void **state)
{
	struct identity id = {.cloud = CLOUD_EC2, .metadata = METADATA_NONE};

	(void)state;
	assert_int_equal(notice_facts(&id).cloud, CLOUD_NONE);
	id.metadata = METADATA_TIMEOUT;
	snprintf(id.lifecycle.value, sizeof(id.lifecycle.value), "spot");
	assert_int_equal(notice_facts(&id).cloud, CLOUD_EC2);
	assert_string_equal(notice_facts(&id).lifecycle, "spot");
	assert_string_equal(
		notice_source_path(NOTICE_EC2_ACTION), "/latest/meta-data/spot/instance-action");
	assert_string_equal(notice_kind_name(NOTICE_PREEMPT), "preempt");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_nul_and_many),
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_decide),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_facts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
