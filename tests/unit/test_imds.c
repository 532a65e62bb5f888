/* SPDX-License-Identifier: Apache-2.0 */
/* The clients of the three clouds, and the table of metadata.h behind them. */
#include "agent/imds.h"
#include "common/clock.h"
#include "common/http.h"
#include "tests/unit/server.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define OK_HEAD   "HTTP/1.0 200 OK\r\n\r\n"
#define STATUS(n) "HTTP/1.1 " #n " X\r\nContent-Length: 0\r\n\r\n"
#define TOKEN     OK_HEAD "c2VjcmV0=="
#define DOCUMENT                                                                                   \
	OK_HEAD "{\"instanceType\":\"c5.large\",\"instanceId\":\"i-01234567\","                    \
		"\"region\":\"eu-west-1\",\"availabilityZone\":\"eu-west-1a\",\"imageId\":null}"
#define CUT "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"

#define MAX_ANSWERS 12
#define SHORT       (600 * NSEC_PER_MSEC)
#define LONG        (20 * NSEC_PER_SEC)

struct course {
	const char *name;
	metadata_fetch_fn *fetch;
	uint64_t budget; /* ns */
	const char *answer[MAX_ANSWERS];
	enum metadata_state state;
	unsigned requests; /* 0: any number */
	const char *type;
	const char *lifecycle;
};

