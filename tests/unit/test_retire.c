/* SPDX-License-Identifier: Apache-2.0 */
/* Which images go. tests/cloud/cases/retire.py has them retired. */
#include "common/auto.h"
#include "controller/retire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void add(struct retire_list *l, const char *id, const char *arch, int64_t created)
{
	l->item = reallocarray(l->item, l->n + 1, sizeof(*l->item));
	assert_non_null(l->item);
	l->item[l->n] = (struct retire_image){.created = created, .snapshot = malloc(EC2_ID_MAX)};
	snprintf(l->item[l->n].id, EC2_ID_MAX, "%s", id);
	snprintf(l->item[l->n].name, EC2_NAME_MAX, "%s", id);
	snprintf(l->item[l->n].original, EC2_ID_MAX, "%s", id);
	snprintf(l->item[l->n++].arch, sizeof(l->item->arch), "%s", arch);
}

static void assert_ids(const struct retire_list *l, const char *ids)
{
	char found[256] = "";

	for (size_t i = 0; i < l->n; i++)
		snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s", i ? " " : "",
			l->item[i].id);
	assert_string_equal(found, ids);
}

static void test_choose(void **state)
{
	static const struct {
		uint64_t keep;
		const char *ids;
	} row[] = {
		{0, "arm-2 arm-1 x-4 x-3 x-2 x-1"},
		{1, "arm-1 x-3 x-2 x-1"},
		{2, "x-2 x-1"},
		{3, "x-1"},
		{4, ""},
		{UINT64_MAX, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		auto_retire_list struct retire_list l = {0};

		/* Two of the same second are of the order of their names. */
		add(&l, "x-2", "x86_64", 20);
		add(&l, "arm-1", "arm64", 30);
		add(&l, "x-4", "x86_64", 30);
		add(&l, "x-3", "x86_64", 30);
		add(&l, "x-1", "x86_64", 10);
		add(&l, "arm-2", "arm64", 31);
		retire_choose(&l, row[i].keep);
		assert_ids(&l, row[i].ids);
	}
}

/* What is newer may have failed. */
static void test_promoted(void **state)
{
	static const struct {
		uint64_t keep;
		const char *ids;
	} row[] = {{0, "x-4 x-3 x-2 x-1"}, {1, "x-3 x-1"}, {2, "x-1"}, {3, "x-1"}, {4, ""}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		auto_retire_list struct retire_list l = {0};

		add(&l, "x-1", "x86_64", 10);
		add(&l, "x-2", "x86_64", 20);
		add(&l, "x-3", "x86_64", 30);
		add(&l, "x-4", "x86_64", 40);
		l.item[0].promoted = l.item[1].promoted = true;
		retire_choose(&l, row[i].keep);
		assert_ids(&l, row[i].ids);
	}
}

static void test_none(void **state)
{
	auto_retire_list struct retire_list l = {0};

	(void)state;
	retire_choose(&l, 0);
	retire_drop_used(&l);
	assert_int_equal(l.n, 0);
}

static void test_used(void **state)
{
	auto_retire_list struct retire_list l = {0};

	(void)state;
	add(&l, "a", "x86_64", 1);
	add(&l, "b", "x86_64", 2);
	add(&l, "c", "x86_64", 3);
	snprintf(l.item[1].user, sizeof(l.item[1].user), "launch template lt-1 version 1");
	retire_drop_used(&l);
	assert_ids(&l, "a c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_promoted),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
