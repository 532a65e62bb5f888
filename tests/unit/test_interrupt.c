/* SPDX-License-Identifier: Apache-2.0 */
/* The poller against a metadata service with faults; its pace is in milliseconds here. */
#include "agent/interrupt.h"
#include "common/clock.h"
#include "common/date.h"
#include "common/num.h"
#include "tests/unit/server.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define OK_HEAD   "HTTP/1.0 200 OK\r\n\r\n"
#define STATUS(n) "HTTP/1.1 " #n " X\r\nContent-Length: 0\r\n\r\n"
#define TOKEN     OK_HEAD "c2VjcmV0=="
#define CUT       "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"action\":"
#define ACTION(a) OK_HEAD "{\"action\": \"" a "\", \"time\": \"2017-09-18T08:22:00Z\"}"
#define AT        1505722920

#define FAST   (4 * NSEC_PER_MSEC)
#define MEDIUM (5 * FAST)
#define SLOW   (15 * FAST)

#define TOKEN_PATH     "PUT /latest/api/token"
#define LIFECYCLE_PATH "GET /latest/meta-data/instance-life-cycle"
#define ACTION_PATH    "GET /latest/meta-data/spot/instance-action"
#define REBALANCE_PATH "GET /latest/meta-data/events/recommendations/rebalance"
#define SCHEDULED_PATH "GET /latest/meta-data/events/maintenance/scheduled"
#define ASG_PATH       "GET /latest/meta-data/autoscaling/target-lifecycle-state"
#define COMPUTE_PATH   "GET /metadata/instance/compute?"
#define EVENTS_PATH    "GET /metadata/scheduledevents?api-version=2020-07-01 "
#define INSTANCE_PATH  "GET /computeMetadata/v1/instance/?"
#define PREEMPTED_PATH "GET /computeMetadata/v1/instance/preempted "

static const char *const token[] = {TOKEN, NULL};
static const char *const spot[] = {OK_HEAD "spot", NULL};
static const char *const on_demand[] = {OK_HEAD "on-demand", NULL};

static struct interrupt *start(
	const struct server *s, enum cloud cloud, const char *lifecycle, enum rebalance rebalance)
{
	const struct settings settings = {.poll = FAST, .rebalance = rebalance};
	struct interrupt_setup setup = {
		.facts = {.cloud = cloud},
		.settings = &settings,
		.pace = {FAST, MEDIUM, SLOW},
	};
	struct interrupt *i = NULL;
	struct err e = ERR_INIT;

	snprintf(setup.facts.lifecycle, sizeof(setup.facts.lifecycle), "%s", lifecycle);
	setenv(IDENTITY_URL_VARIABLE, s->url, 1);
	assert_int_equal(interrupt_start(&setup, &i, &e), 0);
	unsetenv(IDENTITY_URL_VARIABLE);
	assert_non_null(i);
	return i;
}

static bool is_readable(const struct interrupt *i, int ms)
{
	struct pollfd p = {.fd = interrupt_fd(i), .events = POLLIN};

	return poll(&p, 1, ms) == 1;
}

static struct interrupt_report next(struct interrupt *i)
{
	struct interrupt_report r;

	assert_true(is_readable(i, 60000));
	assert_true(interrupt_next(i, &r));
	return r;
}

static void expect_notice(
	struct interrupt *i, enum notice_source source, enum notice_kind kind, int64_t time)
{
	struct interrupt_report r = next(i);

	if (r.news != INTERRUPT_NOTICE || r.notice.source != source || r.notice.kind != kind ||
		r.notice.time != time)
		fail_msg("news %d '%s': %s from %s at %jd", (int)r.news, r.text,
			notice_kind_name(r.notice.kind), notice_source_name(r.notice.source),
			(intmax_t)r.notice.time);
}

/* One token, one question for the life cycle, one report. */
static void test_notice_after_polls(void **state)
{
	static const char *const action[] = {
		STATUS(404), STATUS(404), STATUS(404), ACTION("terminate"), NULL};
	struct server_route routes[] = {
		{.path = TOKEN_PATH, .answer = token},
		{.path = LIFECYCLE_PATH, .answer = spot},
		{.path = ACTION_PATH, .answer = action},
		{0},
	};
	struct interrupt_report r;
	struct interrupt *i;
	struct server s;

	(void)state;
	server_start_routes(&s, routes);
	i = start(&s, CLOUD_EC2, "", REBALANCE_IGNORE);
	expect_notice(i, NOTICE_EC2_ACTION, NOTICE_TERMINATE, AT);
	assert_in_range(server_requests(&s, ACTION_PATH), 4, 5);
	server_wait(&s, 40);
	assert_false(interrupt_next(i, &r));
	interrupt_free(i);
	server_stop(&s);
	assert_int_equal(server_requests(&s, TOKEN_PATH), 1);
	assert_int_equal(server_requests(&s, LIFECYCLE_PATH), 1);
}