/* clang-format off */
static const struct course courses[] = {
	{"ok", imds_fetch, LONG, {TOKEN, DOCUMENT, OK_HEAD "spot"}, METADATA_OK, 3, "c5.large", "spot"},
	{"no life cycle", imds_fetch, LONG, {TOKEN, DOCUMENT, STATUS(404)}, METADATA_OK, 3, "c5.large", ""},
	{"bad life cycle", imds_fetch, LONG, {TOKEN, DOCUMENT, OK_HEAD "<html>"},
		METADATA_OK, 6, "c5.large", ""},
	{"token expired at once", imds_fetch, LONG, {TOKEN, STATUS(401), TOKEN, DOCUMENT, OK_HEAD "spot"},
		METADATA_OK, 5, "c5.large", "spot"},
	{"401 again after a pause", imds_fetch, LONG,
		{TOKEN, STATUS(401), TOKEN, STATUS(503), STATUS(401), TOKEN, DOCUMENT, OK_HEAD "spot"},
		METADATA_OK, 8, "c5.large", "spot"},
	{"401 twice", imds_fetch, LONG, {TOKEN, STATUS(401), TOKEN, STATUS(401)}, METADATA_DISABLED, 4, "", ""},
	{"401 for the token", imds_fetch, LONG, {STATUS(401)}, METADATA_DISABLED, 1, "", ""},
	{"403 for the token", imds_fetch, LONG, {STATUS(403)}, METADATA_DISABLED, 1, "", ""},
	{"403 for the document", imds_fetch, LONG, {TOKEN, STATUS(403)}, METADATA_DISABLED, 2, "", ""},
	{"405: version 1 only", imds_fetch, LONG, {STATUS(405)}, METADATA_INVALID, 1, "", ""},
	{"400", imds_fetch, LONG, {STATUS(400)}, METADATA_INVALID, 1, "", ""},
	{"302", imds_fetch, LONG, {STATUS(302)}, METADATA_INVALID, 1, "", ""},
	{"404 to the end", imds_fetch, SHORT, {TOKEN, STATUS(404)}, METADATA_ABSENT, 0, "", ""},
	{"404, then 200", imds_fetch, LONG, {TOKEN, STATUS(404), STATUS(404), DOCUMENT, OK_HEAD "on-demand"},
		METADATA_OK, 5, "c5.large", "on-demand"},
	{"429, 503, 500, cut, closed, 200", imds_fetch, LONG,
		{STATUS(429), STATUS(503), TOKEN, STATUS(500), CUT, SERVER_CLOSE, DOCUMENT, STATUS(404)},
		METADATA_OK, 8, "c5.large", ""},
	{"503 to the end", imds_fetch, SHORT, {STATUS(503)}, METADATA_TIMEOUT, 0, "", ""},
	{"cut to the end", imds_fetch, SHORT, {TOKEN, CUT}, METADATA_TIMEOUT, 0, "", ""},
	{"silent to the end", imds_fetch, SHORT, {SERVER_SILENT}, METADATA_TIMEOUT, 1, "", ""},
	{"empty token", imds_fetch, LONG, {STATUS(200)}, METADATA_INVALID, METADATA_SUSPECTS, "", ""},
	{"token that is a page", imds_fetch, LONG, {OK_HEAD "<html>\r\n"}, METADATA_INVALID, METADATA_SUSPECTS, "", ""},
	{"token with a second header", imds_fetch, LONG, {OK_HEAD "abc\r\nX-Evil: 1"},
		METADATA_INVALID, METADATA_SUSPECTS, "", ""},
	{"empty document", imds_fetch, LONG, {TOKEN, STATUS(200)}, METADATA_INVALID, 1 + METADATA_SUSPECTS, "", ""},
	{"garbage", imds_fetch, LONG, {TOKEN, "\x81\x82\r\n\r\n"}, METADATA_INVALID, 1 + METADATA_SUSPECTS, "", ""},
	{"document with no type", imds_fetch, LONG, {TOKEN, OK_HEAD "{\"region\":\"eu-west-1\"}"},
		METADATA_INVALID, 1 + METADATA_SUSPECTS, "", ""},
	{"type that is a path trick", imds_fetch, LONG,
		{TOKEN, OK_HEAD "{\"instanceType\":\"c5 $(x)\",\"instanceId\":\"i\",\"region\":\"r\"}"},
		METADATA_INVALID, 1 + METADATA_SUSPECTS, "", ""},
	{"document that is a list", imds_fetch, LONG, {TOKEN, OK_HEAD "[]"},
		METADATA_INVALID, 1 + METADATA_SUSPECTS, "", ""},
	{"empty, then propagated", imds_fetch, LONG, {TOKEN, STATUS(200), DOCUMENT, OK_HEAD "spot"},
		METADATA_OK, 4, "c5.large", "spot"},
	{"azure", azure_fetch, LONG, {OK_HEAD
		"{\"vmSize\":\"Standard_D2s_v5\",\"vmId\":\"a-b\",\"location\":\"eastus\",\"priority\":\"Low\"}"},
		METADATA_OK, 1, "Standard_D2s_v5", "spot"},
	{"azure, regular", azure_fetch, LONG, {STATUS(410), OK_HEAD
		"{\"vmSize\":\"Standard_D2s_v5\",\"vmId\":\"a-b\",\"location\":\"eastus\",\"priority\":\"\"}"},
		METADATA_OK, 2, "Standard_D2s_v5", "on-demand"},
	{"azure, no size", azure_fetch, LONG, {OK_HEAD "{}"}, METADATA_INVALID, METADATA_SUSPECTS, "", ""},
	{"azure, 401", azure_fetch, LONG, {STATUS(401)}, METADATA_DISABLED, 1, "", ""},
	{"gcp", gcp_fetch, LONG, {OK_HEAD
		"{\"id\":42,\"machineType\":\"projects/1/machineTypes/n2-standard-4\","
		"\"zone\":\"projects/1/zones/us-central1-a\",\"scheduling\":{\"preemptible\":\"FALSE\"}}"},
		METADATA_OK, 1, "n2-standard-4", "on-demand"},
	{"gcp, zone of no region", gcp_fetch, LONG, {OK_HEAD
		"{\"id\":42,\"machineType\":\"n2-standard-4\",\"zone\":\"nowhere\"}"},
		METADATA_INVALID, METADATA_SUSPECTS, "", ""},
	{"gcp, id that is none", gcp_fetch, LONG, {OK_HEAD
		"{\"id\":\"42\",\"machineType\":\"n2-standard-4\",\"zone\":\"a-b-c\"}"},
		METADATA_INVALID, METADATA_SUSPECTS, "", ""},
};
/* clang-format on */

static void run_course(const struct course *c)
{
	struct metadata m = {0};
	struct err e = ERR_INIT;
	enum metadata_state got;
	struct server s;

	server_start(&s, c->answer);
	const char *const base[] = {s.url, NULL};
	const struct metadata_endpoint at = {.base = base, .deadline = clock_deadline(c->budget)};
	got = c->fetch(&at, &m, &e);
	server_stop(&s);
	if (got != c->state || (c->requests && s.requests != c->requests))
		fail_msg("%s: %s after %u requests: %s", c->name, metadata_state_name(got),
			s.requests, e.msg);
	assert_string_equal(m.instance_type, c->type);
	assert_string_equal(m.lifecycle, c->lifecycle);
	assert_null(strstr(e.msg, "c2VjcmV0"));
	if (got != METADATA_OK)
		assert_non_null(strstr(e.msg, s.url));
}

