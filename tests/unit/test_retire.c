/* SPDX-License-Identifier: Apache-2.0 */
/* Which images go. tests/cloud/cases/retire.py has them retired. */
#include "common/auto.h"
#include "controller/image/retire.h"

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

/* A copy's user keeps the image and the other copies, the image's user keeps its copies. */
static void test_share_users(void **state)
{
	static const struct {
		const char *id, *original, *user, *want;
	} row[] = {
		{"a", "a", "", "a-2 by instance i-1"},
		{"b", "b", "template lt-1", "template lt-1"},
		{"c", "c", "", ""},
		{"a-1", "a", "", "a-2 by instance i-1"},
		{"b-1", "b", "template lt-2", "template lt-2"},
		{"a-2", "a", "instance i-1", "instance i-1"},
		{"a-3", "a", "", "a-2 by instance i-1"},
		{"b-2", "b", "", "b by template lt-1"},
		{"c-1", "c", "", ""},
	};
	auto_retire_list struct retire_list l = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		add(&l, row[i].id, "x86_64", 1);
		snprintf(l.item[i].original, EC2_ID_MAX, "%s", row[i].original);
		snprintf(l.item[i].user, IMAGE_USER_TEXT, "%s", row[i].user);
		l.item[i].used = *row[i].user;
	}
	retire_share_users(&l);
	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		assert_string_equal(l.item[i].user, row[i].want);
	retire_drop_used(&l);
	assert_ids(&l, "c c-1");
}

/* All regions are read as they were written, however many they are; none is cut. */
static void test_copies(void **state)
{
	struct image_copies copies = {.n = 0};
	struct ec2_tag tag[IMAGE_COPIES_TAGS];
	char region[32], want[IMAGE_COPIES_TEXT] = "", found[IMAGE_COPIES_TEXT];
	struct err e = ERR_INIT;
	unsigned n = 0;

	(void)state;
	while (n < 100) {
		snprintf(region, sizeof(region), "ap-southeast-%u", ++n);
		assert_int_equal(image_copies_add(&copies, region, &e), 0);
		snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s%s", n > 1 ? " " : "",
			region);
	}
	for (size_t i = 0; i < copies.n; i++) {
		assert_true(strlen(copies.tag[i].value) <= 256);
		tag[i] = (struct ec2_tag){copies.tag[i].key, copies.tag[i].value};
	}
	assert_string_equal(tag[0].key, "shared-prep:copies");
	assert_string_equal(tag[1].key, "shared-prep:copies-2");
	image_copies_read(&(struct ec2_tags){tag, copies.n}, found);
	assert_string_equal(found, want);
	image_copies_read(&(struct ec2_tags){tag + 1, 1}, found);
	assert_string_equal(found, copies.tag[1].value);
	image_copies_read(&(struct ec2_tags){0}, found);
	assert_string_equal(found, "");
	while (image_copies_add(&copies, region, &e) == 0)
		assert_true(++n < 200);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_non_null(strstr(e.msg, "'ap-southeast-100'"));
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
		cmocka_unit_test(test_share_users),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_used),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
