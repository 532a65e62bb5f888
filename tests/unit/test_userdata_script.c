/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/userdata_script.h"

#include "common/clock.h"
#include "common/num.h"
#include "common/proc.h"
#include "controller/machine/userdata.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define SUM "00010203040506070809fafbfcfdfeff00112233445566778899aabbccddeeff"

static const struct userdata_archive two[] = {
	{.app = "octave", .key = "c5n", .arch = "x86_64", .march = "skylake-avx512", .digest = SUM},
	{.app = "tool", .key = "c5n", .arch = "x86_64", .march = "skylake-avx512", .digest = SUM},
};

static struct userdata_script sample(const struct userdata_rpm *rpm)
{
	return (struct userdata_script){.project = "try",
		.url = "https://example.org/x",
		.rpm = rpm,
		.n_rpms = 1,
		.archive = two,
		.n_archives = ARRAY_LEN(two)};
}

/* What bash makes of the values: it stops before the body. */
static void values(const struct scratch *t, const char *script, struct buf *out)
{
	static const char print[] = "\nprintf '%s\\0' \"$url\" \"$rpm_x86_64\" \"$sum_x86_64\" "
				    "\"$list\"\n";
	const char *body = strstr(script, "\nset -uo pipefail\n");
	char path[128];
	const char *const argv[] = {"bash", path, NULL};
	const struct proc_request r = {.argv = argv, .deadline = clock_deadline(60 * NSEC_PER_SEC)};
	auto_buf struct buf head = BUF_INIT(KIB * 64);
	struct err e = ERR_INIT;
	int status = -1;

	assert_non_null(body);
	assert_int_equal(buf_add(&head, script, (size_t)(body - script)), 0);
	assert_int_equal(buf_adds(&head, print), 0);
	scratch_write(t, "head", head.data);
	snprintf(path, sizeof(path), "%s/head", t->path);
	assert_int_equal(proc_run(&r, out, &status, &e), 0);
	assert_int_equal(status, 0);
}

static const char *next(const char *text)
{
	return text + strlen(text) + 1;
}

