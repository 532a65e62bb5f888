/* SPDX-License-Identifier: Apache-2.0 */
/* Files of profiles and what they say of regions and addresses. botocore is the judge of the rest
 * (tests/aws). */
#include "common/http.h"
#include "controller/aws/endpoint.h"
#include "controller/aws/transport.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void load(
	const struct scratch *t, const char *config, struct profiles *ret, struct err *e, int rc)
{
	char home[128];
	const char *env[] = {home, NULL};

	snprintf(home, sizeof(home), "HOME=%s", t->path);
	scratch_write(t, ".aws/config", config);
	if (profiles_load(env, NULL, ret, e) != rc)
		fail_msg("%s", e->msg);
}

static void test_names(void **state)
{
	static const char config[] = "[profile a]\nk=1\n[profile 'b c']\nK = 2\n[profilex d]\nk=3\n"
				     "[a]\nk=4\n[profile e f]\nk=5\n[default]\nk=6\n"
				     "[profile \"default\"]\nk=7\n[services s]\nec2 =\n  k = 8\n"
				     "  k = 9\n[sso-session x]\nk=10\n[profile \"\"]\nk=11\n";
	auto_profiles struct profiles p = {0};
	struct err e = ERR_INIT;

	load(*state, config, &p, &e, 0);
	assert_string_equal(profiles_get(&p, "a", "k"), "1");
	assert_string_equal(profiles_get(&p, "b c", "k"), "2");
	assert_string_equal(profiles_get(&p, "d", "k"), "3");
	assert_false(profiles_have(&p, "e"));
	assert_false(profiles_have(&p, "f"));
	assert_string_equal(profiles_get(&p, "default", "k"), "7");
	assert_string_equal(profiles_get_service(&p, "s", "ec2", "k"), "9");
	assert_null(profiles_get_service(&p, "s", "s3", "k"));
	assert_null(profiles_get_service(&p, "t", "ec2", "k"));
	assert_string_equal(profiles_get_session(&p, "x", "k"), "10");
	assert_string_equal(profiles_get(&p, "", "k"), "11");
	assert_null(profiles_get(&p, "a", "other"));
}

static const struct {
	const char *config, *says;
} wrong[] = {
	{"k = SEKRET\n", ":1: this stands before"},
	{"[a]\nk=1\n[a]\n", ":3: this section"},
	{"[a]\nk=1\nK=SEKRET\n", ":3: this key"},
	{"[a]\n\nSEKRET\n", ":3: neither"},
	{"[a]\n= SEKRET\n", ":2: no key"},
	{"[a]\ns3 =\n  SEKRET\n", "no '='"},
	{"[a]\nk=\xff\n", "UTF-8"},
	{"[a]\nk=\xe0\x80\x80\n", "UTF-8"},
};

static void test_wrong(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct profiles p = {0};
		struct err e = ERR_INIT;

		load(*state, wrong[i].config, &p, &e, -EINVAL);
		assert_int_equal(e.kind, ERR_CONFIG);
		if (!strstr(e.msg, wrong[i].says) || strstr(e.msg, "SEKRET") ||
			!strstr(e.msg, "/.aws/config"))
			fail_msg("row %zu: %s", i, e.msg);
	}
}

static void test_limit(void **state)
{
	auto_buf struct buf text = BUF_INIT(INI_FILE_MAX + 1);
	struct profiles p = {0};
	struct err e = ERR_INIT;

	assert_int_equal(buf_adds(&text, "[a]\n"), 0);
	for (int i = 0; i <= INI_ENTRIES_MAX; i++)
		assert_int_equal(buf_addf(&text, "k%d=\n", i), 0);
	load(*state, buf_str(&text), &p, &e, -EINVAL);
	assert_non_null(strstr(e.msg, "too many"));
	while (text.len <= INI_FILE_MAX)
		assert_int_equal(buf_adds(&text, "#"), 0);
	load(*state, buf_str(&text), &p, &e, -EFBIG);
}

static void test_no_home(void **state)
{
	const char *none[] = {NULL};
	const char *config[] = {"AWS_CONFIG_FILE=~/x", NULL};
	auto_profiles struct profiles p = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(profiles_load(none, NULL, &p, &e), 0);
	assert_string_equal(p.name, "default");
	assert_int_equal(profiles_load(config, NULL, &p, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "HOME"));
	assert_int_equal(profiles_load(none, "x", &p, &e), -ENOENT);
}

