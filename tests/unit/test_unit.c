/* SPDX-License-Identifier: Apache-2.0 */
/* The pure part of jobs as units: names, limits, what a group has used, what an end means. */
#include "agent/rundir.h"
#include "agent/unit_runner.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_names(void **state)
{
	static const struct {
		const char *id, *unit;
	} cases[] = {
		{"a", "shared-prep-job-a.service"},
		{"a~2", "shared-prep-job-a\\x7e2.service"},
		{"a.service", "shared-prep-job-a.service.service"},
		{"A-b_c.d~99", "shared-prep-job-A-b_c.d\\x7e99.service"},
	};
	char unit[UNIT_NAME], id[SPOOL_ID];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unit_name_of(cases[i].id, unit);
		assert_string_equal(unit, cases[i].unit);
		assert_true(unit_name_parse(unit, id));
		assert_string_equal(id, cases[i].id);
	}
}

static void test_foreign_names(void **state)
{
	static const char *const foreign[] = {
		"",
		"shared-prep-jobs.service",
		"shared-prep-job-.service",
		"shared-prep-job-a.scope",
		"shared-prep-job-a",
		"other-a.service",
		"shared-prep-job-..service",
		"shared-prep-job-a/b.service",
		"shared-prep-job-a\\x7.service",
		"shared-prep-job-a\\x7E2.service",
		"shared-prep-job-a\\x2d2.service",
		"shared-prep-job-a\\x2f2.service",
		"shared-prep-job-a\\x00.service",
		"shared-prep-job-a~2.service",
	};
	char unit[UNIT_NAME + 200] = UNIT_PREFIX, id[SPOOL_ID];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		assert_false(unit_name_parse(foreign[i], id));
	memset(unit + strlen(UNIT_PREFIX), 'a', SPOOL_ID);
	memcpy(unit + strlen(UNIT_PREFIX) + SPOOL_ID, UNIT_SUFFIX, sizeof(UNIT_SUFFIX));
	assert_false(unit_name_parse(unit, id));
}

static void test_quote(void **state)
{
	auto_buf struct buf out = BUF_INIT(64);

	(void)state;
	assert_int_equal(unit_name_quote(&out, "$HOME ${x} %n $$"), 0);
	assert_string_equal(buf_str(&out), "$$HOME $${x} %n $$$$");
}

static void test_props(void **state)
{
	struct executor_grant g = {.cpus = 4, .mem = GIB, .scratch = 2 * GIB};
	struct job j = {.options = {.time = 60 * NSEC_PER_SEC, .grace = 5 * NSEC_PER_SEC}};
	struct unit_props p;

	(void)state;
	unit_props_of(&g, NULL, &p);
	assert_int_equal(p.memory_max, 3 * GIB + UNIT_PROPS_OWN);
	assert_int_equal(p.tasks_max, UNIT_PROPS_TASKS + 4 * UNIT_PROPS_TASKS_CPU);
	assert_int_equal(p.cpu_weight, 400);
	assert_int_equal(p.cpu_quota, 4000000);
	assert_true(p.runtime_max == UNIT_PROPS_FOREVER);
	assert_int_equal(p.n_cpus, 0);

	unit_props_of(&g, &j, &p);
	assert_true(p.runtime_max > 65000000 && p.runtime_max < 120000000);
	assert_true(p.stop_time > 5000000 && p.stop_time < 60000000);

	g.pinned = true;
	CPU_SET(1, &g.set);
	CPU_SET(8, &g.set);
	unit_props_of(&g, &j, &p);
	assert_true(p.cpu_quota == UNIT_PROPS_FOREVER);
	assert_int_equal(p.n_cpus, 2);
	assert_int_equal(p.cpus[0], 2);
	assert_int_equal(p.cpus[1], 1);
}

static void test_props_of_extremes(void **state)
{
	const struct executor_grant g = {
		.cpus = UINT64_MAX, .mem = UINT64_MAX, .scratch = UINT64_MAX};
	const struct job j = {
		.signal_before = UINT64_MAX, .options = {.time = UINT64_MAX, .grace = UINT64_MAX}};
	struct unit_props p;

	(void)state;
	unit_props_of(&g, &j, &p);
	/* The largest number would be no limit. */
	assert_true(p.memory_max == UINT64_MAX - 1);
	assert_int_equal(p.cpu_weight, 10000);
	assert_true(p.runtime_max > UINT64_MAX / 1000);
}