static void test_courses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(courses); i++)
		run_course(&courses[i]);
}

static void test_unreachable(void **state)
{
	struct metadata m = {0};
	struct err e = ERR_INIT;
	uint64_t begun = clock_now();
	struct server s;

	(void)state;
	server_refuse(&s);
	const char *const base[] = {s.url, "http://255.255.255.255", NULL};
	const struct metadata_endpoint at = {.base = base, .deadline = clock_deadline(SHORT)};
	assert_int_equal(imds_fetch(&at, &m, &e), METADATA_UNREACHABLE);
	server_stop(&s);
	assert_int_equal(e.kind, ERR_TRANSIENT);
	assert_in_range(clock_now() - begun, SHORT - NSEC_PER_MSEC, SHORT + 500 * NSEC_PER_MSEC);
}

static void test_no_time(void **state)
{
	static const char *const base[] = {"http://127.0.0.1:1", NULL};
	const struct metadata_endpoint at = {.base = base, .deadline = clock_now()};
	struct metadata m = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(gcp_fetch(&at, &m, &e), METADATA_TIMEOUT);
	assert_int_equal(e.kind, ERR_TRANSIENT);
}

static void test_details(void **state)
{
	static const char *const azure[] = {OK_HEAD
		"{\"vmSize\":\"S\",\"vmId\":\"a\",\"location\":\"westeurope\",\"zone\":\"2\","
		"\"storageProfile\":{\"imageReference\":{\"id\":\"\",\"publisher\":\"p\","
		"\"offer\":\"o\",\"sku\":\"s\",\"version\":\"1.0\"}}}",
		NULL};
	static const char *const gcp[] = {OK_HEAD
		"{\"id\":42,\"machineType\":\"a/n2\",\"zone\":\"a/us-central1-a\","
		"\"image\":\"projects/x/global/images/debian-12\"}",
		NULL};
	struct metadata m = {0};
	struct err e = ERR_INIT;
	struct server s;
	const char *base[] = {s.url, NULL};
	struct metadata_endpoint at = {.base = base, .deadline = clock_deadline(LONG)};

	(void)state;
	server_start(&s, azure);
	assert_int_equal(azure_fetch(&at, &m, &e), METADATA_OK);
	server_stop(&s);
	assert_string_equal(m.zone, "westeurope-2");
	assert_string_equal(m.image_id, "p:o:s:1.0");
	assert_non_null(strstr(s.last, "\r\nMetadata: true\r\n"));
	server_start(&s, gcp);
	assert_int_equal(gcp_fetch(&at, &m, &e), METADATA_OK);
	server_stop(&s);
	assert_string_equal(m.region, "us-central1");
	assert_string_equal(m.instance_id, "42");
	assert_string_equal(m.image_id, "debian-12");
	assert_non_null(strstr(s.last, "\r\nMetadata-Flavor: Google\r\n"));
}

/* One token for all until 80 % of its life; the old one is kept where none is given out. */
static void test_token(void **state)
{
	static const char *const answers[] = {TOKEN, OK_HEAD "bmV3", STATUS(403), NULL};
	auto_imds_token struct imds_token token = {.header = ""};
	struct metadata_client c;
	struct err e = ERR_INIT;
	struct server s;
	const char *base[] = {s.url, NULL};
	const struct metadata_endpoint at = {.base = base, .deadline = clock_deadline(LONG)};

	(void)state;
	server_start(&s, answers);
	imds_client(&c, &at, &token);
	for (int i = 0; i < 5; i++)
		assert_int_equal(imds_ready(&c, &e), METADATA_OK);
	assert_string_equal(token.header, "X-aws-ec2-metadata-token: c2VjcmV0==");
	assert_in_range(clock_left(token.renew_at) / NSEC_PER_SEC, 17200, 17280);
	token.renew_at = clock_now();
	assert_int_equal(imds_ready(&c, &e), METADATA_OK);
	assert_string_equal(token.header, "X-aws-ec2-metadata-token: bmV3");
	token.renew_at = clock_now();
	for (int i = 0; i < 5; i++)
		assert_int_equal(imds_ready(&c, &e), METADATA_OK);
	assert_string_equal(token.header, "X-aws-ec2-metadata-token: bmV3");
	imds_token_wipe(&token);
	assert_string_equal(token.header, "");
	assert_int_equal(imds_ready(&c, &e), METADATA_DISABLED);
	server_stop(&s);
	assert_int_equal(s.requests, 4);
	assert_non_null(strstr(s.last, "X-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"));
}