static void test_region(void **state)
{
	static const struct {
		const char *env[3];
		const char *region; /* NULL: refused */
	} row[] = {
		{{"AWS_REGION=a-1", "AWS_DEFAULT_REGION=b-1"}, "a-1"},
		{{"AWS_DEFAULT_REGION=b-1"}, "b-1"},
		{{"AWS_REGION="}, "c-1"},
		{{NULL}, "c-1"},
		{{"AWS_REGION=a.example.com/x"}, NULL},
		{{"AWS_REGION=-a"}, NULL},
	};
	auto_profiles struct profiles p = {0};
	struct profiles empty = {0};
	struct err e = ERR_INIT;
	char region[ENDPOINT_REGION_MAX];

	load(*state, "[default]\nregion = c-1\n", &p, &e, 0);
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		int rc = endpoint_region(row[i].env, &p, region, &e);

		assert_int_equal(rc, row[i].region ? 1 : -EINVAL);
		if (row[i].region)
			assert_string_equal(region, row[i].region);
	}
	assert_int_equal(endpoint_region(row[3].env, &empty, region, &e), 0);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *env[4];
		const char *region, *url; /* NULL: refused */
		const char *says;
	} row[] = {
		{{NULL}, "eu-west-1", "https://ec2.eu-west-1.amazonaws.com", NULL},
		{{"AWS_ENDPOINT_URL=https://a:1/x/"}, "eu-west-1", "https://a:1/x", NULL},
		{{"AWS_ENDPOINT_URL=http://127.0.0.1:5000"}, "eu-west-1", "http://127.0.0.1:5000",
			NULL},
		{{"AWS_ENDPOINT_URL=http://[::1]:5000"}, "eu-west-1", "http://[::1]:5000", NULL},
		{{"AWS_ENDPOINT_URL=http://10.0.0.1"}, "eu-west-1", NULL, "https://"},
		{{"AWS_ENDPOINT_URL=http://127.0.0.1.example.com"}, "eu-west-1", NULL, "https://"},
		{{"AWS_ENDPOINT_URL=http://localhost:x@example.com"}, "eu-west-1", NULL,
			"https://"},
		{{"AWS_ENDPOINT_URL=ftp://127.0.0.1"}, "eu-west-1", NULL, "https://"},
		{{"AWS_ENDPOINT_URL=https://a?b"}, "eu-west-1", NULL, "address"},
		{{"AWS_ENDPOINT_URL=https://a", "AWS_USE_FIPS_ENDPOINT=TRUE"}, "eu-west-1", NULL,
			"exclude"},
		{{NULL}, "us-iso-east-1", NULL, "'us-iso-east-1'"},
		{{NULL}, "eusc-de-east-1", NULL, "partition"},
		{{"AWS_USE_FIPS_ENDPOINT=true"}, "cn-north-1", NULL, "FIPS"},
		{{NULL}, "a/b", NULL, "'a/b'"},
		{{"AWS_PROFILE=s"}, "eu-west-1", NULL, "[services nowhere]"},
	};
	char path[128], file[160];
	const struct scratch *t = *state;

	scratch_write(t, "conf", "[profile s]\nservices=nowhere\n");
	snprintf(path, sizeof(path), "%s/conf", t->path);
	snprintf(file, sizeof(file), "AWS_CONFIG_FILE=%s", path);
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		const char *env[5] = {file, row[i].env[0], row[i].env[1], NULL};
		auto_profiles struct profiles p = {0};
		struct err e = ERR_INIT;
		struct endpoint at;
		int rc;

		assert_int_equal(profiles_load(env, NULL, &p, &e), 0);
		rc = endpoint_resolve(env, &p, ENDPOINT_EC2, row[i].region, &at, &e);
		if ((rc == 0) != (row[i].url != NULL))
			fail_msg("row %zu: %s", i, rc < 0 ? e.msg : at.url);
		if (rc == 0)
			assert_string_equal(at.url, row[i].url);
		else if (e.kind != ERR_CONFIG || !strstr(e.msg, row[i].says))
			fail_msg("row %zu: %s", i, e.msg);
	}
}

static void test_transport(void **state)
{
	const char *env[] = {"HTTPS_PROXY=http://p:1", "http_proxy=http://q:1",
		"HTTP_PROXY=http://r:1", "no_proxy=.x", NULL};
	const char *bundle[] = {"AWS_CA_BUNDLE=/b.pem", NULL};
	struct http_request r = {.url = "https://a"};
	auto_profiles struct profiles p = {0};
	struct err e = ERR_INIT;

	load(*state, "[default]\nca_bundle = /a.pem\n", &p, &e, 0);
	transport_set(env, &p, &r);
	assert_string_equal(r.proxy, "http://p:1");
	assert_string_equal(r.no_proxy, ".x");
	assert_string_equal(r.ca_file, "/a.pem");
	r.url = "http://a";
	transport_set(env, &p, &r);
	assert_string_equal(r.proxy, "http://q:1");
	transport_set(bundle, &p, &r);
	assert_null(r.proxy);
	assert_string_equal(r.ca_file, "/b.pem");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names),
		TEST(test_wrong),
		TEST(test_limit),
		TEST(test_no_home),
		TEST(test_region),
		TEST(test_addresses),
		TEST(test_transport),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
