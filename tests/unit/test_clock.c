/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"

#include "common/num.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void on_alarm(int number)
{
	(void)number;
}

static void test_deadline(void **state)
{
	uint64_t before = clock_now();
	uint64_t deadline = clock_deadline(NSEC_PER_SEC);

	(void)state;
	assert_true(deadline >= before + NSEC_PER_SEC);
	assert_true(clock_deadline(CLOCK_FOREVER) == CLOCK_FOREVER);
	assert_true(clock_deadline(CLOCK_FOREVER - 1) == CLOCK_FOREVER);
	assert_true(clock_left(deadline) <= NSEC_PER_SEC);
	assert_true(clock_left(CLOCK_FOREVER) == CLOCK_FOREVER);
	assert_int_equal(clock_left(0), 0);
	assert_int_equal(clock_left(before), 0);
}

static void test_sleep(void **state)
{
	static const struct {
		uint64_t ns, deadline_ns, least;
	} cases[] = {
		{20 * NSEC_PER_MSEC, CLOCK_FOREVER, 20 * NSEC_PER_MSEC},
		{CLOCK_FOREVER, 20 * NSEC_PER_MSEC, 20 * NSEC_PER_MSEC},
		{0, CLOCK_FOREVER, 0},
		{NSEC_PER_SEC, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t start = clock_now();

		clock_sleep(cases[i].ns, clock_deadline(cases[i].deadline_ns));
		assert_true(clock_now() - start >= cases[i].least);
		assert_true(clock_now() - start < 900 * NSEC_PER_MSEC);
	}
}

static void test_sleep_through_signals(void **state)
{
	const struct itimerval often = {{0, 3000}, {0, 3000}}, never = {{0, 0}, {0, 0}};
	struct sigaction action = {.sa_handler = on_alarm}, old;
	uint64_t start = clock_now();

	(void)state;
	sigaction(SIGALRM, &action, &old);
	setitimer(ITIMER_REAL, &often, NULL);
	clock_sleep(30 * NSEC_PER_MSEC, CLOCK_FOREVER);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	assert_true(clock_now() - start >= 30 * NSEC_PER_MSEC);
}

static void test_jitter(void **state)
{
	unsigned seen[4] = {0};
	uint64_t all = 0;

	(void)state;
	assert_int_equal(clock_jitter(0), 0);
	for (int i = 0; i < 1000; i++) {
		uint64_t v = clock_jitter(3);

		assert_true(v <= 3);
		seen[v]++;
		all |= clock_jitter(UINT64_MAX);
	}
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		assert_in_range(seen[i], 150, 350);
	assert_true(all > UINT64_MAX / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_sleep),
		cmocka_unit_test(test_sleep_through_signals),
		cmocka_unit_test(test_jitter),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
