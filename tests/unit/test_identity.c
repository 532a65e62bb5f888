/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/identity.h"
#include "common/clock.h"
#include "common/num.h"
#include "tests/unit/scratch.h"
#include "tests/unit/server.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define COMPUTE                                                                                    \
	"HTTP/1.0 200 OK\r\n\r\n{\"vmSize\":\"Standard_F2\",\"vmId\":\"02aab8a4\","                \
	"\"location\":\"westeurope\",\"zone\":\"\"}"

static void make_nitro(const struct scratch *t)
{
	scratch_write(t, "/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
	scratch_write(t, "/sys/class/dmi/id/product_name", "c5.large\n");
	scratch_write(t, "/sys/class/dmi/id/board_asset_tag", "i-0123456789abcdef0\n");
}

static void test_precedence(void **state)
{
	static const struct metadata answer = {.instance_type = "m5.large", .region = "eu-west-1"};
	const struct scratch *t = *state;
	struct settings s = {.provider = PROVIDER_AUTO, .metadata_timeout = NSEC_PER_SEC};
	struct err e = ERR_INIT;
	char configured[] = "r5.large";
	struct identity id;

	make_nitro(t);
	assert_int_equal(identity_local(t->fd, &s, NULL, &id, &e), 0);
	assert_string_equal(id.instance_type.value, "c5.large");
	assert_string_equal(id.instance_type.source, "dmi");
	assert_string_equal(id.instance_id.value, "i-0123456789abcdef0");
	assert_null(id.region.source);
	identity_merge(&id, METADATA_OK, &answer, &e);
	assert_string_equal(id.instance_type.value, "m5.large");
	assert_string_equal(id.instance_type.source, "metadata");
	assert_string_equal(id.instance_id.source, "dmi");
	assert_string_equal(id.region.value, "eu-west-1");

	s.instance_type = configured;
	assert_int_equal(identity_local(t->fd, &s, NULL, &id, &e), 0);
	identity_merge(&id, METADATA_OK, &answer, &e);
	assert_string_equal(id.instance_type.value, "r5.large");
	assert_string_equal(id.instance_type.source, "config");

	assert_int_equal(identity_local(t->fd, &s, "x1.large", &id, &e), 0);
	identity_merge(&id, METADATA_OK, &answer, &e);
	assert_string_equal(id.instance_type.value, "x1.large");
	assert_string_equal(id.instance_type.source, "option");
}

static void test_failure_keeps_facts(void **state)
{
	static const struct metadata answer = {.region = "eu-west-1"};
	const struct scratch *t = *state;
	const struct settings s = {.provider = PROVIDER_AUTO};
	struct err e = ERR_INIT;
	struct identity id;

	make_nitro(t);
	assert_int_equal(identity_local(t->fd, &s, NULL, &id, &e), 0);
	err_set(&e, ERR_REMOTE, EIO, "status 403");
	identity_merge(&id, METADATA_DISABLED, &answer, &e);
	assert_int_equal(id.metadata, METADATA_DISABLED);
	assert_string_equal(id.metadata_detail, "status 403");
	assert_string_equal(id.instance_type.source, "dmi");
	assert_null(id.region.source);
}

struct asked {
	enum provider provider;
	uint64_t timeout;
	bool nitro;
	bool url;
	enum cloud cloud;
	enum metadata_state state;
};

/* Who is asked: only where a cloud is named, and of another root only by the seam. */
static const struct asked asked[] = {
	{PROVIDER_AUTO, 1, true, true, CLOUD_EC2, METADATA_PENDING},
	{PROVIDER_AUTO, 1, true, false, CLOUD_EC2, METADATA_NONE},
	{PROVIDER_AUTO, 0, true, true, CLOUD_EC2, METADATA_NONE},
	{PROVIDER_AUTO, 1, false, true, CLOUD_UNKNOWN, METADATA_NONE},
	{PROVIDER_NONE, 1, true, true, CLOUD_EC2, METADATA_NONE},
	{PROVIDER_GCP, 1, true, true, CLOUD_GCP, METADATA_PENDING},
	{PROVIDER_AZURE, 1, false, true, CLOUD_AZURE, METADATA_PENDING},
};

static void test_who_is_asked(void **state)
{
	const struct scratch *t = *state;

	make_nitro(t);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		const struct settings s = {
			.provider = asked[i].provider,
			.metadata_timeout = asked[i].timeout,
		};
		struct err e = ERR_INIT;
		struct identity id;

		if (!asked[i].nitro)
			unlinkat(t->fd, "sys/class/dmi/id/sys_vendor", 0);
		if (!asked[i].nitro)
			assert_int_equal(renameat(t->fd, "sys", t->fd, "gone"), 0);
		if (asked[i].url)
			setenv(IDENTITY_URL_VARIABLE, "http://127.0.0.1:1", 1);
		else
			unsetenv(IDENTITY_URL_VARIABLE);
		assert_int_equal(identity_local(t->fd, &s, NULL, &id, &e), 0);
		assert_int_equal(id.cloud, asked[i].cloud);
		assert_int_equal(id.metadata, asked[i].state);
		if (!asked[i].nitro)
			assert_int_equal(renameat(t->fd, "gone", t->fd, "sys"), 0);
		make_nitro(t);
	}
	unsetenv(IDENTITY_URL_VARIABLE);
}

