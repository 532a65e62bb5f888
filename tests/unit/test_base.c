/* SPDX-License-Identifier: Apache-2.0 */
/* Base images: what their names tell, and which is the newest. */
#include "controller/project/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_kernels(void **state)
{
	static const struct {
		const char *name, *kernel;
	} row[] = {
		{"al2023-ami-2023.6.20241010.0-kernel-6.1-x86_64", "6.1"},
		{"al2023-ami-ecs-hvm-2023.0.20240312-kernel-6.12-arm64", "6.12"},
		{"amzn2-ami-kernel-5.10-hvm-2.0.20240109.0-x86_64-gp2", "5.10"},
		{"amzn2-ami-hvm-2.0.20180810-x86_64-gp2", ""},
		{"my-kernel-", ""},
		{"kernel-custom-x86_64", ""},
		{"kernel-6.1", "6.1"},
		{"kernel-6.1x", ""},
		{"kernel-1111111111111111111111", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		char got[16];

		base_kernel(row[i].name, got);
		if (strcmp(got, row[i].kernel) != 0)
			fail_msg("%s: %s", row[i].name, got);
	}
}

static void test_known(void **state)
{
	static const char *const good[] = {
		"al2", "al2023", "al2-ecs", "al2023-ecs", "ami-0123456789abcdef0", "ami-1a2b3c4d"};
	static const char *const bad[] = {"", "al", "al2023 ", "AL2023", "ami-", "ami-xyz",
		"ami-1/..", "ami-0123456789012345678901234567890123456789", "i-1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(base_is_known(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(base_is_known(bad[i]));
}

struct named {
	const char *name;
	int64_t created;
	const char *state;
};

/* Whatever their order is. */
static void expect_newest(const struct named *of, size_t n, const char *name)
{
	for (size_t first = 0; first < n; first++) {
		struct ec2_image image[8] = {0};
		const struct ec2_images list = {image, n};
		const struct ec2_image *got;

		for (size_t i = 0; i < n; i++) {
			const struct named *from = &of[(first + i) % n];

			snprintf(image[i].name, sizeof(image[i].name), "%s", from->name);
			snprintf(image[i].state, sizeof(image[i].state), "%s", from->state);
			image[i].created = from->created;
		}
		got = base_newest(&list);
		if (strcmp(got ? got->name : "none", name) != 0)
			fail_msg("%s, not %s", got ? got->name : "none", name);
	}
}

static void test_newest(void **state)
{
	static const struct named dates[] = {{"a-20250101", 5, "available"},
		{"b-20240101", 6, "available"}, {"c-20260101", 7, "pending"}};
	static const struct named names[] = {{"z-2.0.20240101.0-1-x86_64", 5, "available"},
		{"a-2.0.20250101.3-1-x86_64", 5, "available"}, {"no-date", 5, "available"}};
	static const struct named kernels[] = {{"al-20250101-kernel-6.2-x", 5, "available"},
		{"al-20250101-kernel-6.12-x", 5, "available"}};
	static const struct named none[] = {{"a", 5, "deregistered"}};

	(void)state;
	expect_newest(dates, ARRAY_LEN(dates), "b-20240101");
	expect_newest(names, ARRAY_LEN(names), "a-2.0.20250101.3-1-x86_64");
	expect_newest(kernels, ARRAY_LEN(kernels), "al-20250101-kernel-6.12-x");
	expect_newest(none, ARRAY_LEN(none), "none");
	assert_null(base_newest(&(struct ec2_images){0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernels),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_newest),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
