/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cgroup.h"
#include "agent/host.h"
#include "common/num.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define MEMINFO "proc/meminfo"
#define CPU     "sys/devices/system/cpu/"
#define NODE    "sys/devices/system/node/"

static void write_meminfo(const struct scratch *t)
{
	scratch_write(t, MEMINFO, "MemTotal: 8000000 kB\nMemAvailable: 7000000 kB\n");
}

static void test_whole_machine(void **state)
{
	const struct scratch *t = *state;
	struct host h;
	struct err e = ERR_INIT;

	scratch_write(t, MEMINFO,
		"MemTotal:       16083084 kB\nMemFree:         100 kB\nMemAvailable:   15000000 "
		"kB\nHugePages_Total:       8\nHugepagesize:       2048 kB\nHugetlb:         "
		"1048576 kB\nDirectMap1G:     no number\n");
	scratch_write(t, "proc/swaps",
		"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
		"/dev/zram0                              partition\t4194300\t\t0\t\t100\n"
		"/swapfile                               file\t\t1048572\t\t0\t\t-2\n"
		"/dev/zram1\tpartition\t4\t0\t100\n");
	scratch_write(t, "proc/self/cgroup", "0::/\n");
	scratch_write(t, CPU "online", "0-1,4-5\n");
	scratch_write(t, CPU "cpu0/topology/thread_siblings_list", "0,4\n");
	scratch_write(t, CPU "cpu1/topology/thread_siblings_list", "1,5\n");
	scratch_write(t, CPU "cpu4/topology/thread_siblings_list", "0,4\n");
	scratch_write(t, CPU "cpu5/topology/thread_siblings_list", "1,5\n");
	scratch_write(t, NODE "online", "0-3\n");
	scratch_write(t, NODE "has_memory", "0,2-3\n");
	scratch_write(t, "proc/sys/kernel/osrelease", "6.1.141-165.249.amzn2023.x86_64\n");
	assert_int_equal(host_read(t->fd, &h, &e), 0);
	assert_int_equal(h.mem_total, 16083084 * KIB);
	assert_int_equal(h.mem_available, 15000000 * KIB);
	assert_int_equal(h.hugetlb, GIB);
	assert_int_equal(h.cgroup_limit, UINT64_MAX);
	assert_int_equal(h.swap_zram, 4194304 * KIB);
	assert_int_equal(h.vcpus, 4);
	assert_int_equal(h.cores, 2);
	assert_int_equal(h.numa_nodes, 3);
	assert_string_equal(h.nodes, "0,2-3");
	assert_string_equal(h.kernel, "6.1.141-165.249.amzn2023.x86_64");
}

static void test_bare_machine(void **state)
{
	const struct scratch *t = *state;
	struct host h;
	struct err e = ERR_INIT;

	write_meminfo(t);
	assert_int_equal(host_read(t->fd, &h, &e), 0);
	assert_int_equal(h.mem_total, 8000000 * KIB);
	assert_int_equal(h.hugetlb, 0);
	assert_int_equal(h.cgroup_limit, UINT64_MAX);
	assert_int_equal(h.vcpus, 1);
	assert_int_equal(h.cores, 1);
	assert_int_equal(h.numa_nodes, 1);
	assert_string_equal(h.nodes, "0");
	assert_string_equal(h.kernel, "");
	scratch_write(t, "proc/cpuinfo",
		"processor\t: 0\nmodel name\t: processor\t: x\n\nprocessor\t: 1\n\nprocessor\t: 2");
	assert_int_equal(host_read(t->fd, &h, &e), 0);
	assert_int_equal(h.vcpus, 3);
	assert_int_equal(h.cores, 3);
}

