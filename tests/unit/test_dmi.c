/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/dmi.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define AZURE_TAG "7783-7084-3265-9085-8269-3286-77"

struct machine {
	const char *name;
	const char *vendor, *product, *board, *chassis, *bios, *uuid; /* NULL: no such file */
	enum cloud cloud;
	const char *type, *id;
};

/* clang-format off */
static const struct machine machines[] = {
	{"nitro", "Amazon EC2", "c5n.18xlarge", "i-0123456789abcdef0", "Amazon EC2", "1.0", NULL,
		CLOUD_EC2, "c5n.18xlarge", "i-0123456789abcdef0"},
	{"metal", "Amazon EC2", "c5.metal", NULL, NULL, NULL, NULL, CLOUD_EC2, "c5.metal", ""},
	{"long family", "Amazon EC2", "u-6tb1.112xlarge", "i-01234567", NULL, NULL, NULL,
		CLOUD_EC2, "u-6tb1.112xlarge", "i-01234567"},
	{"type of another form", "Amazon EC2", "Virtual Machine", "i-x", NULL, NULL, NULL,
		CLOUD_EC2, "", ""},
	{"type without a size", "Amazon EC2", "c5.", "i-", NULL, NULL, NULL, CLOUD_EC2, "", ""},
	{"type with a path", "Amazon EC2", "../c5.large", "i-0123456789abcdef01", NULL, NULL, NULL,
		CLOUD_EC2, "", ""},
	{"type in capitals", "Amazon EC2", "C5.LARGE", "I-01234567", NULL, NULL, NULL, CLOUD_EC2, "", ""},
	{"no product", "Amazon EC2", NULL, NULL, NULL, NULL, NULL, CLOUD_EC2, "", ""},
	{"Xen by its BIOS", "Xen", "HVM domU", NULL, NULL, "4.11.amazon", NULL, CLOUD_EC2, "", ""},
	{"Xen by its uuid", "Xen", "HVM domU", NULL, NULL, "4.2", "EC2E1916-9099-7CAF-FD21-012345ABCDEF",
		CLOUD_EC2, "", ""},
	{"Xen, bytes swapped", "Xen", "HVM domU", NULL, NULL, "4.2",
		"45E12AEC-DCD1-B213-94ED-012345ABCDEF", CLOUD_EC2, "", ""},
	{"other Xen", "Xen", "HVM domU", NULL, NULL, "4.17.3", "1c6bd2a9-4d5e-4a0f-9d3a-6a1c1f9c3b11",
		CLOUD_NONE, "", ""},
	{"azure", "Microsoft Corporation", "Virtual Machine", NULL, AZURE_TAG, NULL, NULL,
		CLOUD_AZURE, "", ""},
	{"own Hyper-V", "Microsoft Corporation", "Virtual Machine", NULL, "8842", NULL, NULL,
		CLOUD_NONE, "", ""},
	{"gcp", "Google", "Google Compute Engine", NULL, NULL, NULL, NULL, CLOUD_GCP, "", ""},
	{"old gcp", "Google", "Google", NULL, NULL, NULL, NULL, CLOUD_GCP, "", ""},
	{"Chromebook", "Google", "Eve", NULL, NULL, NULL, NULL, CLOUD_NONE, "", ""},
	{"QEMU with an unlucky uuid", "QEMU", "Standard PC", NULL, NULL, NULL,
		"ec2e1916-9099-4caf-8d21-012345abcdef", CLOUD_NONE, "", ""},
	{"server", "Dell Inc.", "PowerEdge R650", "i-0123456789abcdef0", "", "2.1", NULL,
		CLOUD_NONE, "", ""},
	{"firmware without a vendor", "", "", NULL, NULL, NULL, NULL, CLOUD_NONE, "", ""},
};
/* clang-format on */

static void write_value(const struct scratch *t, const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/dmi/id/%s", name);
	if (value)
		scratch_write(t, path, value);
	else
		unlinkat(t->fd, path + 1, 0);
}

static void test_machines(void **state)
{
	const struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		const struct machine *m = &machines[i];
		struct err e = ERR_INIT;
		struct dmi d;

		write_value(t, "sys_vendor", m->vendor);
		write_value(t, "product_name", m->product);
		write_value(t, "board_asset_tag", m->board);
		write_value(t, "chassis_asset_tag", m->chassis);
		write_value(t, "bios_version", m->bios);
		write_value(t, "product_uuid", m->uuid);
		assert_int_equal(dmi_read(t->fd, &d, &e), 0);
		if (d.cloud != m->cloud)
			fail_msg("%s: cloud %s", m->name, cloud_name(d.cloud));
		assert_string_equal(d.instance_type, m->type);
		assert_string_equal(d.instance_id, m->id);
	}
}

static void test_no_dmi(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	struct dmi d;

	assert_int_equal(dmi_read(t->fd, &d, &e), 0);
	assert_int_equal(d.cloud, CLOUD_UNKNOWN);
	assert_string_equal(d.instance_type, "");
	scratch_write(t, "/sys/hypervisor/uuid", "1c6bd2a9-4d5e-4a0f-9d3a-6a1c1f9c3b11\n");
	assert_int_equal(dmi_read(t->fd, &d, &e), 0);
	assert_int_equal(d.cloud, CLOUD_UNKNOWN);
	scratch_write(t, "/sys/hypervisor/uuid", "ec2e1916-9099-7caf-fd21-012345abcdef\n");
	assert_int_equal(dmi_read(t->fd, &d, &e), 0);
	assert_int_equal(d.cloud, CLOUD_EC2);
}

/* A value that is too long or no file at all is as good as none. */
static void test_unreadable(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char longer[600];
	struct dmi d;

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	write_value(t, "sys_vendor", "Amazon EC2");
	write_value(t, "board_asset_tag", longer);
	write_value(t, "product_name/inside", "");
	assert_int_equal(dmi_read(t->fd, &d, &e), 0);
	assert_int_equal(d.cloud, CLOUD_EC2);
	assert_string_equal(d.instance_type, "");
	assert_string_equal(d.instance_id, "");
	assert_int_equal(e.kind, ERR_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_machines, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_no_dmi, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_unreadable, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
