/* SPDX-License-Identifier: Apache-2.0 */
/* Where a disk image file is promoted. tests/image/run promotes one. */
#include "controller/prove_file.h"

#include "common/num.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_current(void **state)
{
	static const struct {
		const char *image; /* name= of the project; NULL: it is not known */
		const char *file, *want;
	} row[] = {
		{"thing", "thing-2026-11-26.raw", "thing"},
		{"thing", "thing-2026-11-26-2.qcow2", "thing"},
		{"thing", "thing-x86_64-2026-11-26.raw", "thing-x86_64"},
		{"thing", "thing-aarch64-2026-11-26-12.raw", "thing-aarch64"},
		{"a.b", "a.b-aarch64-2026-11-26.raw", "a.b-aarch64"},
		/* Not as bake calls it. */
		{"thing", "good-20261126.qcow2", "thing"},
		{"thing", "things-x86_64-2026-11-26.raw", "thing"},
		{"thing", "thing.raw", "thing"},
		{NULL, "good-x86_64-2026-11-26.raw", "good-x86_64"},
		{NULL, "good-20261126.img", "good"},
		{NULL, "disabled.img", "disabled"},
		{NULL, "a.b-2026-11-26-2.raw", "a.b"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		char image[16] = "";
		const struct project p = {.image.name = image};
		const char *name;
		size_t len;

		if (row[i].image)
			snprintf(image, sizeof(image), "%s", row[i].image);
		len = prove_file_current(row[i].image ? &p : NULL, row[i].file, &name);
		if (len != strlen(row[i].want) || memcmp(name, row[i].want, len) != 0)
			fail_msg("%s: %.*s", row[i].file, (int)len, name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_current),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