static void test_meminfo(void **state)
{
	static const struct {
		const char *text;
		uint64_t available, hugetlb; /* KiB; available 0: refused */
	} row[] = {
		{"MemTotal: 900 kB\nMemAvailable: 800 kB\n", 800, 0},
		/* Linux before 3.14 and before 4.15 */
		{"MemTotal: 900 kB\nMemFree: 500 kB\nCached: 200 kB\nShmem: 50 kB\n", 650, 0},
		{"MemTotal: 900 kB\nMemFree: 500 kB\nCached: 20 kB\nShmem: 50 kB\n", 500, 0},
		{"MemTotal: 900 kB\nMemFree: 500 kB\nCached: 200 kB", 700, 0},
		{"MemTotal: 900 kB\nMemAvailable: 800 kB\nHugePages_Total: 3\nHugepagesize: 4 kB\n",
			800, 12},
		{"MemTotal: 900 kB\nMemAvailable: 800 kB\nHugePages_Total: 4294967296\n"
		 "Hugepagesize: 17592186044416 kB\n",
			800, 900},
		{"MemTotal: 900 kB\nMemAvailable: 1 kB\nHugePages_Total: 3\nHugetlb: 8 kB\n", 1, 8},
		{"", 0, 0},
		{"MemFree: 500 kB\nMemAvailable: 800 kB\n", 0, 0},
		{"MemTotal: 0 kB\nMemAvailable: 800 kB\n", 0, 0},
		{"MemTotal: 900 kB\nMemFree: 500 kB\n", 0, 0},
		{"MemTotal: 900\nMemAvailable: 800 kB\n", 0, 0},
		{"MemTotal: 900 MB\nMemAvailable: 800 kB\n", 0, 0},
		{"MemTotal: 900 kBit\nMemAvailable: 800 kB\n", 0, 0},
		{"MemTotal: -900 kB\nMemAvailable: 800 kB\n", 0, 0},
		{"MemTotal: 9x0 kB\nMemAvailable: 800 kB\n", 0, 0},
		{"MemTotal: kB\nMemAvailable: 800 kB\n", 0, 0},
		{"MemTotal: 18014398509481984 kB\nMemAvailable: 800 kB\n", 0, 0},
		{"MemTotal: 99999999999999999999 kB\nMemAvailable: 800 kB\n", 0, 0},
	};
	const struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct host h;
		struct err e = ERR_INIT;
		int rc;

		scratch_write(t, MEMINFO, row[i].text);
		rc = host_read(t->fd, &h, &e);
		if ((rc == 0) != (row[i].available != 0))
			fail_msg("'%s' gives %d (%s)", row[i].text, rc, e.msg);
		if (rc < 0) {
			assert_int_equal(e.kind, ERR_SYSTEM);
			assert_non_null(strstr(e.msg, "/proc/meminfo"));
			continue;
		}
		assert_int_equal(h.mem_available, row[i].available * KIB);
		assert_int_equal(h.hugetlb, row[i].hugetlb * KIB);
	}
}

static void test_no_meminfo(void **state)
{
	const struct scratch *t = *state;
	struct host h;
	struct err e = ERR_INIT;

	assert_int_equal(host_read(t->fd, &h, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "/proc/meminfo"));
}

static void test_lists(void **state)
{
	static const struct {
		const char *online;
		unsigned vcpus; /* 0: refused */
	} row[] = {
		{"0", 1},
		{"0-71", 72},
		{"0-895", 896},
		{"0,2,4-7", 6},
		{"7", 1},
		{"", 0},
		{"x", 0},
		{"0-", 0},
		{"-1", 0},
		{"3-1", 0},
		{"0,", 0},
		{",0", 0},
		{"0;1", 0},
		{"0-1-2", 0},
		{"0-99999", 0},
		{"0 1", 0},
	};
	const struct scratch *t = *state;

	write_meminfo(t);
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct host h;
		struct err e = ERR_INIT;
		int rc;

		scratch_write(t, CPU "online", row[i].online);
		rc = host_read(t->fd, &h, &e);
		if ((rc == 0) != (row[i].vcpus != 0))
			fail_msg("'%s' gives %d (%s)", row[i].online, rc, e.msg);
		if (rc == 0) {
			assert_int_equal(h.vcpus, row[i].vcpus);
			assert_int_equal(h.cores, row[i].vcpus);
		} else {
			assert_non_null(strstr(e.msg, CPU "online"));
		}
	}
}

static void test_cores_without_some_topology(void **state)
{
	const struct scratch *t = *state;
	struct host h;
	struct err e = ERR_INIT;

	write_meminfo(t);
	scratch_write(t, CPU "online", "0-1\n");
	scratch_write(t, CPU "cpu0/topology/thread_siblings_list", "0-1\n");
	assert_int_equal(host_read(t->fd, &h, &e), 0);
	assert_int_equal(h.cores, 2);
	scratch_write(t, CPU "cpu1/topology/thread_siblings_list", "0-1\n");
	assert_int_equal(host_read(t->fd, &h, &e), 0);
	assert_int_equal(h.cores, 1);
	scratch_write(t, CPU "cpu1/topology/thread_siblings_list", "garbage\n");
	assert_int_equal(host_read(t->fd, &h, &e), 0);
	assert_int_equal(h.cores, 2);
}