static int take_word(const struct buf *body, void *ctx, struct err *e)
{
	return metadata_value(buf_str(body), ctx, IDENTITY_TEXT)
		       ? 0
		       : err_set(e, ERR_DATA, EPROTO, "no word");
}

/* One request whatever comes, and one more with a new token. */
static void test_once(void **state)
{
	static const struct {
		const char *answer[4];
		enum metadata_state state;
		unsigned requests;
	} row[] = {
		{{STATUS(503)}, METADATA_TIMEOUT, 1},
		{{STATUS(404)}, METADATA_ABSENT, 1},
		{{STATUS(403)}, METADATA_DISABLED, 1},
		{{STATUS(200)}, METADATA_INVALID, 1},
		{{CUT}, METADATA_TIMEOUT, 1},
		{{"\x81\r\n\r\n"}, METADATA_INVALID, 1},
		{{STATUS(401), TOKEN, OK_HEAD "spot"}, METADATA_OK, 3},
		{{STATUS(401), TOKEN, STATUS(401)}, METADATA_DISABLED, 3},
		{{STATUS(401), TOKEN, STATUS(503)}, METADATA_DISABLED, 3},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		auto_imds_token struct imds_token token = {.header = "X-old: x"};
		char found[IDENTITY_TEXT] = "";
		const char *const headers[] = {token.header, NULL};
		const struct metadata_want want = {
			.method = "GET",
			.path = "/x",
			.headers = headers,
			.request_ns = METADATA_REQUEST,
			.max_body = 100,
			.take = take_word,
			.ctx = found,
			.once = true,
		};
		struct metadata_client c;
		struct err e = ERR_INIT;
		enum metadata_state got;
		struct server s;

		server_start(&s, row[i].answer);
		const char *const base[] = {s.url, NULL};
		const struct metadata_endpoint at = {
			.base = base, .deadline = clock_deadline(LONG)};
		imds_client(&c, &at, &token);
		got = metadata_ask(&c, &want, &e);
		server_stop(&s);
		if (got != row[i].state || s.requests != row[i].requests)
			fail_msg("row %zu: %s after %u requests: %s", i, metadata_state_name(got),
				s.requests, e.msg);
	}
}

static void test_stopped(void **state)
{
	static const char *const answers[] = {SERVER_SILENT, NULL};
	static atomic_bool stop = true;
	uint64_t begun = clock_now();
	struct metadata m = {0};
	struct err e = ERR_INIT;
	struct http_response r;
	struct server s;

	(void)state;
	server_start(&s, answers);
	const char *const base[] = {s.url, NULL};
	const struct metadata_endpoint at = {
		.base = base, .deadline = clock_deadline(LONG), .stop = &stop};
	assert_int_equal(azure_fetch(&at, &m, &e), METADATA_TIMEOUT);
	assert_int_equal(http_call(&(struct http_request){.method = "GET",
					   .url = s.url,
					   .connect_ns = LONG,
					   .deadline = clock_deadline(LONG),
					   .max_body = 1,
					   .stop = &stop},
				 &r, &e),
		-ECANCELED);
	assert_int_equal(e.kind, ERR_TRANSIENT);
	http_response_free(&r);
	server_stop(&s);
	assert_in_range(clock_now() - begun, 0, 4 * NSEC_PER_SEC);
}

static void test_value(void **state)
{
	char out[8];

	(void)state;
	assert_true(metadata_value("a-Z.9/_", out, sizeof(out)));
	assert_string_equal(out, "a-Z.9/_");
	assert_false(metadata_value("12345678", out, sizeof(out)));
	assert_string_equal(out, "");
	assert_false(metadata_value("", out, sizeof(out)));
	assert_false(metadata_value(NULL, out, sizeof(out)));
	assert_false(metadata_value("a b", out, sizeof(out)));
	assert_false(metadata_value("a\n", out, sizeof(out)));
	assert_false(metadata_value("\xc3\xa4", out, sizeof(out)));
}

static int setup(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	return http_setup(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_courses),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_no_time),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_value),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, NULL);
}
