/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/ecs.h"
#include "common/fs.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define BEGIN "# BEGIN shared-prep, replaced at every boot\n"
#define END   "# END shared-prep\n"

static void test_figures(void **state)
{
	static const struct {
		uint64_t memory, system, jobs, held;
		enum ecs_memory mode;
		uint64_t reserved, job_memory;
		bool writable;
	} row[] = {
		{1000 * MIB, 100 * MIB, 350 * MIB, 50 * MIB, ECS_MEMORY_EXCLUSIVE, 150, 850, true},
		{1000 * MIB, 100 * MIB, 350 * MIB, 50 * MIB, ECS_MEMORY_JOBS, 650, 350, true},
		/* a part of a MiB is reserved whole */
		{1000 * MIB, 100 * MIB + 1, 0, 0, ECS_MEMORY_EXCLUSIVE, 101, 899, true},
		{200 * GIB, GIB, GIB, 63 * GIB - MIB, ECS_MEMORY_EXCLUSIVE, 65535, 139265, true},
		{200 * GIB, GIB, GIB, 63 * GIB, ECS_MEMORY_EXCLUSIVE, 65536, 139264, false},
		{100 * MIB, 90 * MIB, 350 * MIB, 50 * MIB, ECS_MEMORY_EXCLUSIVE, 100, 0, true},
		{100 * MIB, 90 * MIB, 350 * MIB, 50 * MIB, ECS_MEMORY_JOBS, 0, 100, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct tmpfs_plan p = {
			.memory = row[i].memory, .system = row[i].system, .jobs = row[i].jobs};
		struct settings s = {.ecs_memory = row[i].mode};
		struct ecs_figures f;

		ecs_figures(&p, &s, row[i].held, &f);
		assert_int_equal(f.reserved_mib, row[i].reserved);
		assert_int_equal(f.job_memory_mib, row[i].job_memory);
		assert_int_equal(f.writable, row[i].writable);
	}
}

static void test_edit(void **state)
{
	static const struct {
		const char *old, *block, *want;
	} row[] = {
		{"", "A=1\n", BEGIN "A=1\n" END},
		{"X=2\n", "A=1\n", "X=2\n" BEGIN "A=1\n" END},
		{"X=2", "A=1\n", "X=2\n" BEGIN "A=1\n" END},
		{"X=2\n" BEGIN "OLD=1\n" END "Y=3\n", "A=1\n", "X=2\n" BEGIN "A=1\n" END "Y=3\n"},
		{"X=2\n" BEGIN "OLD=1\n" END "Y=3\n", "", "X=2\nY=3\n"},
		{"X=2", "", "X=2"},
		{"no " BEGIN "A=1\n" END, "", "no " BEGIN "A=1\n" END},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		auto_buf struct buf out = BUF_INIT(4096);
		struct err e = ERR_INIT;

		assert_int_equal(ecs_edit(row[i].old, row[i].block, &out, &e), 0);
		assert_string_equal(buf_str(&out), row[i].want);
	}
}

static void test_edit_refuses_half_a_block(void **state)
{
	auto_buf struct buf out = BUF_INIT(4096);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(ecs_edit("X=1\n" BEGIN "A=1\n", "B=1\n", &out, &e), -EBADMSG);
	assert_int_equal(e.kind, ERR_DATA);
}

struct said {
	char text[2048];
};

static void remember(const char *message, void *ctx)
{
	struct said *s = ctx;
	size_t len = strlen(s->text);

	snprintf(s->text + len, sizeof(s->text) - len, "%s\n", message);
}

/* One machine with a 100 MiB system part, 20 MiB held and one app. */
static int configure(int root, const struct settings *s, uint64_t system, struct said *said,
	bool *written, struct err *e)
{
	static const struct identity identity = {.cloud = CLOUD_EC2};
	static const struct host host = {.mem_total = 100 * GIB};
	static const struct cpu cpu = {.arch = CPU_X86_64, .march = "znver4", .source = "cpuid"};
	static const struct mnt_live live = {.mounted = true, .size = 640 * MIB, .used = 20 * MIB};
	static const struct published_app app = {.name = "octave", .key = "c5"};
	struct tmpfs_plan p = {.memory = 100 * GIB, .system = system};
	const struct facts f = {.identity = &identity,
		.host = &host,
		.cpu = &cpu,
		.plan = &p,
		.shared_path = "/shared",
		.live = &live,
		.app = &app,
		.n_apps = 1};

	return ecs_configure(root, s, &f, written, remember, said, e);
}

static void test_configure(void **state)
{
	const struct scratch *t = *state;
	struct settings s = {.ecs_configure = ECS_AUTO};
	struct said said = {{0}};
	struct err e = ERR_INIT;
	char text[2048];
	bool written;

	assert_int_equal(configure(t->fd, &s, 100 * MIB, &said, &written, &e), 0);
	assert_false(written);
	scratch_write(t, "var/lib/ecs/ecs.config", "ECS_CLUSTER=mine\n");
	assert_int_equal(fchmodat(t->fd, "var/lib/ecs/ecs.config", 0640, 0), 0);
	for (int run = 0; run < 2; run++) {
		assert_int_equal(configure(t->fd, &s, 100 * MIB, &said, &written, &e), 0);
		assert_true(written);
		scratch_read(t, "var/lib/ecs/ecs.config", text, sizeof(text));
		assert_string_equal(text,
			"ECS_CLUSTER=mine\n" BEGIN "ECS_RESERVED_MEMORY=120\n"
			"ECS_ENABLE_SPOT_INSTANCE_DRAINING=true\n"
			"ECS_INSTANCE_ATTRIBUTES={\"shared-prep.size-mib\":\"640\","
			"\"shared-prep.march\":\"znver4\","
			"\"shared-prep.app.octave\":\"c5\"}\n" END);
	}
	assert_string_equal(said.text, "");
	assert_int_equal(scratch_mode(t, "var/lib/ecs/ecs.config") & 07777, 0640);
	assert_int_equal(ecs_release(t->fd, &e), 0);
	scratch_read(t, "var/lib/ecs/ecs.config", text, sizeof(text));
	assert_string_equal(text, "ECS_CLUSTER=mine\n");
}

static void test_configure_leaves_what_is_set(void **state)
{
	const struct scratch *t = *state;
	struct settings s = {.ecs_configure = ECS_YES};
	struct said said = {{0}};
	struct err e = ERR_INIT;
	char text[2048];
	bool written;

	scratch_write(t, "var/lib/ecs/ecs.config", "  ECS_INSTANCE_ATTRIBUTES={}\n");
	scratch_write(t, "etc/ecs/ecs.config", "A=1\nECS_RESERVED_MEMORY = 77\n");
	assert_int_equal(configure(t->fd, &s, 100 * MIB, &said, &written, &e), 0);
	scratch_read(t, "var/lib/ecs/ecs.config", text, sizeof(text));
	assert_string_equal(text, "  ECS_INSTANCE_ATTRIBUTES={}\n" BEGIN
				  "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true\n" END);
	assert_non_null(strstr(said.text, "ECS_RESERVED_MEMORY is set in '/etc/ecs/ecs.config'"));
	assert_non_null(strstr(said.text, "ECS_INSTANCE_ATTRIBUTES is set in '/var/lib/ecs"));
}

static void test_configure_says_what_is_too_large(void **state)
{
	const struct scratch *t = *state;
	struct settings s = {.ecs_configure = ECS_YES};
	struct said said = {{0}};
	struct err e = ERR_INIT;
	char text[2048];
	bool written;

	assert_int_equal(configure(t->fd, &s, 70 * GIB, &said, &written, &e), 0);
	scratch_read(t, "var/lib/ecs/ecs.config", text, sizeof(text));
	assert_null(strstr(text, "ECS_RESERVED_MEMORY"));
	assert_non_null(strstr(said.text, "71700 MiB is not written"));
	assert_non_null(strstr(said.text, "more than 30700 MiB"));
	s.ecs_configure = ECS_NO;
	assert_int_equal(configure(t->fd, &s, 70 * GIB, &said, &written, &e), 0);
	assert_false(written);
}

static void test_release_without_a_file(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;

	assert_int_equal(ecs_release(t->fd, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_edit),
		cmocka_unit_test(test_edit_refuses_half_a_block),
		cmocka_unit_test_setup_teardown(test_configure, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_configure_leaves_what_is_set, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_configure_says_what_is_too_large, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_release_without_a_file, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