static void test_nodes_of_older_kernels(void **state)
{
	const struct scratch *t = *state;
	struct host h;
	struct err e = ERR_INIT;

	write_meminfo(t);
	scratch_write(t, NODE "online", "0-3\n");
	assert_int_equal(host_read(t->fd, &h, &e), 0);
	assert_int_equal(h.numa_nodes, 4);
	scratch_write(t, NODE "has_normal_memory", "0-1\n");
	assert_int_equal(host_read(t->fd, &h, &e), 0);
	assert_int_equal(h.numa_nodes, 2);
	assert_string_equal(h.nodes, "0-1");
	scratch_write(t, NODE "has_memory", "\n");
	assert_int_equal(host_read(t->fd, &h, &e), 0);
	assert_int_equal(h.numa_nodes, 2);
	scratch_write(t, NODE "has_memory", "0-x\n");
	assert_true(host_read(t->fd, &h, &e) < 0);
	assert_non_null(strstr(e.msg, "has_memory"));
}

static void test_cgroup_lines(void **state)
{
	static const struct {
		const char *self;
		uint64_t limit; /* 0: refused */
	} row[] = {
		{"0::/\n", 700},
		{"0::/a\n", 600},
		{"0::/a/b\n", 500},
		{"0::/a/b/unlimited\n", 500},
		{"0::/a/absent/deep\n", 600},
		{"0::/../../elsewhere/b\n", 700},
		{"4:memory:/v1\n0::/\n", 400},
		{"4:cpu,memory,x:/v1/unlimited\n", 400},
		{"4:cpu,memoryx:/v1\n", UINT64_MAX},
		{"1:name=systemd:/a/b\n", UINT64_MAX},
		{"", UINT64_MAX},
		{"0::/a/b:with:colons\n", 600},
		{"0::/bad\n", 0},
		{"0\n", 0},
		{"0::\n", 0},
		{"0::a\n", 0},
	};
	const struct scratch *t = *state;

	scratch_write(t, "sys/fs/cgroup/memory.max", "700\n");
	scratch_write(t, "sys/fs/cgroup/a/memory.max", "600\n");
	scratch_write(t, "sys/fs/cgroup/a/b/memory.max", "500\n");
	scratch_write(t, "sys/fs/cgroup/a/b/unlimited/memory.max", "max\n");
	scratch_write(t, "sys/fs/cgroup/bad/memory.max", "lots\n");
	scratch_write(t, "sys/fs/cgroup/memory/v1/memory.limit_in_bytes", "400\n");
	scratch_write(t, "sys/fs/cgroup/memory/v1/unlimited/memory.limit_in_bytes",
		"9223372036854771712\n");
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct err e = ERR_INIT;
		uint64_t limit = 1;
		int rc;

		scratch_write(t, "proc/self/cgroup", row[i].self);
		rc = cgroup_memory_limit(t->fd, &limit, &e);
		if ((rc == 0) != (row[i].limit != 0))
			fail_msg("'%s' gives %d (%s)", row[i].self, rc, e.msg);
		if (rc == 0 && limit != row[i].limit)
			fail_msg("'%s' gives %llu", row[i].self, (unsigned long long)limit);
	}
}

static void test_bad_swaps(void **state)
{
	const struct scratch *t = *state;
	struct host h;
	struct err e = ERR_INIT;

	write_meminfo(t);
	scratch_write(t, "proc/swaps", "Filename Type Size\n/dev/zram0 partition\n");
	assert_true(host_read(t->fd, &h, &e) < 0);
	assert_non_null(strstr(e.msg, "/proc/swaps"));
}

static void test_this_machine(void **state)
{
	auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct host h;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(host_read(root, &h, &e), 0);
	assert_true(h.mem_total >= h.mem_available && h.mem_available > 0);
	assert_int_equal(h.vcpus, sysconf(_SC_NPROCESSORS_ONLN));
	assert_true(h.cores >= 1 && h.cores <= h.vcpus);
	assert_true(h.numa_nodes >= 1 && *h.nodes && *h.kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_whole_machine, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_bare_machine, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_meminfo, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_no_meminfo, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_lists, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_cores_without_some_topology, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_nodes_of_older_kernels, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_cgroup_lines, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_bad_swaps, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_this_machine),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
