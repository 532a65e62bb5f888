/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/settings.h"
#include "common/num.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define LOCAL "etc/shared-prep/shared-prep.conf"

static void test_defaults(void **state)
{
	const struct scratch *t = *state;
	auto_settings struct settings s = {0};
	struct err e = ERR_INIT;

	assert_int_equal(settings_load(t->fd, &s, &e), 0);
	assert_string_equal(s.path, "/shared");
	assert_int_equal(s.min_size, 64 * MIB);
	assert_int_equal(s.max_size, UINT64_MAX);
	assert_int_equal(s.job_memory, 0);
	assert_int_equal(s.system_reserve, 0);
	assert_int_equal(s.bytes_per_inode, 16 * KIB);
	assert_int_equal(s.huge, HUGE_WITHIN_SIZE);
	assert_null(s.context);
	assert_int_equal(s.on_failure, ON_FAILURE_STAY);
	assert_int_equal(s.provider, PROVIDER_AUTO);
	assert_int_equal(s.metadata_timeout, 60 * NSEC_PER_SEC);
	assert_null(s.instance_type);
	assert_string_equal(s.data, "/usr/local/data");
	assert_int_equal(s.apps.len, 0);
	assert_int_equal(s.copy.len, 0);
	assert_int_equal(s.ecs_configure, ECS_AUTO);
	assert_int_equal(s.ecs_memory, ECS_MEMORY_EXCLUSIVE);
	assert_int_equal(s.poll, 2 * NSEC_PER_SEC);
	assert_int_equal(s.rebalance, REBALANCE_STOP_CLAIMS);
	assert_true(s.hooks);
	assert_null(s.persist_to);
}

static void test_every_key(void **state)
{
	const struct scratch *t = *state;
	auto_settings struct settings s = {0};
	struct err e = ERR_INIT;

	scratch_write(t, LOCAL,
		"[Shared]\nPath=/scratch//big/\nMinSize=1G\nMaxSize=2T\nJobMemory=8G\n"
		"SystemReserve=1.5G\nBytesPerInode=4K\nHuge=never\n"
		"Context=system_u:object_r:container_file_t:s0:c1,c2\nOnFailure=poweroff\n"
		"[Metadata]\nProvider=gcp\nTimeout=5s\nInstanceType=Standard_D8s_v5\n"
		"[Apps]\nData=/srv/data\nApps=octave r\nApps=python\n"
		"Threads=7\nNice=5\nIOClass=idle\n"
		"[Copy]\nCopy=run_scripts/ octave_workflow.tar.xz\n"
		"[Interrupt]\nPoll=5s\nRebalance=interrupt\nHooks=no\n"
		"[Persist]\nTo=s3://bucket/prefix\n"
		"[ECS]\nConfigure=no\nMemory=jobs\n");
	assert_int_equal(settings_load(t->fd, &s, &e), 0);
	assert_string_equal(s.path, "/scratch/big");
	assert_int_equal(s.min_size, GIB);
	assert_int_equal(s.max_size, 2 * TIB);
	assert_int_equal(s.job_memory, 8 * GIB);
	assert_int_equal(s.system_reserve, 1536 * MIB);
	assert_int_equal(s.bytes_per_inode, 4 * KIB);
	assert_int_equal(s.huge, HUGE_NEVER);
	assert_string_equal(s.context, "system_u:object_r:container_file_t:s0:c1,c2");
	assert_int_equal(s.on_failure, ON_FAILURE_POWEROFF);
	assert_int_equal(s.provider, PROVIDER_GCP);
	assert_int_equal(s.metadata_timeout, 5 * NSEC_PER_SEC);
	assert_string_equal(s.instance_type, "Standard_D8s_v5");
	assert_string_equal(s.data, "/srv/data");
	assert_int_equal(s.apps.len, 3);
	assert_string_equal(s.apps.word[2], "python");
	assert_int_equal(s.threads, 7);
	assert_int_equal(s.priority.nice, 5);
	assert_int_equal(s.priority.io, IO_CLASS_IDLE);
	assert_int_equal(s.copy.len, 2);
	assert_int_equal(s.ecs_configure, ECS_NO);
	assert_int_equal(s.ecs_memory, ECS_MEMORY_JOBS);
	assert_int_equal(s.poll, 5 * NSEC_PER_SEC);
	assert_int_equal(s.rebalance, REBALANCE_INTERRUPT);
	assert_false(s.hooks);
	assert_string_equal(s.persist_to, "s3://bucket/prefix");
}

