/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cgroup.h"
#include "agent/cpus.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define V1 "sys/fs/cgroup/cpu"
#define V2 "sys/fs/cgroup"

static void test_quota(void **state)
{
	static const struct {
		const char *quota, *period, *max; /* of the innermost group, NULL: no such file */
		int rc;
		uint64_t cpus;
	} row[] = {
		{NULL, NULL, NULL, 0, UINT64_MAX},
		{NULL, NULL, "max 100000\n", 0, UINT64_MAX},
		{NULL, NULL, "max\n", 0, UINT64_MAX},
		{NULL, NULL, "50000 100000\n", 0, 1},
		{NULL, NULL, "100000 100000\n", 0, 1},
		{NULL, NULL, "100001 100000\n", 0, 2},
		{NULL, NULL, "1000 1000000\n", 0, 1},
		{NULL, NULL, "9600000 100000\n", 0, 96},
		{NULL, NULL, "9223372036854775807 1\n", 0, INT64_MAX},
		{NULL, NULL, "100000\n", -EBADMSG, 0},
		{NULL, NULL, "100000 0\n", -EBADMSG, 0},
		{NULL, NULL, "-1 100000\n", -EBADMSG, 0},
		{NULL, NULL, "\n", -EBADMSG, 0},
		{"-1\n", "100000\n", NULL, 0, UINT64_MAX},
		{"50000\n", "100000\n", NULL, 0, 1},
		{"250000\n", "100000\n", NULL, 0, 3},
		{"250000\n", NULL, NULL, 0, UINT64_MAX},
		{"250000\n", "none\n", NULL, -EBADMSG, 0},
		{"x\n", "100000\n", NULL, -EBADMSG, 0},
		{"300000\n", "100000\n", "200000 100000\n", 0, 2},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct scratch *t;
		struct err e = ERR_INIT;
		uint64_t got = 0;
		int rc;

		assert_int_equal(scratch_setup(state), 0);
		t = *state;
		scratch_write(t, "proc/self/cgroup", "4:cpu,cpuacct:/a/b\n2:memory:/m\n0::/c/d\n");
		if (row[i].quota)
			scratch_write(t, V1 "/a/b/cpu.cfs_quota_us", row[i].quota);
		if (row[i].period)
			scratch_write(t, V1 "/a/b/cpu.cfs_period_us", row[i].period);
		if (row[i].max)
			scratch_write(t, V2 "/c/d/cpu.max", row[i].max);
		rc = cgroup_cpu_limit(t->fd, &got, &e);
		if (rc != row[i].rc || (rc == 0 && got != row[i].cpus))
			fail_msg("row %zu gives %d, %llu (%s)", i, rc, (unsigned long long)got,
				e.msg);
		assert_int_equal(scratch_teardown(state), 0);
	}
}

static void test_parents(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	uint64_t got;

	scratch_write(t, "proc/self/cgroup", "0::/a/b\n");
	scratch_write(t, V2 "/a/b/cpu.max", "900000 100000\n");
	scratch_write(t, V2 "/a/cpu.max", "700000 100000\n");
	assert_int_equal(cgroup_cpu_limit(t->fd, &got, &e), 0);
	assert_int_equal(got, 7);
	scratch_write(t, V2 "/cpu.max", "500000 100000\n");
	assert_int_equal(cgroup_cpu_limit(t->fd, &got, &e), 0);
	assert_int_equal(got, 5);
	scratch_write(t, "proc/self/cgroup", "0::/../b\n");
	assert_int_equal(cgroup_cpu_limit(t->fd, &got, &e), 0);
	assert_int_equal(got, 5);
}

static void test_allowed(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	cpu_set_t all, one;
	unsigned got;
	size_t cpu = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(cpus_allowed(t->fd, &got, &e), 0);
	assert_int_equal(got, CPU_COUNT(&all));
	scratch_write(t, "proc/self/cgroup", "0::/\n");
	scratch_write(t, V2 "/cpu.max", "10000 100000\n");
	assert_int_equal(cpus_allowed(t->fd, &got, &e), 0);
	assert_int_equal(got, 1);
	scratch_write(t, V2 "/cpu.max", "99900000 100000\n");
	assert_int_equal(cpus_allowed(t->fd, &got, &e), 0);
	assert_int_equal(got, CPU_COUNT(&all));
	scratch_write(t, V2 "/cpu.max", "no quota\n");
	assert_int_equal(cpus_allowed(t->fd, &got, &e), -EBADMSG);

	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	scratch_write(t, V2 "/cpu.max", "max\n");
	assert_int_equal(cpus_allowed(t->fd, &got, &e), 0);
	assert_int_equal(got, 1);
	assert_int_equal(cpus_threads(0), 1);
	assert_int_equal(cpus_threads(3), 3);
	assert_int_equal(cpus_threads(100000), CPUS_THREADS_MAX);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quota),
		cmocka_unit_test_setup_teardown(test_parents, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_allowed, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