static void test_values(void **state)
{
	static const struct {
		const char *url, *rpm;       /* given */
		const char *said, *said_rpm; /* found */
	} cases[] = {
		{"https://example.org/x", "agent.rpm", "https://example.org/x", "agent.rpm"},
		{"https://example.org/x/", "a+b c.rpm", "https://example.org/x", "a%2Bb%20c.rpm"},
		{"s3://bucket/a+b/", "a+b c.rpm", "s3://bucket/a+b", "a+b c.rpm"},
		{"s3://b/'\"$(touch$IFS/oops)`id`;&|<>\\!*", "'$(id)'\"`id`\\.rpm",
			"s3://b/'\"$(touch$IFS/oops)`id`;&|<>\\!*", "'$(id)'\"`id`\\.rpm"},
		{"https://b/it's", "it's.rpm", "https://b/it's", "it%27s.rpm"},
		{"http://127.0.0.1:8080/x", "#?&.rpm", "http://127.0.0.1:8080/x", "%23%3F%26.rpm"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct userdata_rpm rpm = {
			.arch = "x86_64", .name = cases[i].rpm, .digest = SUM};
		struct userdata_script u = sample(&rpm);
		auto_buf struct buf text = BUF_INIT(USERDATA_MAX), out = BUF_INIT(64 * KIB);
		struct err e = ERR_INIT;
		const char *found;

		u.url = cases[i].url;
		assert_int_equal(userdata_script_make(&u, &text, &e), 0);
		values(*state, text.data, &out);
		assert_string_equal(out.data, cases[i].said);
		found = next(out.data);
		assert_string_equal(found, cases[i].said_rpm);
		found = next(found);
		assert_string_equal(found, SUM);
		/* One line for the key; digests as base64 without its '='. */
		assert_string_equal(next(found),
			"- c5n x86_64 skylake-avx512\n"
			"octave AAECAwQFBgcICfr7/P3+/wARIjNEVWZ3iJmqu8zd7v8\n"
			"tool AAECAwQFBgcICfr7/P3+/wARIjNEVWZ3iJmqu8zd7v8");
	}
}

static void test_urls(void **state)
{
	static const char *const good[] = {"https://x", "https://x/", "https://x:8443/a%20b/@/c",
		"s3://bucket", "s3://bucket/a/b/", "http://localhost:1/x", "http://[::1]:80/",
		"http://127.0.0.1"};
	static const char *const bad[] = {"", "x", "/x", "https://", "https:///x", "s3://",
		"s3:///x", "http://x", "http://10.0.0.1/", "http://127.0.0.1.x/",
		"http://u@127.0.0.1/", "https://u:p@x/", "https://x/?a", "https://x/#a",
		"https://x/a b", "https://x/\n", "https://x/\xc3\xa4", "ftp://x", "file:///x",
		"HTTPS://x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(userdata_script_url(good[i], &e), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(userdata_script_url(bad[i], &e), -EINVAL);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

/* What would be read as something else in the list. */
static void test_refuses(void **state)
{
	static const struct userdata_archive odd[] = {
		{.app = "a'b", .key = "c5", .arch = "x86_64", .march = "", .digest = SUM},
		{.app = "-", .key = "c5", .arch = "x86_64", .march = "", .digest = SUM},
		{.app = "a b", .key = "c5", .arch = "x86_64", .march = "", .digest = SUM},
		{.app = "", .key = "c5", .arch = "x86_64", .march = "", .digest = SUM},
		{.app = "a", .key = "c5\n", .arch = "x86_64", .march = "", .digest = SUM},
		{.app = "a", .key = "", .arch = "x86_64", .march = "", .digest = SUM},
		{.app = "a", .key = "c5", .arch = "$x", .march = "", .digest = SUM},
		{.app = "a", .key = "c5", .arch = "x86_64", .march = "a b", .digest = SUM},
		{.app = "a", .key = "c5", .arch = "x86_64", .march = "", .digest = "abc"},
		{.app = "a", .key = "c5", .arch = "x86_64", .march = "", .digest = ""},
	};
	static const struct userdata_rpm rpms[] = {
		{.arch = "x86_64", .name = "a\nb.rpm", .digest = SUM},
		{.arch = "x86_64", .name = "\xc3\xa4.rpm", .digest = SUM},
		{.arch = "x86_64", .name = "a.rpm", .digest = "0"},
	};
	const struct userdata_rpm rpm = {.arch = "x86_64", .name = "a.rpm", .digest = SUM};
	auto_buf struct buf text = BUF_INIT(USERDATA_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		struct userdata_script u = sample(&rpm);
		struct err e = ERR_INIT;

		u.archive = &odd[i];
		u.n_archives = 1;
		assert_int_equal(userdata_script_make(&u, &text, &e), -EINVAL);
	}
	for (size_t i = 0; i < ARRAY_LEN(rpms); i++) {
		struct userdata_script u = sample(&rpms[i]);
		struct err e = ERR_INIT;

		assert_int_equal(userdata_script_make(&u, &text, &e), -EINVAL);
	}
	assert_int_equal(text.len, 0);
}

/* Apps for targets, as a project has them; 200 archives fit, and what does not says by how much. */
static void test_size(void **state)
{
	static const char *const keys[] = {"c5.18xlarge", "c5n.18xlarge", "c6i.32xlarge",
		"c7i.48xlarge", "c6a.48xlarge", "c7a.48xlarge", "c6g.16xlarge", "c7g.16xlarge",
		"c8g.48xlarge", "hpc7a.96xlarge", "hpc7g.16xlarge", "m7a.48xlarge", "m7i.48xlarge",
		"r7iz.32xlarge", "skylake-avx512", "sapphirerapids", "icelake-server", "x86-64-v3",
		"x86-64-v2", "neoverse-512tvb"};
	const struct userdata_rpm rpms[] = {
		{.arch = "x86_64", .name = "shared-prep-0.1.0-1.x86_64.rpm", .digest = SUM},
		{.arch = "aarch64", .name = "shared-prep-0.1.0-1.aarch64.rpm", .digest = SUM},
	};
	struct userdata_archive all[400];
	char app[20][16];
	struct userdata_script u = sample(rpms);
	auto_buf struct buf text = BUF_INIT(USERDATA_MAX);
	struct err e = ERR_INIT;
	char over[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		snprintf(app[i % 20], sizeof(app[0]), "app%zu-of20", i % 20);
		all[i] = (struct userdata_archive){.app = app[i % 20],
			.key = keys[i / 10 % 20],
			.arch = "x86_64",
			.march = "skylake-avx512",
			.digest = SUM};
	}
	u.url = "https://shared-prep-images.s3.eu-central-1.amazonaws.com/octave/2026-11-26/default/";
	u.n_rpms = 2;
	u.mime = true;
	u.archive = all;
	u.n_archives = 200;
	assert_int_equal(userdata_script_make(&u, &text, &e), 0);
	print_message("200 archives: %zu bytes\n", text.len);
	buf_reset(&text);
	u.n_archives = 400;
	assert_int_equal(userdata_script_make(&u, &text, &e), -EFBIG);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_int_equal(text.len, 0);
	snprintf(over, sizeof(over), " is %lu over ",
		strtoul(strstr(e.msg, "user data of ") + 13, NULL, 10) - USERDATA_MAX);
	assert_non_null(strstr(e.msg, over));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_size),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