struct fault {
	const char *name;
	const char *answer[3];
	unsigned requests; /* to wait for */
	bool trouble;
};

/* clang-format off */
static const struct fault faults[] = {
	{"404", {STATUS(404)}, 40, false},
	{"503", {STATUS(503)}, 6, true},
	{"garbage", {"\x81\x82\r\n\r\n"}, 6, true},
	{"page", {OK_HEAD "<html>terminate</html>"}, 6, true},
	{"empty", {STATUS(200)}, 6, true},
	{"no time", {OK_HEAD "{\"action\":\"terminate\"}"}, 6, true},
	{"cut", {CUT}, 6, true},
	{"closed", {SERVER_CLOSE}, 6, true},
	{"302", {STATUS(302)}, 6, true},
	{"403", {STATUS(403)}, 6, true},
	{"silent", {SERVER_SILENT}, 3, true},
	{"drip", {SERVER_DRIP ACTION("terminate")}, 3, true},
	{"503 now and then", {STATUS(503), STATUS(404)}, 40, false},
};
/* clang-format on */

static void run_fault(const struct fault *f)
{
	struct server_route routes[] = {
		{.path = TOKEN_PATH, .answer = token},
		{.path = ACTION_PATH, .answer = f->answer},
		{0},
	};
	struct interrupt_report r = {0};
	struct interrupt *i;
	struct server s;

	server_start_routes(&s, routes);
	i = start(&s, CLOUD_EC2, "spot", REBALANCE_IGNORE);
	server_wait(&s, f->requests + 3);
	if (f->trouble)
		r = next(i);
	if (f->trouble && (r.news != INTERRUPT_TROUBLE || !strstr(r.text, "spot/instance-action")))
		fail_msg("%s: news %d '%s'", f->name, (int)r.news, r.text);
	if (interrupt_next(i, &r))
		fail_msg("%s: news %d '%s'", f->name, (int)r.news, r.text);
	interrupt_free(i);
	server_stop(&s);
	assert_null(strstr(r.text, "c2VjcmV0"));
}

static void test_faults(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(faults); k++)
		run_fault(&faults[k]);
}

/* Requests become rarer while a source fails; the others go on. */
static void test_pace(void **state)
{
	static const char *const none[] = {STATUS(404), NULL};
	static const char *const fails[] = {STATUS(503), NULL};
	struct server_route routes[] = {
		{.path = TOKEN_PATH, .answer = token},
		{.path = ACTION_PATH, .answer = none},
		{.path = REBALANCE_PATH, .answer = none},
		{.path = SCHEDULED_PATH, .answer = none},
		{.path = ASG_PATH, .answer = fails},
		{0},
	};
	uint64_t begun = clock_now(), took;
	struct interrupt *i;
	struct server s;

	(void)state;
	server_start_routes(&s, routes);
	i = start(&s, CLOUD_EC2, "spot", REBALANCE_STOP_CLAIMS);
	server_wait(&s, 300);
	interrupt_free(i);
	server_stop(&s);
	took = clock_now() - begun;
	/* Half a pause of the fastest source is as early as any can be asked. */
	assert_in_range(server_requests(&s, ACTION_PATH), 100, took / (FAST / 4) + 1);
	assert_in_range(
		server_requests(&s, REBALANCE_PATH), 10, took / (MEDIUM * 3 / 4 - FAST / 2) + 1);
	assert_in_range(
		server_requests(&s, SCHEDULED_PATH), 2, took / (SLOW * 3 / 4 - FAST / 2) + 1);
	assert_in_range(server_requests(&s, ASG_PATH), 1, 8);
	assert_int_equal(server_requests(&s, TOKEN_PATH), 1);
}

