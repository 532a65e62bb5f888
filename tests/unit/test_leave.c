/* SPDX-License-Identifier: Apache-2.0 */
/* The order of deeds, the times, interrupt.json, the environment of hooks. */
#include "agent/leave.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/num.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define DATE  1505722920 /* 2017-09-18T08:22:00Z */
#define CLOCK (1000 * NSEC_PER_SEC)

static const struct leave_now now = {.date = DATE, .clock = CLOCK};

static struct notice notice(enum notice_source source, enum notice_kind kind, int64_t left)
{
	return (struct notice){
		.source = source, .kind = kind, .time = left == INT64_MIN ? 0 : DATE + left};
}

#define UNSAID INT64_MIN

/* What is left of the time, in seconds from now. */
static void test_times(void **state)
{
	static const struct {
		enum notice_source source;
		enum notice_kind kind;
		int64_t left;
		int64_t time, deadline;
		uint64_t jobs_ms;
	} row[] = {
		{NOTICE_EC2_ACTION, NOTICE_TERMINATE, 120, 120, 110, 55000},
		{NOTICE_EC2_ACTION, NOTICE_TERMINATE, 118, 118, 108, 54000},
		{NOTICE_EC2_ACTION, NOTICE_STOP, 31, 31, 21, 10500},
		{NOTICE_EC2_ACTION, NOTICE_STOP, 30, 30, 20, 10000},
		{NOTICE_EC2_ACTION, NOTICE_STOP, 15, 15, 10, 5000},
		{NOTICE_EC2_ACTION, NOTICE_STOP, 1, 1, 1, 500},
		/* clocks that are wrong, or a notice that comes late */
		{NOTICE_EC2_ACTION, NOTICE_TERMINATE, 3600, 120, 110, 55000},
		{NOTICE_EC2_ACTION, NOTICE_TERMINATE, 0, 30, 20, 10000},
		{NOTICE_EC2_ACTION, NOTICE_HIBERNATE, -5, 30, 20, 10000},
		{NOTICE_EC2_SCHEDULED, NOTICE_SCHEDULED, 300, 300, 290, 145000},
		{NOTICE_EC2_SCHEDULED, NOTICE_STOP, -86400, 30, 20, 10000},
		{NOTICE_EC2_ASG, NOTICE_TERMINATE, UNSAID, 120, 110, 55000},
		{NOTICE_AZURE_EVENTS, NOTICE_PREEMPT, UNSAID, 30, 20, 10000},
		{NOTICE_AZURE_EVENTS, NOTICE_PREEMPT, 900, 300, 290, 145000},
		{NOTICE_GCP_PREEMPTED, NOTICE_PREEMPT, UNSAID, 30, 20, 10000},
		{NOTICE_EC2_REBALANCE, NOTICE_REBALANCE, UNSAID, 120, 110, 55000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct notice n = notice(row[i].source, row[i].kind, row[i].left);
		struct leave l = {0};

		assert_true(leave_notice(&l, &n, REBALANCE_INTERRUPT, now));
		if (l.time != DATE + row[i].time || l.deadline != DATE + row[i].deadline ||
			l.jobs_by != CLOCK + row[i].jobs_ms * NSEC_PER_MSEC ||
			l.hooks_by != CLOCK + (uint64_t)row[i].deadline * NSEC_PER_SEC)
			fail_msg("row %zu: %jd %jd %ju", i, (intmax_t)(l.time - DATE),
				(intmax_t)(l.deadline - DATE), (uintmax_t)(l.jobs_by - CLOCK));
	}
}

static struct leave leaving(void)
{
	const struct notice n = notice(NOTICE_EC2_ACTION, NOTICE_TERMINATE, 120);
	struct leave l = {0};

	assert_int_equal(l.state, LEAVE_STAYS);
	assert_int_equal(leave_next(&l, 3, CLOCK), LEAVE_WAIT);
	assert_int_equal(leave_wake(&l), CLOCK_FOREVER);
	assert_true(leave_notice(&l, &n, REBALANCE_STOP_CLAIMS, now));
	assert_int_not_equal(l.state, LEAVE_STAYS);
	return l;
}

/* Jobs end by themselves: hooks begin when the last has. */
static void test_jobs_end(void **state)
{
	struct leave l = leaving();

	(void)state;
	assert_int_equal(leave_next(&l, 2, CLOCK), LEAVE_TERM_JOBS);
	assert_int_equal(leave_next(&l, 2, CLOCK), LEAVE_WAIT);
	assert_int_equal(leave_wake(&l), l.jobs_by);
	assert_int_equal(leave_next(&l, 1, CLOCK + NSEC_PER_SEC), LEAVE_WAIT);
	assert_int_equal(leave_next(&l, 0, CLOCK + 2 * NSEC_PER_SEC), LEAVE_RUN_HOOKS);
	assert_int_equal(leave_next(&l, 0, CLOCK + 2 * NSEC_PER_SEC), LEAVE_WAIT);
	assert_int_equal(leave_wake(&l), CLOCK_FOREVER);
	assert_int_not_equal(l.state, LEAVE_STAYS);
}

static void test_no_jobs(void **state)
{
	struct leave l = leaving();

	(void)state;
	assert_int_equal(leave_next(&l, 0, CLOCK), LEAVE_RUN_HOOKS);
	assert_int_equal(leave_next(&l, 0, CLOCK), LEAVE_WAIT);
}

/* Jobs do not end: at half time they are killed, and hooks do not wait for their death for ever. */
static void test_jobs_stay(void **state)
{
	struct leave l = leaving();

	(void)state;
	assert_int_equal(leave_next(&l, 2, CLOCK), LEAVE_TERM_JOBS);
	assert_int_equal(leave_next(&l, 2, l.jobs_by - 1), LEAVE_WAIT);
	assert_int_equal(leave_next(&l, 2, l.jobs_by), LEAVE_KILL_JOBS);
	assert_int_equal(leave_next(&l, 2, l.jobs_by + 1), LEAVE_WAIT);
	assert_int_equal(leave_wake(&l), l.jobs_by + LEAVE_DEATH);
	assert_int_equal(leave_next(&l, 1, l.jobs_by + LEAVE_DEATH), LEAVE_RUN_HOOKS);

	l = leaving();
	assert_int_equal(leave_next(&l, 2, CLOCK), LEAVE_TERM_JOBS);
	assert_int_equal(leave_next(&l, 2, l.jobs_by), LEAVE_KILL_JOBS);
	assert_int_equal(leave_next(&l, 0, l.jobs_by + 1), LEAVE_RUN_HOOKS);
}

/* A recommendation stops claims and no more; what follows counts. */
static void test_rebalance(void **state)
{
	const struct notice r = notice(NOTICE_EC2_REBALANCE, NOTICE_REBALANCE, UNSAID);
	const struct notice n = notice(NOTICE_EC2_ACTION, NOTICE_STOP, 100);
	struct leave l = {0};

	(void)state;
	assert_false(leave_notice(&l, &r, REBALANCE_IGNORE, now));
	assert_int_equal(l.state, LEAVE_STAYS);
	assert_true(leave_notice(&l, &r, REBALANCE_STOP_CLAIMS, now));
	assert_int_not_equal(l.state, LEAVE_STAYS);
	assert_int_equal(l.time, 0);
	assert_int_equal(leave_next(&l, 5, CLOCK_FOREVER), LEAVE_WAIT);
	assert_false(leave_notice(&l, &r, REBALANCE_STOP_CLAIMS, now));
	assert_true(leave_notice(&l, &n, REBALANCE_STOP_CLAIMS, now));
	assert_int_equal(l.notice.kind, NOTICE_STOP);
	assert_int_equal(leave_next(&l, 5, CLOCK), LEAVE_TERM_JOBS);
	assert_false(leave_notice(&l, &r, REBALANCE_STOP_CLAIMS, now));
	assert_int_equal(l.notice.kind, NOTICE_STOP);
}

/* One on top counts when it leaves less time; jobs are told once. */
static void test_second_notice(void **state)
{
	const struct notice later = notice(NOTICE_EC2_SCHEDULED, NOTICE_SCHEDULED, 200);
	const struct notice sooner = notice(NOTICE_EC2_ACTION, NOTICE_STOP, 60);
	struct leave l = leaving();

	(void)state;
	assert_int_equal(leave_next(&l, 1, CLOCK), LEAVE_TERM_JOBS);
	assert_false(leave_notice(&l, &later, REBALANCE_STOP_CLAIMS, now));
	assert_int_equal(l.notice.kind, NOTICE_TERMINATE);
	assert_true(leave_notice(&l, &sooner, REBALANCE_STOP_CLAIMS, now));
	assert_int_equal(l.time, DATE + 60);
	assert_int_equal(leave_next(&l, 1, CLOCK), LEAVE_WAIT);
	assert_int_equal(leave_next(&l, 1, CLOCK + 25 * NSEC_PER_SEC), LEAVE_KILL_JOBS);
}

/* The machine stays when all have taken their notices back. */
static void test_over(void **state)
{
	const struct notice r = notice(NOTICE_EC2_REBALANCE, NOTICE_REBALANCE, UNSAID);
	struct leave l = {0};

	(void)state;
	assert_false(leave_over(&l, NOTICE_EC2_ACTION));
	l = leaving();
	assert_false(leave_notice(&l, &r, REBALANCE_STOP_CLAIMS, now));
	assert_int_equal(leave_next(&l, 0, CLOCK), LEAVE_RUN_HOOKS);
	assert_false(leave_over(&l, NOTICE_EC2_ACTION));
	assert_int_not_equal(l.state, LEAVE_STAYS);
	assert_true(leave_over(&l, NOTICE_EC2_REBALANCE));
	assert_int_equal(l.state, LEAVE_STAYS);
	assert_int_equal(leave_next(&l, 1, CLOCK), LEAVE_WAIT);
}

static void expect_file(
	const struct scratch *t, const char *path, const char *member, const char *text)
{
	char out[1024];
	struct err e = ERR_INIT;
	auto_json json_t *j = NULL;
	const json_t *value;

	scratch_read(t, path, out, sizeof(out));
	assert_int_equal(json_parse(out, strlen(out), path, &j, &e), 0);
	assert_int_equal(json_object_size(j), 7);
	assert_int_equal(json_integer_value(json_object_get(j, "format")), 1);
	value = json_object_get(j, member);
	if (!text)
		assert_true(json_is_null(value));
	else
		assert_string_equal(json_string_value(value), text);
	assert_int_equal(scratch_mode(t, path) & 07777, 0644);
}

static void test_publish(void **state)
{
	static const char *const path[] = {
		"run/shared-prep/interrupt.json", "shared/interrupt.json"};
	const struct scratch *t = *state;
	const struct notice r = notice(NOTICE_EC2_REBALANCE, NOTICE_REBALANCE, UNSAID);
	struct leave l = leaving();
	struct err e = ERR_INIT;

	assert_int_equal(fs_mkdir_p(t->fd, "run/shared-prep", 0755, &e), 0);
	assert_int_equal(fs_mkdir_p(t->fd, "shared", 01777, &e), 0);
	snprintf(l.notice.event, sizeof(l.notice.event), "terminate");
	assert_int_equal(leave_publish(t->fd, "/shared", &l, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(path); i++) {
		expect_file(t, path[i], "kind", "terminate");
		expect_file(t, path[i], "event", "terminate");
		expect_file(t, path[i], "source", "spot/instance-action");
		expect_file(t, path[i], "time", "2017-09-18T08:24:00Z");
		expect_file(t, path[i], "deadline", "2017-09-18T08:23:50Z");
		expect_file(t, path[i], "noticed", "2017-09-18T08:22:00Z");
	}
	l = (struct leave){0};
	assert_true(leave_notice(&l, &r, REBALANCE_STOP_CLAIMS, now));
	assert_int_equal(leave_publish(t->fd, "/shared", &l, &e), 0);
	expect_file(t, path[1], "kind", "rebalance");
	expect_file(t, path[1], "time", NULL);
	expect_file(t, path[1], "deadline", NULL);
	assert_int_equal(leave_unpublish(t->fd, "/shared", &e), 0);
	assert_int_equal(leave_unpublish(t->fd, "/shared", &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(path); i++)
		assert_false(fs_exists(t->fd, path[i]));
}

/* Whatever anybody put there gives way, and nothing is written through it. */
static void test_publish_in_the_way(void **state)
{
	const struct scratch *t = *state;
	struct leave l = leaving();
	struct err e = ERR_INIT;
	char out[64];

	assert_int_equal(fs_mkdir_p(t->fd, "run/shared-prep", 0755, &e), 0);
	scratch_write(t, "shared/interrupt.json/sub/x", "x");
	scratch_write(t, "shared/.interrupt.json.new/x", "x");
	assert_int_equal(leave_publish(t->fd, "/shared", &l, &e), 0);
	expect_file(t, "shared/interrupt.json", "kind", "terminate");
	scratch_write(t, "victim", "mine");
	assert_int_equal(unlinkat(t->fd, "shared/interrupt.json", 0), 0);
	assert_int_equal(symlinkat("../victim", t->fd, "shared/interrupt.json"), 0);
	assert_int_equal(symlinkat("../victim", t->fd, "shared/.interrupt.json.new"), 0);
	assert_int_equal(leave_publish(t->fd, "/shared", &l, &e), 0);
	expect_file(t, "shared/interrupt.json", "kind", "terminate");
	scratch_read(t, "victim", out, sizeof(out));
	assert_string_equal(out, "mine");
}

/* One place that cannot be written to does not keep from the other. */
static void test_publish_half(void **state)
{
	const struct scratch *t = *state;
	struct leave l = leaving();
	struct err e = ERR_INIT;

	assert_int_equal(fs_mkdir_p(t->fd, "shared", 0755, &e), 0);
	assert_true(leave_publish(t->fd, "/shared", &l, &e) < 0);
	assert_non_null(strstr(e.msg, "/run/shared-prep"));
	expect_file(t, "shared/interrupt.json", "kind", "terminate");
}

static void test_environment(void **state)
{
	static const char *const want[] = {"SHARED_PREP_INTERRUPT_KIND=terminate",
		"SHARED_PREP_INTERRUPT_EVENT=", "SHARED_PREP_INTERRUPT_SOURCE=spot/instance-action",
		"SHARED_PREP_INTERRUPT_TIME=2017-09-18T08:24:00Z",
		"SHARED_PREP_INTERRUPT_DEADLINE=2017-09-18T08:23:50Z",
		"SHARED_PREP_JOBS=/shared/jobs", "SHARED_PREP_INSTANCE_ID=i-1",
		"SHARED_PREP_PERSIST_TO=s3://bucket"};
	struct leave l = leaving();
	struct leave_context c = {.leave = &l,
		.spool = "/shared/jobs",
		.instance_id = "i-1",
		.persist_to = "s3://bucket"};
	char longer[LEAVE_ENV_TEXT];
	struct leave_env env;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(leave_environment(&c, &env, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_string_equal(env.var[i], want[i]);
	assert_null(env.var[ARRAY_LEN(want)]);
	c = (struct leave_context){.spool = "/s", .instance_id = ""};
	assert_int_equal(leave_environment(&c, &env, &e), 0);
	assert_string_equal(env.var[0], "SHARED_PREP_INTERRUPT_KIND=none");
	assert_string_equal(env.var[3], "SHARED_PREP_INTERRUPT_TIME=");
	assert_string_equal(env.var[7], "SHARED_PREP_PERSIST_TO=");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	c.spool = longer;
	assert_true(leave_environment(&c, &env, &e) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_jobs_end),
		cmocka_unit_test(test_no_jobs),
		cmocka_unit_test(test_jobs_stay),
		cmocka_unit_test(test_rebalance),
		cmocka_unit_test(test_second_notice),
		cmocka_unit_test(test_over),
		cmocka_unit_test_setup_teardown(test_publish, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_publish_in_the_way, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_publish_half, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_environment),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