static struct identity_query *start(const char *urls, uint64_t timeout)
{
	const struct identity id = {.cloud = CLOUD_AZURE, .metadata = METADATA_PENDING};
	const struct settings s = {.metadata_timeout = timeout};
	struct identity_query *q = NULL;
	struct err e = ERR_INIT;

	setenv(IDENTITY_URL_VARIABLE, urls, 1);
	assert_int_equal(identity_query_start(&id, &s, &q, &e), 0);
	unsetenv(IDENTITY_URL_VARIABLE);
	return q;
}

static void test_query(void **state)
{
	static const char *const answers[] = {COMPUTE, NULL};
	struct identity id = {.cloud = CLOUD_AZURE, .metadata = METADATA_PENDING};
	struct identity_query *q;
	struct server s;

	(void)state;
	server_start(&s, answers);
	q = start(s.url, 5 * NSEC_PER_SEC);
	assert_true(identity_query_wait(q, CLOCK_FOREVER));
	identity_query_merge(q, &id);
	identity_query_free(q);
	server_stop(&s);
	assert_int_equal(id.metadata, METADATA_OK);
	assert_string_equal(id.metadata_detail, "");
	assert_string_equal(id.instance_type.value, "Standard_F2");
	assert_string_equal(id.region.value, "westeurope");
	assert_null(id.zone.source);
	assert_null(id.lifecycle.source);
}

/* The second address answers where the first refuses, whatever blanks are between. */
static void test_addresses_in_turn(void **state)
{
	static const char *const answers[] = {COMPUTE, NULL};
	struct identity id = {.cloud = CLOUD_AZURE};
	struct server refuses, s;
	struct identity_query *q;
	char urls[200];

	(void)state;
	server_refuse(&refuses);
	server_start(&s, answers);
	snprintf(urls, sizeof(urls), "  %s   %s ", refuses.url, s.url);
	q = start(urls, 5 * NSEC_PER_SEC);
	assert_true(identity_query_wait(q, CLOCK_FOREVER));
	identity_query_merge(q, &id);
	identity_query_free(q);
	server_stop(&s);
	server_stop(&refuses);
	assert_int_equal(id.metadata, METADATA_OK);
}

/* A wait ends at its deadline, free does not sit out the budget, merge before the end is nothing.
 */
static void test_query_left(void **state)
{
	static const char *const answers[] = {SERVER_SILENT, NULL};
	struct identity id = {.cloud = CLOUD_AZURE, .metadata = METADATA_PENDING};
	uint64_t begun = clock_now();
	struct identity_query *q;
	struct server s;

	(void)state;
	server_start(&s, answers);
	q = start(s.url, 60 * NSEC_PER_SEC);
	assert_false(identity_query_wait(q, clock_deadline(50 * NSEC_PER_MSEC)));
	identity_query_merge(q, &id);
	assert_int_equal(id.metadata, METADATA_PENDING);
	identity_query_free(q);
	server_stop(&s);
	assert_in_range(clock_now() - begun, 0, 4 * NSEC_PER_SEC);
	identity_query_free(NULL);
}

static void test_bad_addresses(void **state)
{
	static const char *const bad[] = {"", "  ", "127.0.0.1", "ftp://127.0.0.1",
		"http://a http://b http://c http://d http://e"};
	const struct identity id = {.cloud = CLOUD_EC2};
	const struct settings s = {.metadata_timeout = 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct identity_query *q = NULL;
		struct err e = ERR_INIT;

		setenv(IDENTITY_URL_VARIABLE, bad[i], 1);
		assert_int_equal(identity_query_start(&id, &s, &q, &e), -EINVAL);
		assert_int_equal(e.kind, ERR_CONFIG);
		assert_null(q);
	}
	unsetenv(IDENTITY_URL_VARIABLE);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(metadata_state_name(METADATA_OK), "ok");
	assert_string_equal(metadata_state_name(METADATA_INVALID), "invalid");
	assert_string_equal(cloud_name(CLOUD_GCP), "gcp");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_precedence, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_failure_keeps_facts, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_who_is_asked, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_addresses_in_turn),
		cmocka_unit_test(test_query_left),
		cmocka_unit_test(test_bad_addresses),
		cmocka_unit_test(test_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