/* On demand both slow sources are asked together: one wake-up. */
static void test_on_demand(void **state)
{
	static const char *const none[] = {STATUS(404), NULL};
	struct server_route routes[] = {
		{.path = TOKEN_PATH, .answer = token},
		{.path = LIFECYCLE_PATH, .answer = on_demand},
		{.path = ACTION_PATH, .answer = none},
		{.path = REBALANCE_PATH, .answer = none},
		{.path = SCHEDULED_PATH, .answer = none},
		{.path = ASG_PATH, .answer = none},
		{0},
	};
	uint64_t begun = clock_now(), took;
	struct interrupt *i;
	struct server s;

	(void)state;
	server_start_routes(&s, routes);
	i = start(&s, CLOUD_EC2, "", REBALANCE_STOP_CLAIMS);
	server_wait(&s, 2 + 2 * 10);
	interrupt_free(i);
	server_stop(&s);
	took = clock_now() - begun;
	assert_int_equal(server_requests(&s, ACTION_PATH) + server_requests(&s, REBALANCE_PATH), 0);
	assert_true(took >= 9 * SLOW * 3 / 4);
	/* On a busy machine a request takes longer than pauses that are this short differ. */
	assert_in_range(server_requests(&s, SCHEDULED_PATH), 7, 14);
	assert_in_range(server_requests(&s, ASG_PATH), 7, 14);
}

static void test_new_token(void **state)
{
	static const char *const action[] = {STATUS(404), STATUS(401), ACTION("stop"), NULL};
	struct server_route routes[] = {
		{.path = TOKEN_PATH, .answer = token},
		{.path = ACTION_PATH, .answer = action},
		{0},
	};
	struct interrupt *i;
	struct server s;

	(void)state;
	server_start_routes(&s, routes);
	i = start(&s, CLOUD_EC2, "spot", REBALANCE_IGNORE);
	expect_notice(i, NOTICE_EC2_ACTION, NOTICE_STOP, AT);
	interrupt_free(i);
	server_stop(&s);
	assert_int_equal(server_requests(&s, TOKEN_PATH), 2);
}

/* Without a token nothing else is asked; the trouble is said, and its end. */
static void test_no_token(void **state)
{
	static const char *const refused[] = {
		STATUS(403), STATUS(403), STATUS(403), STATUS(403), TOKEN, NULL};
	static const char *const none[] = {STATUS(404), NULL};
	struct server_route routes[] = {
		{.path = TOKEN_PATH, .answer = refused},
		{.path = ACTION_PATH, .answer = none},
		{0},
	};
	struct interrupt_report r;
	struct interrupt *i;
	struct server s;

	(void)state;
	server_start_routes(&s, routes);
	i = start(&s, CLOUD_EC2, "spot", REBALANCE_IGNORE);
	r = next(i);
	assert_int_equal(r.news, INTERRUPT_TROUBLE);
	assert_non_null(strstr(r.text, "status 403"));
	assert_int_equal(server_requests(&s, ACTION_PATH), 0);
	r = next(i);
	assert_int_equal(r.news, INTERRUPT_WELL);
	interrupt_free(i);
	server_stop(&s);
	assert_int_equal(server_requests(&s, TOKEN_PATH), 5);
}

/* First likelier, then certain, then another time, then no more. */
static void test_changes(void **state)
{
	static const char *const rebalance[] = {
		STATUS(404), OK_HEAD "{\"noticeTime\":\"2017-09-18T08:20:00Z\"}", NULL};
	static const char *const action[] = {STATUS(404), STATUS(404), STATUS(404), STATUS(404),
		STATUS(404), STATUS(404), STATUS(404), STATUS(404), STATUS(404), STATUS(404),
		STATUS(404), STATUS(404), STATUS(404), STATUS(404), STATUS(404), STATUS(404),
		ACTION("hibernate"), ACTION("hibernate"), STATUS(503), ACTION("stop"), STATUS(404),
		STATUS(404), ACTION("stop"), STATUS(404), STATUS(503), STATUS(404), STATUS(404),
		STATUS(404), ACTION("stop"), NULL};
	struct server_route routes[] = {
		{.path = TOKEN_PATH, .answer = token},
		{.path = ACTION_PATH, .answer = action},
		{.path = REBALANCE_PATH, .answer = rebalance},
		{0},
	};
	struct interrupt_report r;
	struct interrupt *i;
	struct server s;

	(void)state;
	server_start_routes(&s, routes);
	i = start(&s, CLOUD_EC2, "spot", REBALANCE_STOP_CLAIMS);
	expect_notice(i, NOTICE_EC2_REBALANCE, NOTICE_REBALANCE, 0);
	expect_notice(i, NOTICE_EC2_ACTION, NOTICE_HIBERNATE, AT);
	expect_notice(i, NOTICE_EC2_ACTION, NOTICE_STOP, AT);
	r = next(i);
	assert_int_equal(r.news, INTERRUPT_OVER);
	assert_int_equal(r.notice.source, NOTICE_EC2_ACTION);
	expect_notice(i, NOTICE_EC2_ACTION, NOTICE_STOP, AT);
	interrupt_free(i);
	server_stop(&s);
}

