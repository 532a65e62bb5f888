/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/ladder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void fill(struct ladder *l)
{
	static const struct rung rungs[] = {
		{.type = "dear", .zone = "a", .price = 900},
		{.type = "cheap", .zone = "a", .price = 500},
		{.type = "dear", .zone = "a", .spot = true, .price = 400},
		{.type = "cheap", .zone = "b", .spot = true, .price = 100},
		{.type = "cheap", .zone = "a", .spot = true, .price = 300},
		{.type = "unknown", .zone = "a", .spot = true},
		{.type = "unknown", .zone = "a"},
		{.type = "alike", .zone = "a", .spot = true, .price = 300},
	};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rungs); i++)
		assert_int_equal(ladder_add(l, &rungs[i], &e), 0);
}

static void check_order(struct ladder *l, const char *want)
{
	char got[512] = "";
	size_t len = 0;

	for (size_t i = 0; i < l->n; i++)
		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s/%s ",
			l->rung[i].spot ? "spot:" : "", l->rung[i].type, l->rung[i].zone);
	assert_string_equal(got, want);
}

static void test_order(void **state)
{
	static const struct {
		enum market market;
		uint64_t max;
		const char *want;
	} cases[] = {
		{MARKET_SPOT_FIRST, 0,
			"spot:cheap/b spot:alike/a spot:cheap/a spot:dear/a spot:unknown/a "
			"cheap/a dear/a unknown/a "},
		{MARKET_SPOT_FIRST, 500,
			"spot:cheap/b spot:alike/a spot:cheap/a spot:dear/a cheap/a "},
		{MARKET_SPOT, 300, "spot:cheap/b spot:alike/a spot:cheap/a "},
		{MARKET_ON_DEMAND, 0, "cheap/a dear/a unknown/a "},
		{MARKET_ON_DEMAND, 499, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ladder l = {0};

		fill(&l);
		ladder_arrange(&l, cases[i].market, cases[i].max);
		check_order(&l, cases[i].want);
		ladder_free(&l);
	}
}

/* types= is an order of its own. */
static void test_rank(void **state)
{
	static const struct rung rungs[] = {
		{.type = "third", .zone = "a", .rank = 3, .price = 1, .spot = true},
		{.type = "first", .zone = "b", .rank = 1, .price = 9, .spot = true},
		{.type = "first", .zone = "a", .rank = 1, .price = 8, .spot = true},
		{.type = "first", .zone = "a", .rank = 1, .price = 2},
	};
	struct ladder l = {0};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rungs); i++)
		assert_int_equal(ladder_add(&l, &rungs[i], &e), 0);
	ladder_arrange(&l, MARKET_SPOT_FIRST, 0);
	check_order(&l, "spot:first/a spot:first/b spot:third/a first/a ");
	ladder_free(&l);
}

static void test_closed(void **state)
{
	struct ladder l = {0};
	size_t at = 0;
	struct rung *first;

	(void)state;
	fill(&l);
	ladder_arrange(&l, MARKET_SPOT, 300);
	first = ladder_next(&l, &at, 1000);
	assert_string_equal(first->zone, "b");
	ladder_close(first, 1000);
	assert_string_equal(ladder_next(&l, &at, 1000)->type, "alike");
	at = 0;
	assert_string_equal(ladder_next(&l, &at, 999 + LADDER_CLOSED)->type, "alike");
	at = 0;
	assert_ptr_equal(ladder_next(&l, &at, 1000 + LADDER_CLOSED), first);
	assert_non_null(ladder_next(&l, &at, 0));
	assert_non_null(ladder_next(&l, &at, 0));
	assert_null(ladder_next(&l, &at, 0));
	assert_null(ladder_next(&l, &at, 0));
	ladder_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_rank),
		cmocka_unit_test(test_closed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