static void test_group(void **state)
{
	static const char text[] = "9:name=systemd:/a\n4:cpu,cpuacct:/b/c\n3:memory:/d\n0::/e:f\n";
	static const struct {
		const char *controller, *group;
	} cases[] = {{"", "/e:f"}, {"cpu", "/b/c"}, {"cpuacct", "/b/c"}, {"memory", "/d"},
		{"pids", NULL}, {"mem", NULL}};
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *group = unit_usage_group(text, cases[i].controller, &len);

		assert_int_equal(group != NULL, cases[i].group != NULL);
		if (group) {
			assert_int_equal(len, strlen(cases[i].group));
			assert_memory_equal(group, cases[i].group, len);
		}
	}
	assert_null(unit_usage_group("", "", &len));
	assert_null(unit_usage_group("nonsense\n::\n", "memory", &len));
}

static void test_usage(void **state)
{
	const struct scratch *t = *state;
	struct unit_usage used;

	scratch_write(t, "proc/self/cgroup", "0::/x.slice/y.service\n");
	scratch_write(t, "sys/fs/cgroup/x.slice/y.service/memory.peak", "67108864\n");
	scratch_write(t, "sys/fs/cgroup/x.slice/y.service/memory.max", "max\n");
	scratch_write(t, "sys/fs/cgroup/x.slice/y.service/memory.events",
		"low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 1\n");
	scratch_write(t, "sys/fs/cgroup/x.slice/y.service/cpu.stat",
		"usage_usec 30\nuser_usec 20\nsystem_usec 10\n");
	unit_usage_read(t->fd, &used);
	assert_int_equal(used.peak_memory, 67108864);
	assert_int_equal(used.memory_max, 0);
	assert_int_equal(used.oom_kills, 3);
	assert_int_equal(used.user_us, 20);
	assert_int_equal(used.system_us, 10);
}

static void test_usage_of_version_1(void **state)
{
	const struct scratch *t = *state;
	struct unit_usage used;

	unit_usage_read(t->fd, &used);
	assert_int_equal(used.peak_memory, 0);
	scratch_write(t, "proc/self/cgroup", "5:cpu,cpuacct:/y\n4:memory:/x\n0::/z\n");
	scratch_write(t, "sys/fs/cgroup/memory/x/memory.max_usage_in_bytes", "4096\n");
	scratch_write(t, "sys/fs/cgroup/memory/x/memory.oom_control", "under_oom 0\noom_kill 1\n");
	scratch_write(t, "sys/fs/cgroup/cpuacct/y/cpuacct.usage_user", "5000000\n");
	unit_usage_read(t->fd, &used);
	assert_int_equal(used.peak_memory, 4096);
	assert_int_equal(used.oom_kills, 1);
	assert_int_equal(used.user_us, 5000);
	assert_int_equal(used.system_us, 0);
}

static void test_end(void **state)
{
	static const struct {
		const char *code, *status;
		int want_code, want_status;
	} cases[] = {
		{"exited", "4", CLD_EXITED, 4},
		{"killed", "KILL", CLD_KILLED, SIGKILL},
		{"dumped", "SEGV", CLD_DUMPED, SIGSEGV},
		{"killed", "SIGNIFY", CLD_KILLED, 0},
		{"", "", 0, 0},
		{"exited", "-1", CLD_EXITED, 0},
	};
	struct unit_end end;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unit_end_parse("success", cases[i].code, cases[i].status, &end);
		assert_string_equal(end.result, "success");
		assert_int_equal(end.code, cases[i].want_code);
		assert_int_equal(end.status, cases[i].want_status);
	}
	unit_end_parse("a word that is longer than any that systemd has", "exited", "0", &end);
	assert_int_equal(strlen(end.result), UNIT_RESULT - 1);
}