/* Far ahead it is none; then it is. */
static void test_scheduled(void **state)
{
	char near[256], date[DATE_TEXT];
	const char *scheduled[] = {OK_HEAD "[]",
		OK_HEAD "[{\"Code\":\"system-reboot\",\"State\":\"active\","
			"\"NotBefore\":\"2999-01-31T08:22:00Z\"}]",
		near, NULL};
	int64_t at = date_now() + 200;
	struct server_route routes[] = {
		{.path = TOKEN_PATH, .answer = token},
		{.path = SCHEDULED_PATH, .answer = scheduled},
		{0},
	};
	struct interrupt *i;
	struct server s;

	(void)state;
	snprintf(near, sizeof(near),
		OK_HEAD "[{\"Code\":\"system-reboot\",\"State\":\"active\",\"NotBefore\":\"%s\"}]",
		date_text(at, date));
	server_start_routes(&s, routes);
	i = start(&s, CLOUD_EC2, "on-demand", REBALANCE_STOP_CLAIMS);
	expect_notice(i, NOTICE_EC2_SCHEDULED, NOTICE_SCHEDULED, at);
	interrupt_free(i);
	server_stop(&s);
	assert_in_range(server_requests(&s, SCHEDULED_PATH), 3, 4);
}

static void test_asg(void **state)
{
	static const char *const asg[] = {OK_HEAD "InService", OK_HEAD "Terminated", NULL};
	struct server_route routes[] = {
		{.path = TOKEN_PATH, .answer = token},
		{.path = LIFECYCLE_PATH, .answer = (const char *const[]){STATUS(404), NULL}},
		{.path = ASG_PATH, .answer = asg},
		{0},
	};
	struct interrupt *i;
	struct server s;

	(void)state;
	server_start_routes(&s, routes);
	i = start(&s, CLOUD_EC2, "", REBALANCE_STOP_CLAIMS);
	expect_notice(i, NOTICE_EC2_ASG, NOTICE_TERMINATE, 0);
	interrupt_free(i);
	server_stop(&s);
}

static void test_azure(void **state)
{
	static const char *const compute[] = {STATUS(503),
		OK_HEAD "{\"vmSize\":\"S\",\"vmId\":\"a\",\"location\":\"eastus\","
			"\"priority\":\"Spot\",\"name\":\"worker\"}",
		NULL};
	static const char *const events[] = {OK_HEAD "{\"DocumentIncarnation\":1,\"Events\":[]}",
		OK_HEAD "{\"DocumentIncarnation\":2,\"Events\":[{\"EventType\":\"Preempt\","
			"\"NotBefore\":\"\",\"Resources\":[\"other\"]}]}",
		STATUS(429),
		OK_HEAD "{\"DocumentIncarnation\":3,\"Events\":[{\"EventType\":\"Preempt\","
			"\"NotBefore\":\"Mon, 18 Sep 2017 08:22:00 GMT\","
			"\"Resources\":[\"WORKER\"]}]}",
		NULL};
	struct server_route routes[] = {
		{.path = COMPUTE_PATH, .answer = compute},
		{.path = EVENTS_PATH, .answer = events},
		{0},
	};
	struct interrupt *i;
	struct server s;

	(void)state;
	server_start_routes(&s, routes);
	i = start(&s, CLOUD_AZURE, "spot", REBALANCE_STOP_CLAIMS);
	expect_notice(i, NOTICE_AZURE_EVENTS, NOTICE_PREEMPT, AT);
	interrupt_free(i);
	server_stop(&s);
	assert_int_equal(server_requests(&s, COMPUTE_PATH), 2);
	assert_non_null(strstr(s.last, "\r\nMetadata: true\r\n"));
}

#define INSTANCE(p)                                                                                \
	OK_HEAD "{\"id\":42,\"machineType\":\"n2\",\"zone\":\"a/us-central1-a\","                  \
		"\"scheduling\":{\"preemptible\":\"" p "\"}}"