static void test_order_of_files(void **state)
{
	const struct scratch *t = *state;
	auto_settings struct settings s = {0};
	struct err e = ERR_INIT;

	scratch_write(t, "usr/lib/shared-prep/shared-prep.conf",
		"[Shared]\nMinSize=1M\nMaxSize=1G\nJobMemory=1G\nSystemReserve=1G\n"
		"Context=a:b:c\n[Metadata]\nInstanceType=c5.large\n[Persist]\nTo=/srv\n");
	scratch_write(t, LOCAL, "[Shared]\nMaxSize=2G\nJobMemory=2G\n");
	scratch_write(t, "etc/shared-prep/conf.d/20-b.conf", "[Shared]\nJobMemory=4G\n");
	scratch_write(t, "etc/shared-prep/conf.d/10-a.conf",
		"[Shared]\nJobMemory=3G\nSystemReserve=\nContext=\nMaxSize=\n"
		"[Metadata]\nInstanceType=\n[Persist]\nTo=\n[Interrupt]\nPoll=0\n");
	assert_int_equal(settings_load(t->fd, &s, &e), 0);
	assert_int_equal(s.min_size, MIB);
	assert_int_equal(s.job_memory, 4 * GIB);
	/* an empty value is the built-in one again */
	assert_int_equal(s.max_size, UINT64_MAX);
	assert_int_equal(s.system_reserve, 0);
	assert_null(s.context);
	assert_null(s.instance_type);
	assert_null(s.persist_to);
	assert_int_equal(s.poll, 0);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *section, *line, *says;
	} row[] = {
		{"Shared", "Path=shared", "'shared'"},
		{"Shared", "Path=/a/../b", "'..'"},
		{"Shared", "Path=/", "belongs to the system"},
		{"Shared", "Path=//usr/", "'/usr' belongs to the system"},
		{"Shared", "Path=/etc", "belongs to the system"},
		{"Shared", "Path=/dev/shm", "'/dev/shm' belongs"},
		{"Shared", "Path=/proc/x/y", "belongs"},
		{"Shared", "Path=/run/shared", "belongs"},
		{"Shared", "Path=/sys", "belongs"},
		{"Shared", "Path=/sha red", "holds a blank"},
		{"Shared", "Path=/a\"b", "quote"},
		{"Shared", "Path=/a%b", "character"},
		{"Shared", "Path=/a,b", "character"},
		{"Shared", "MinSize=", "''"},
		{"Shared", "MinSize=0", "less than 1M"},
		{"Shared", "MinSize=64Q", "'64Q'"},
		{"Shared", "MaxSize=1023K", "less than 1M"},
		{"Shared", "MaxSize=32M", "MaxSize=32.0 MiB is less than MinSize="},
		{"Shared", "JobMemory=-1", "'-1'"},
		{"Shared", "SystemReserve=5%", "'5%'"},
		{"Shared", "BytesPerInode=4095", "less than 4K"},
		{"Shared", "Huge=big",
			"'big' is not one of within_size, never, "
			"advise, always"},
		{"Shared", "Huge=", "'' is not one of"},
		{"Shared", "Context=container_file_t", "not an SELinux context"},
		{"Shared", "Context=a:b:c d", "holds ' '"},
		{"Shared", "Context=a:b:c\"", "holds '\"'"},
		{"Shared", "OnFailure=reboot", "'reboot' is not one of stay, poweroff"},
		{"Metadata", "Provider=aws", "ec2, azure, gcp, none"},
		{"Metadata", "Timeout=2h", "more than 1h"},
		{"Metadata", "Timeout=soon", "'soon'"},
		{"Metadata", "InstanceType=../x", "holds '/'"},
		{"Apps", "Data=data", "'data'"},
		{"Apps", "Threads=0", "0"},
		{"Apps", "Threads=513", "513"},
		{"Apps", "Nice=20", "20"},
		{"Apps", "Nice=-1", "'-1'"},
		{"Apps", "IOClass=slow", "'slow'"},
		{"Interrupt", "Poll=500ms", "between 1s and 60s"},
		{"Interrupt", "Poll=2min", "between 1s and 60s"},
		{"Interrupt", "Poll=", "''"},
		{"Interrupt", "Rebalance=yes", "stop-claims, ignore, interrupt"},
		{"Interrupt", "Hooks=maybe", "'maybe'"},
		{"Persist", "To=results", "neither an absolute path nor s3://"},
		{"Persist", "To=s3://", "neither an absolute path nor s3://"},
		{"Persist", "To=s3:///x", "neither an absolute path nor s3://"},
		{"Persist", "To=/a/../b", "'..'"},
		{"Persist", "To=/a b", "holds a blank"},
		{"Persist", "Poll=2s", "unknown key"},
		{"ECS", "Configure=maybe", "auto, yes, no"},
		{"ECS", "Memory=all", "exclusive, jobs"},
		{"ECS", "Memori=jobs", "Memori"},
	};
	const struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		auto_settings struct settings s = {0};
		struct err e = ERR_INIT;
		char text[256];

		snprintf(text, sizeof(text), "[%s]\n%s\n", row[i].section, row[i].line);
		scratch_write(t, LOCAL, text);
		assert_true(settings_load(t->fd, &s, &e) < 0);
		assert_int_equal(e.kind, ERR_CONFIG);
		if (!strstr(e.msg, row[i].says))
			fail_msg("'%s': '%s' does not say '%s'", row[i].line, e.msg, row[i].says);
		if (!strstr(e.msg, "is less than MinSize=") && !strstr(e.msg, LOCAL ":2"))
			fail_msg("'%s': '%s' has not file and line", row[i].line, e.msg);
	}
}

static void test_long_words(void **state)
{
	static const char *const key[] = {"[Shared]\nContext=a:b:", "[Metadata]\nInstanceType="};
	const struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(key); i++) {
		auto_settings struct settings s = {0};
		struct err e = ERR_INIT;
		char text[512];

		snprintf(text, sizeof(text), "%s%0200d\n", key[i], 1);
		scratch_write(t, LOCAL, text);
		assert_true(settings_load(t->fd, &s, &e) < 0);
		assert_int_equal(e.kind, ERR_CONFIG);
		assert_non_null(strstr(e.msg, "is longer than"));
	}
}

static void test_huge_names(void **state)
{
	(void)state;
	assert_string_equal(huge_policy_name(HUGE_WITHIN_SIZE), "within_size");
	assert_string_equal(huge_policy_name(HUGE_NEVER), "never");
	assert_string_equal(huge_policy_name(HUGE_ADVISE), "advise");
	assert_string_equal(huge_policy_name(HUGE_ALWAYS), "always");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_every_key, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_order_of_files, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_refusals, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_long_words, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_huge_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