static void test_judge(void **state)
{
	static const struct {
		struct unit_end end;
		struct unit_usage used;
		struct unit_asked asked;
		uint64_t time;
		enum job_state state;
		int signal;
		const char *reason;
	} cases[] = {
		{{"oom-kill", CLD_KILLED, SIGKILL}, {.memory_max = 64 * MIB}, {.asked = false}, 0,
			JOB_FAILED, SIGKILL, "oom-kill: it may use 64.0 MiB"},
		{{"oom-kill", CLD_EXITED, 4}, {0}, {.asked = false}, 0, JOB_FAILED, SIGKILL,
			"oom-kill: it used more"},
		/* The service manager did not notice. */
		{{"signal", CLD_KILLED, SIGKILL}, {.oom_kills = 1}, {.asked = false}, 0, JOB_FAILED,
			SIGKILL, "oom-kill"},
		{{"signal", CLD_KILLED, SIGKILL}, {0}, {.asked = false}, 0, JOB_INTERRUPTED,
			SIGKILL, "its recorder was killed by signal 9"},
		{{"timeout", CLD_KILLED, SIGKILL}, {0}, {.asked = false}, 2 * NSEC_PER_SEC,
			JOB_FAILED, SIGKILL, "its time of 2"},
		{{"exit-code", CLD_EXITED, 4}, {0}, {.asked = false}, 0, JOB_INTERRUPTED, 0,
			"its recorder failed: exit code 4"},
		{{"", 0, 0}, {0}, {.asked = false}, 0, JOB_INTERRUPTED, 0,
			"its recorder was killed"},
		{{"timeout", CLD_KILLED, SIGKILL}, {.oom_kills = 1},
			{true, JOB_CANCELLED, "cancelled by root"}, 1, JOB_CANCELLED, SIGKILL,
			"cancelled by root"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct job_result r = {.exit = 0};

		unit_record_judge(
			&cases[i].end, &cases[i].used, &cases[i].asked, cases[i].time, &r);
		assert_int_equal(r.state, cases[i].state);
		assert_int_equal(r.exit, -1);
		assert_int_equal(r.signal, cases[i].signal);
		assert_int_equal(strncmp(r.reason, cases[i].reason, strlen(cases[i].reason)), 0);
	}
}

static void test_record(void **state)
{
	const struct scratch *t = *state;
	const struct unit_end end = {"oom-kill", CLD_KILLED, SIGKILL};
	const struct unit_usage used = {.peak_memory = 1000, .user_us = 2500000};
	const struct result_machine m = {.archives = NULL};
	struct job_result r, again;
	struct err e = ERR_INIT;
	struct stat st;
	int fd;

	scratch_write(t, "submitted", "#JOB --name=n\ntrue\n");
	scratch_write(t, "job", "#JOB --name=n\ntrue\n");
	scratch_write(t, "stdout", "12345");
	scratch_write(t, "stderr", "12");
	scratch_write(t, "outside", "precious");
	assert_int_equal(symlinkat("outside", t->fd, "result.json"), 0);
	assert_int_equal(result_reserve(t->fd, &m, &fd, &e), 0);
	close(fd);
	assert_int_equal(unit_record_write(t->fd, "n~2", &end, &used, &m, &r, &e), 0);
	assert_int_equal(fstatat(t->fd, "result.json", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(fstatat(t->fd, "outside", &st, 0), 0);
	assert_int_equal(st.st_size, 8);
	assert_int_equal(result_read(t->fd, &again, &e), 0);
	assert_string_equal(again.id, "n~2");
	assert_string_equal(again.name, "n");
	assert_int_equal(again.state, JOB_FAILED);
	assert_int_equal(again.output, 7);
	assert_int_equal(again.peak_memory, 1000);
	assert_true(again.user_s > 2.49 && again.user_s < 2.51);
	assert_int_equal(faccessat(t->fd, ".result.json", F_OK, 0), -1);
}

static void test_next(void **state)
{
	static const struct {
		enum rundir_state folder;
		enum unit_life life;
		enum unit_next next;
	} cases[] = {
		{RUNDIR_ENDED, UNIT_LIFE_UNKNOWN, UNIT_ENDED},
		{RUNDIR_ENDED, UNIT_LIFE_ALIVE, UNIT_FOLLOW},
		{RUNDIR_ENDED, UNIT_LIFE_OVER, UNIT_ENDED},
		{RUNDIR_RUNNING, UNIT_LIFE_UNKNOWN, UNIT_WAIT},
		{RUNDIR_RUNNING, UNIT_LIFE_ALIVE, UNIT_WAIT},
		/* By another than the unit. */
		{RUNDIR_RUNNING, UNIT_LIFE_OVER, UNIT_WAIT},
		{RUNDIR_DEAD, UNIT_LIFE_UNKNOWN, UNIT_FOLLOW},
		{RUNDIR_DEAD, UNIT_LIFE_ALIVE, UNIT_FOLLOW},
		{RUNDIR_DEAD, UNIT_LIFE_OVER, UNIT_RECORD},
		{RUNDIR_CLAIMED, UNIT_LIFE_UNKNOWN, UNIT_FOLLOW},
		{RUNDIR_CLAIMED, UNIT_LIFE_ALIVE, UNIT_FOLLOW},
		{RUNDIR_CLAIMED, UNIT_LIFE_OVER, UNIT_NOT_BEGUN},
		{RUNDIR_EMPTY, UNIT_LIFE_OVER, UNIT_NOT_BEGUN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(unit_next_of(cases[i].folder, cases[i].life), cases[i].next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_foreign_names),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_props),
		cmocka_unit_test(test_props_of_extremes),
		cmocka_unit_test(test_group),
		cmocka_unit_test_setup_teardown(test_usage, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_usage_of_version_1, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_judge),
		cmocka_unit_test_setup_teardown(test_record, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_next),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