static void test_gcp(void **state)
{
	static const char *const instance[] = {INSTANCE("TRUE"), NULL};
	static const char *const preempted[] = {OK_HEAD "FALSE", STATUS(404), OK_HEAD "TRUE", NULL};
	struct server_route routes[] = {
		{.path = INSTANCE_PATH, .answer = instance},
		{.path = PREEMPTED_PATH, .answer = preempted},
		{0},
	};
	struct interrupt *i;
	struct server s;

	(void)state;
	server_start_routes(&s, routes);
	i = start(&s, CLOUD_GCP, "", REBALANCE_STOP_CLAIMS);
	expect_notice(i, NOTICE_GCP_PREEMPTED, NOTICE_PREEMPT, 0);
	interrupt_free(i);
	server_stop(&s);
	assert_non_null(strstr(s.last, "\r\nMetadata-Flavor: Google\r\n"));
}

/* What cannot be preempted is not asked again. */
static void test_gcp_on_demand(void **state)
{
	static const char *const instance[] = {INSTANCE("FALSE"), NULL};
	struct server_route routes[] = {{.path = INSTANCE_PATH, .answer = instance}, {0}};
	struct interrupt *i;
	struct server s;

	(void)state;
	server_start_routes(&s, routes);
	i = start(&s, CLOUD_GCP, "", REBALANCE_STOP_CLAIMS);
	server_wait(&s, 1);
	assert_false(is_readable(i, (int)(20 * FAST / NSEC_PER_MSEC)));
	interrupt_free(i);
	server_stop(&s);
	assert_int_equal(s.requests, 1);
}

static void test_nothing_to_watch(void **state)
{
	static const struct {
		enum cloud cloud;
		uint64_t poll;
		const char *lifecycle;
	} row[] = {
		{CLOUD_NONE, FAST, "spot"},
		{CLOUD_UNKNOWN, FAST, "spot"},
		{CLOUD_EC2, 0, "spot"},
		{CLOUD_GCP, FAST, "on-demand"},
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(row); k++) {
		const struct settings settings = {.poll = row[k].poll};
		struct interrupt_setup setup = {
			.facts = {.cloud = row[k].cloud},
			.settings = &settings,
			.pace = notice_pace(&settings),
		};
		struct interrupt *i = (struct interrupt *)&setup;
		struct err e = ERR_INIT;

		snprintf(setup.facts.lifecycle, sizeof(setup.facts.lifecycle), "%s",
			row[k].lifecycle);
		assert_int_equal(interrupt_start(&setup, &i, &e), 0);
		assert_null(i);
		assert_int_equal(interrupt_fd(i), -1);
		interrupt_free(i);
	}
}

static void test_bad_address(void **state)
{
	const struct settings settings = {.poll = FAST};
	const struct interrupt_setup setup = {
		.facts = {.cloud = CLOUD_EC2}, .settings = &settings, .pace = {FAST, FAST, FAST}};
	struct interrupt *i = NULL;
	struct err e = ERR_INIT;

	(void)state;
	setenv(IDENTITY_URL_VARIABLE, "nowhere", 1);
	assert_true(interrupt_start(&setup, &i, &e) < 0);
	unsetenv(IDENTITY_URL_VARIABLE);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_null(i);
}

/* The first list of events may take minutes; an end does not wait for it. */
static void test_stop_in_request(void **state)
{
	static const char *const compute[] = {OK_HEAD
		"{\"vmSize\":\"S\",\"vmId\":\"a\",\"location\":\"eastus\",\"name\":\"w\"}",
		NULL};
	static const char *const silent[] = {SERVER_SILENT, NULL};
	struct server_route routes[] = {
		{.path = COMPUTE_PATH, .answer = compute},
		{.path = EVENTS_PATH, .answer = silent},
		{0},
	};
	struct interrupt *i;
	struct server s;
	uint64_t begun;

	(void)state;
	server_start_routes(&s, routes);
	i = start(&s, CLOUD_AZURE, "", REBALANCE_STOP_CLAIMS);
	server_wait(&s, 2);
	assert_false(is_readable(i, 1500));
	begun = clock_now();
	interrupt_free(i);
	assert_in_range(clock_now() - begun, 0, 2 * NSEC_PER_SEC);
	server_stop(&s);
	assert_int_equal(s.requests, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notice_after_polls),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_on_demand),
		cmocka_unit_test(test_new_token),
		cmocka_unit_test(test_no_token),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_scheduled),
		cmocka_unit_test(test_asg),
		cmocka_unit_test(test_azure),
		cmocka_unit_test(test_gcp),
		cmocka_unit_test(test_gcp_on_demand),
		cmocka_unit_test(test_nothing_to_watch),
		cmocka_unit_test(test_bad_address),
		cmocka_unit_test(test_stop_in_request),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
