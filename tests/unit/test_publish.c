/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/publish.h"
#include "common/fs.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static const struct identity identity = {
	.cloud = CLOUD_EC2,
	.cloud_source = "dmi",
	.instance_type = {.value = "c5n.18xlarge", .source = "dmi"},
	.lifecycle = {.value = "spot", .source = "metadata"},
	.metadata = METADATA_OK,
};
static const struct host host = {.mem_total = 4 * GIB, .vcpus = 8, .cores = 4, .numa_nodes = 1};
static const struct tmpfs_plan plan = {.system = 100, .jobs = 200};
static const struct mnt_live live = {.mounted = true, .size = 3 * GIB, .nr_inodes = 7};
static const struct mnt_options options = {
	.taken = {"size=3221225472"}, .n_taken = 1, .dropped = {"noswap"}, .n_dropped = 1};
static const struct published_app app = {
	.name = "octave", .key = "c5", .path = "/shared/octave_c5", .digest = "ab"};

static struct facts all_facts(const struct cpu *cpu)
{
	return (struct facts){
		.identity = &identity,
		.host = &host,
		.cpu = cpu,
		.plan = &plan,
		.shared_path = "/shared",
		.live = &live,
		.options = &options,
		.app = &app,
		.n_apps = 1,
	};
}

static void test_members(void **state)
{
	struct cpu cpu = {.arch = CPU_X86_64, .march = "skylake-avx512", .source = "cpuid"};
	auto_json json_t *j = NULL, *want = NULL;
	struct facts f;

	(void)state;
	assert_true(cpu_feature_add(CPU_X86_64, "avx512f", &cpu.features));
	f = all_facts(&cpu);
	j = facts_json(&f);
	want = json_loads(
		"{\"format\":1,\"cloud\":\"ec2\",\"instance_type\":\"c5n.18xlarge\","
		"\"instance_id\":null,\"region\":null,\"zone\":null,\"image_id\":null,"
		"\"lifecycle\":\"spot\",\"arch\":\"x86_64\",\"march\":\"skylake-avx512\",\"levels\":[],"
		"\"features\":[\"avx512f\"],\"vcpus\":8,\"cores\":4,\"numa_nodes\":1,"
		"\"mem_total_bytes\":4294967296,\"shared\":{\"path\":\"/shared\","
		"\"size_bytes\":3221225472,\"nr_inodes\":7,\"options\":[\"size=3221225472\"],"
		"\"dropped\":[\"noswap\"]},\"reserve\":{\"system_bytes\":100,\"jobs_bytes\":200},"
		"\"apps\":{\"octave\":{\"key\":\"c5\",\"path\":\"/shared/octave_c5\",\"digest\":\"ab\"}},"
		"\"metadata\":\"ok\",\"sources\":{\"cloud\":\"dmi\",\"instance_type\":\"dmi\","
		"\"lifecycle\":\"metadata\",\"march\":\"cpuid\",\"mem_total_bytes\":\"/proc/meminfo\"}}",
		0, NULL);
	assert_non_null(want);
	if (!json_equal(j, want))
		fail_msg("facts are %s", json_dumps(j, JSON_INDENT(1)));
}

static void test_states_of_the_contract(void **state)
{
	static const struct {
		enum metadata_state state;
		const char *text;
	} row[] = {
		{METADATA_NONE, "absent"},
		{METADATA_PENDING, "timeout"},
		{METADATA_DISABLED, "disabled"},
		{METADATA_UNREACHABLE, "unreachable"},
		{METADATA_INVALID, "invalid"},
	};
	static const struct cpu cpu = {.arch = CPU_OTHER, .source = "cpuinfo"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct identity id = {.metadata = row[i].state};
		struct facts f = {
			.identity = &id, .host = &host, .cpu = &cpu, .shared_path = "/shared"};
		auto_json json_t *j = facts_json(&f);

		assert_string_equal(json_string_value(json_object_get(j, "metadata")), row[i].text);
		assert_true(json_is_null(json_object_get(j, "shared")));
		assert_true(json_is_null(json_object_get(j, "reserve")));
	}
}

static void test_environment_is_quoted(void **state)
{
	auto_json json_t *j = json_pack("{s:s, s:n, s:i, s:{s:s, s:[]}, s:{s:i}}", "zone",
		"a\"b$c`d\\e", "region", "vcpus", 8, "shared", "path", "/shared", "options",
		"reserve", "jobs_bytes", 5);
	auto_buf struct buf out = BUF_INIT(4096);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(facts_environment(j, &out, &e), 0);
	assert_string_equal(buf_str(&out), "SHARED_PREP_ZONE=\"a\\\"b\\$c\\`d\\\\e\"\n"
					   "SHARED_PREP_VCPUS=\"8\"\n"
					   "SHARED_PREP_SHARED_PATH=\"/shared\"\n"
					   "SHARED_PREP_RESERVE_JOBS_BYTES=\"5\"\n");
}

static void test_files(void **state)
{
	static const struct cpu cpu = {.arch = CPU_X86_64, .source = "cpuid"};
	const struct scratch *t = *state;
	struct facts f = all_facts(&cpu);
	char run[8192], shared[8192];
	struct err e = ERR_INIT;

	assert_int_equal(publish_facts(t->fd, &f, &e), 0);
	scratch_read(t, "run/shared-prep/facts.json", run, sizeof(run));
	scratch_read(t, "shared/.shared-prep/facts.json", shared, sizeof(shared));
	assert_string_equal(run, shared);
	scratch_read(t, "shared/.shared-prep/environment", shared, sizeof(shared));
	assert_non_null(strstr(shared, "SHARED_PREP_INSTANCE_TYPE=\"c5n.18xlarge\"\n"));
	assert_int_equal(scratch_mode(t, "run/shared-prep/environment") & 07777, 0644);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_states_of_the_contract),
		cmocka_unit_test(test_environment_is_quoted),
		cmocka_unit_test_setup_teardown(test_files, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
