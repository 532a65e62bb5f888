/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/bake_order.h"

#include "common/num.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_names(void **state)
{
	static const struct {
		const char *taken[4];
		const char *want;
	} cases[] = {
		{{NULL}, "oct-2026-11-26"},
		{{"oct-2026-11-26", NULL}, "oct-2026-11-26-2"},
		{{"oct-2026-11-26-2", NULL}, "oct-2026-11-26"},
		{{"oct-2026-11-26-3", "oct-2026-11-26", NULL}, "oct-2026-11-26-2"},
		{{"oct-2026-11-26-2", "oct-2026-11-26", "oct-2026-11-26-20", NULL},
			"oct-2026-11-26-3"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		char name[AMI_NAME];
		size_t n = 0;

		while (cases[i].taken[n])
			n++;
		assert_int_equal(ami_name_choose("oct-2026-11-26", cases[i].taken, n, name, &e), 0);
		assert_string_equal(name, cases[i].want);
	}
}

static void test_no_name(void **state)
{
	static char text[1001][AMI_NAME];
	static char longest[AMI_NAME];
	const char *taken[1001];
	struct err e = ERR_INIT;
	char name[AMI_NAME] = "as it was";

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(text); i++) {
		snprintf(text[i], sizeof(text[i]), i < 2 ? "x" : "x-%u", i);
		taken[i] = text[i];
	}
	assert_int_equal(ami_name_choose("x", taken, ARRAY_LEN(taken), name, &e), -EEXIST);
	assert_int_equal(e.kind, ERR_CONFIG);
	memset(longest, 'x', sizeof(longest) - 1);
	taken[0] = longest;
	assert_int_equal(ami_name_choose(longest, taken, 1, name, &e), -EEXIST);
	assert_string_equal(name, "as it was");
}

/* Seen by AWS: one answer that fails for the moment, then one that says it is done. */
static int look_twice(struct ami *a, uint64_t *ret_done, uint64_t *ret_all, struct err *e)
{
	*ret_done = *ret_all = 0;
	return a->n_made++ == 0 ? err_set(e, ERR_TRANSIENT, ETIMEDOUT, "no answer") : 1;
}

static int look_final(struct ami *a, uint64_t *ret_done, uint64_t *ret_all, struct err *e)
{
	*ret_done = *ret_all = 0;
	a->n_made++;
	return err_set(e, ERR_REMOTE, EIO, "it failed");
}

static void test_wait(void **state)
{
	struct project p = {.aws.lifetime = 3600 * NSEC_PER_SEC};
	struct show show;
	struct ami a = {.project = &p, .show = &show};
	struct err e = ERR_INIT;

	(void)state;
	show_start(&show, true);
	assert_int_equal(ami_wait(&a, look_twice, &e), 0);
	assert_int_equal(a.n_made, 2);
	assert_int_equal(e.kind, ERR_NONE);
	a.n_made = 0;
	assert_int_equal(ami_wait(&a, look_final, &e), -EIO);
	assert_int_equal(a.n_made, 1);
}

static void test_image_names(void **state)
{
	static const struct {
		const char *file, *stem, *want;
	} cases[] = {
		{"a-2026-11-26.json", NULL, "a-2026-11-26"},
		{"a.b-2026-11-26-2.json", NULL, "a.b-2026-11-26-2"},
		{"a-2026-11-26.cdx.json", NULL, ""},
		{"a-2026-11-26.raw", NULL, ""},
		{".json", NULL, ""},
		{"a.b-2026-11-26.raw", "a.b-2026-11-26", "a.b-2026-11-26"},
		{"a.b-2026-11-26-2.raw.test.log", "a.b-2026-11-26", "a.b-2026-11-26-2"},
		{"a.b-2026-11-26", "a.b-2026-11-26", "a.b-2026-11-26"},
		{"a-2026-11-26.raw", "a.b-2026-11-26", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const size_t len = bake_image_name(cases[i].file, cases[i].stem);

		assert_int_equal(len, strlen(cases[i].want));
		assert_memory_equal(cases[i].file, cases[i].want, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_name),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_image_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
