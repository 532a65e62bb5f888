/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/plan.h"
#include "agent/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

/* Two nodes of two cores with two threads: 0,4 1,5 on node 0 and 2,6 3,7 on node 1. */
static struct core cores[] = {
	{.cpu = {0, 4}, .threads = 2, .node = 0},
	{.cpu = {1, 5}, .threads = 2, .node = 0},
	{.cpu = {2, 6}, .threads = 2, .node = 1},
	{.cpu = {3, 7}, .threads = 2, .node = 1},
};

static const struct schedule_machine machine = {
	.cpus = 8, .mem = 8 * GIB, .cores = {.core = cores, .n = ARRAY_LEN(cores)}};

static int reset(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cores); i++)
		cores[i].taken = false;
	return 0;
}

struct judge_case {
	struct schedule_use used;
	struct schedule_demand demand;
	enum schedule_verdict verdict;
	const char *why;
};

static void one_job_is_judged(void **state)
{
	static const struct judge_case table[] = {
		{{0, 0}, {.cpus = 1, .mem = GIB}, SCHEDULE_START, NULL},
		{{7, 7 * GIB}, {.cpus = 1, .mem = GIB}, SCHEDULE_START, NULL},
		{{8, 0}, {.cpus = 1}, SCHEDULE_WAIT, NULL},
		{{0, 8 * GIB}, {.cpus = 1, .mem = 1}, SCHEDULE_WAIT, NULL},
		/* More is used than there is since a restart. */
		{{9, 0}, {.cpus = 1}, SCHEDULE_WAIT, NULL},
		{{0, 9 * GIB}, {.cpus = 1, .mem = 1}, SCHEDULE_WAIT, NULL},
		{{0, 0}, {.cpus = 9}, SCHEDULE_NEVER, "CPUs"},
		{{0, 0}, {.cpus = 1, .mem = 8 * GIB + 1}, SCHEDULE_NEVER, "memory"},
		{{0, 0}, {.cpus = UINT64_MAX, .mem = UINT64_MAX}, SCHEDULE_NEVER, "CPUs"},
		{{0, 0}, {.cpus = 4, .cores = 2}, SCHEDULE_START, NULL},
		{{0, 0}, {.cpus = 6, .cores = 3}, SCHEDULE_NEVER, "NUMA"},
		{{0, 0}, {.cpus = 1, .waits = true}, SCHEDULE_WAIT, NULL},
		{{8, 0}, {.cpus = 9, .waits = true}, SCHEDULE_NEVER, "CPUs"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct judge_case *t = &table[i];
		const char *why;

		assert_int_equal(schedule_judge(&machine, &t->used, &t->demand, &why), t->verdict);
		if (t->why)
			assert_non_null(strstr(why, t->why));
	}
}

struct choose_case {
	struct schedule_use used;
	struct schedule_demand demand[4]; /* cpus 0 ends it */
	bool backfill;
	unsigned passes;
	enum schedule_verdict verdict;
	size_t at;
};

static void the_order_is_kept(void **state)
{
	static const struct choose_case table[] = {
		{{0, 0}, {{.cpus = 1}, {.cpus = 1}}, false, 0, SCHEDULE_START, 0},
		{{4, 0}, {{.cpus = 5}, {.cpus = 1}}, false, 0, SCHEDULE_WAIT, 2},
		{{4, 0}, {{.cpus = 5}, {.cpus = 1}}, true, 0, SCHEDULE_START, 1},
		{{4, 0}, {{.cpus = 5}, {.cpus = 1}}, true, SCHEDULE_PASSES, SCHEDULE_WAIT, 2},
		{{4, 0}, {{.cpus = 1, .waits = true}, {.cpus = 1}}, false, 0, SCHEDULE_START, 1},
		{{8, 0}, {{.cpus = 1, .waits = true}, {.cpus = 1}}, false, 0, SCHEDULE_WAIT, 2},
		{{8, 0}, {{.cpus = 9}, {.cpus = 1}}, false, 0, SCHEDULE_NEVER, 0},
		{{8, 0}, {{.cpus = 1}, {.cpus = 9}}, false, 0, SCHEDULE_WAIT, 2},
		{{0, 0}, {{.cpus = 0}}, false, 0, SCHEDULE_WAIT, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct choose_case *t = &table[i];
		struct schedule_choice c;
		size_t n = 0;

		while (n < 4 && t->demand[n].cpus)
			n++;
		c = schedule_choose(&machine, &t->used, t->demand, n, t->backfill, t->passes);
		assert_int_equal(c.verdict, t->verdict);
		assert_int_equal(c.at, t->at);
	}
}

static void the_default_memory_is_the_share_of_its_cpus(void **state)
{
	struct schedule_machine small = machine;
	struct job_options o = JOB_OPTION_DEFAULTS;

	(void)state;
	assert_int_equal(schedule_demand_of(&machine, &o).mem, PLAN_JOB_PER_VCPU);
	o.cpus = 3;
	assert_int_equal(schedule_demand_of(&machine, &o).mem, 3 * PLAN_JOB_PER_VCPU);
	small.mem = 80 * MIB;
	assert_int_equal(schedule_demand_of(&small, &o).mem, 30 * MIB);
	o.mem = 1;
	assert_int_equal(schedule_demand_of(&small, &o).mem, 1);
	o.cores = 2;
	assert_int_equal(schedule_demand_of(&machine, &o).cpus, 4);
}

static void cores_are_of_one_node(void **state)
{
	struct cores c = machine.cores;
	cpu_set_t set;
	size_t cpus;

	(void)state;
	assert_true(cores_choose(&c, 1, 1, &set, &cpus));
	assert_int_equal(CPU_COUNT(&set), 1);
	assert_true(CPU_ISSET(0, &set));
	assert_int_equal(cpus, 2);
	cores_mark(&c, &set, true);
	/* Node 0 has one left: two go to node 1, one to node 0. */
	assert_true(cores_choose(&c, 2, 2, &set, &cpus));
	assert_int_equal(CPU_COUNT(&set), 4);
	assert_true(CPU_ISSET(2, &set) && CPU_ISSET(6, &set) && CPU_ISSET(3, &set));
	assert_true(cores_choose(&c, 1, 2, &set, &cpus));
	assert_true(CPU_ISSET(1, &set) && CPU_ISSET(5, &set));
	cores_mark(&c, &set, true);
	assert_true(cores_choose(&c, 2, 1, &set, &cpus));
	cores_mark(&c, &set, true);
	assert_false(cores_choose(&c, 1, 1, &set, &cpus));
	assert_true(cores_fit(&c, 2));
	assert_false(cores_fit(&c, 3));
	cores_mark(&c, &set, false);
	assert_true(cores_choose(&c, 1, 1, &set, &cpus));
}

struct list_case {
	const char *text;
	int count; /* -1: none */
};

static void lists_are_read_strictly(void **state)
{
	static const struct list_case table[] = {{"0", 1}, {"0-3,8", 5}, {"0,2,4", 3}, {"1023", 1},
		{"", -1}, {"1024", -1}, {"3-", -1}, {"a", -1}, {"1,", -1}, {"3-1", -1},
		{"0-3 ", -1}, {"99999999999", -1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		cpu_set_t set;
		bool good = cores_parse_list(table[i].text, &set);

		assert_int_equal(good ? CPU_COUNT(&set) : -1, table[i].count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_job_is_judged, reset),
		cmocka_unit_test_setup(the_order_is_kept, reset),
		cmocka_unit_test_setup(the_default_memory_is_the_share_of_its_cpus, reset),
		cmocka_unit_test_setup(cores_are_of_one_node, reset),
		cmocka_unit_test(lists_are_read_strictly),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
