/* SPDX-License-Identifier: Apache-2.0 */
/* Calls against a server that answers what it is told: what is sent, what is tried again, and what
 * an answer that is no success means. moto is the judge of the rest (tests/aws). */
#include "common/clock.h"
#include "common/num.h"
#include "controller/aws/sts.h"
#include "tests/unit/aws_client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define LONG (60 * NSEC_PER_SEC)

#define OK   "HTTP/1.0 200 OK\r\nx-amzn-RequestId: 1\r\n\r\n<r/>"
#define PAGE "HTTP/1.1 500 X\r\nContent-Length: 26\r\n\r\n<!doctype html><html></htm"
#define STS(status, head, code)                                                                    \
	ANSWER(status, head,                                                                       \
		"<ErrorResponse xmlns=\"https://x\"><Error><Type>Sender</Type><Code>" code         \
		"</Code><Message>TOKEN/1</Message></Error></ErrorResponse>")
#define JSON(status, head, body) ANSWER(status, head, body)

/* clang-format off */
static const struct {
	const char *name;
	const char *answer[8];
	enum err_kind kind; /* ERR_NONE: it succeeds */
	const char *code, *says;
	unsigned requests;
} row[] = {
	{"good", {OK}, ERR_NONE, "", "", 1},
	{"pages, then good", {PAGE, PAGE, OK}, ERR_NONE, "", "", 3},
	{"closed, cut, then good", {SERVER_CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<", OK},
		ERR_NONE, "", "", 3},
	{"throttled in three ways, then good", {EC2(503, "RequestLimitExceeded"), STS(400, "", "Throttling"),
		JSON(400, "", "{\"__type\":\"ThrottlingException\"}"), OK}, ERR_NONE, "", "", 4},
	{"status 429, then good", {ANSWER(429, "", "slow"), OK}, ERR_NONE, "", "", 2},
	{"unavailable to the end", {EC2(503, "Unavailable")}, ERR_TRANSIENT, "Unavailable",
		"ec2 Do: Unavailable: it says <so> here", CALL_TRIES},
	{"closed to the end", {SERVER_CLOSE}, ERR_TRANSIENT, "", "ec2 Do at 'http://127", CALL_TRIES},
	{"not found", {EC2(400, "InvalidInstanceID.NotFound")}, ERR_REMOTE, "InvalidInstanceID.NotFound",
		"InvalidInstanceID.NotFound: it says", 1},
	{"not allowed", {EC2(403, "UnauthorizedOperation")}, ERR_REMOTE, "UnauthorizedOperation", "", 1},
	{"dry run", {EC2(412, "DryRunOperation")}, ERR_REMOTE, "DryRunOperation", "", 1},
	{"no capacity: the caller goes elsewhere", {EC2(500, "InsufficientInstanceCapacity")}, ERR_TRANSIENT,
		"InsufficientInstanceCapacity", "", 1},
	{"unknown key", {STS(403, "", "InvalidClientTokenId")}, ERR_CONFIG, "InvalidClientTokenId", "", 1},
	{"S3", {ANSWER(404, "", "<Error><Code>NoSuchKey</Code></Error>")}, ERR_REMOTE, "NoSuchKey", "", 1},
	{"JSON", {JSON(400, "", "{\"__type\":\"com.amazonaws.ssm#ParameterNotFound\",\"message\":\"m\"}")},
		ERR_REMOTE, "ParameterNotFound", "ParameterNotFound: m", 1},
	{"REST-JSON", {JSON(400, "x-amzn-ErrorType: ClientException:http://x/\r\n", "{\"Message\":\"m\"}")},
		ERR_REMOTE, "ClientException", "ClientException: m", 1},
	{"truncated XML", {ANSWER(400, "", "<Response><Errors><Error><Code>Inv")}, ERR_REMOTE, "",
		"status 400 without", 1},
	{"XML with a DOCTYPE", {ANSWER(400, "", "<!DOCTYPE r [<!ENTITY a 'b'>]><Error><Code>Some</Code></Error>")},
		ERR_REMOTE, "", "status 400 without", 1},
	{"a page of 400", {ANSWER(400, "", "<html><p></html>")}, ERR_REMOTE, "", "status 400 without", 1},
	{"an empty 403", {ANSWER(403, "", "")}, ERR_REMOTE, "", "status 403 without", 1},
	{"a redirect", {ANSWER(301, "Location: http://127.0.0.1:1/\r\n", "")}, ERR_REMOTE, "", "status 301", 1},
	{"a signature that is wrong", {STS(403, "", "SignatureDoesNotMatch")}, ERR_CONFIG, "SignatureDoesNotMatch",
		"SignatureDoesNotMatch", 1},
	{"a clock that is wrong", {STS(403, "Date: Sat, 31 Jan 2037 00:00:00 GMT\r\n", "RequestTimeTooSkewed"), OK},
		ERR_NONE, "", "", 2},
	{"a clock that stays wrong", {STS(403, "Date: Sat, 31 Jan 2037 00:00:00 GMT\r\n", "RequestTimeTooSkewed")},
		ERR_CONFIG, "RequestTimeTooSkewed", "", 2},
	{"a clock without a date", {STS(403, "", "RequestTimeTooSkewed")}, ERR_CONFIG, "RequestTimeTooSkewed", "", 1},
	{"a token that has run out, then good", {STS(403, "", "ExpiredToken"), OK}, ERR_NONE, "", "", 2},
	{"a token that has run out", {STS(403, "", "ExpiredToken")}, ERR_CONFIG, "ExpiredToken", "", 2},
	{"no HTTP", {"\x81\r\n\r\n"}, ERR_DATA, "", "ec2 Do at", 1},
};
/* clang-format on */

static int ask(struct fixture *f, uint64_t deadline, struct fault *ret_fault, struct err *e)
{
	auto_http_response struct http_response r = {0};

	return call(&f->client,
		&(struct call){.service = ENDPOINT_EC2,
			.action = "Do",
			.type = "text/x",
			.body = "a=1",
			.body_len = 3,
			.deadline = deadline},
		&r, ret_fault, e);
}

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct err e = ERR_INIT;
		struct fixture f;
		struct fault fault;
		struct server s;
		int rc;

		server_start(&s, row[i].answer);
		fixture_start(&f, s.url);
		rc = ask(&f, clock_deadline(LONG), &fault, &e);
		server_stop(&s);
		if ((rc == 0) != (row[i].kind == ERR_NONE) || e.kind != row[i].kind ||
			s.requests != row[i].requests)
			fail_msg("%s: %d, kind %d, %u requests: %s", row[i].name, rc, e.kind,
				s.requests, e.msg);
		assert_string_equal(rc < 0 ? fault.code : "", row[i].code);
		if (!strstr(e.msg, row[i].says) || strchr(e.msg, '\n') || strstr(e.msg, "SEKRET"))
			fail_msg("%s: %s", row[i].name, e.msg);
		if (strstr(row[i].code, "Signature"))
			assert_null(strstr(e.msg, "TOKEN/1"));
		fixture_end(&f);
	}
}

/* What has just been made may not be known yet, and what had no answer may have been done. */
static void test_new_and_unsure(void **state)
{
	static const struct {
		const char *answer[4];
		bool names_new, once, unsure;
		unsigned requests;
		int rc;
	} unanswered[] = {
		{{EC2(400, "InvalidGroup.NotFound"), OK}, true, false, false, 2, 0},
		{{EC2(400, "InvalidGroup.NotFound")}, false, false, false, 1, -EREMOTEIO},
		{{EC2(400, "InvalidGroup.Duplicate")}, true, false, false, 1, -EREMOTEIO},
		{{PAGE, EC2(400, "InvalidGroup.Duplicate")}, true, false, true, 2, -EREMOTEIO},
		{{SERVER_CLOSE, EC2(403, "UnauthorizedOperation")}, false, false, true, 2,
			-EREMOTEIO},
		{{EC2(503, "RequestLimitExceeded"), OK}, false, false, false, 2, 0},
		/* What is not to be done twice. */
		{{PAGE, OK}, false, true, true, 1, -EREMOTEIO},
		{{SERVER_CLOSE, OK}, false, true, true, 1, -EPIPE},
		{{EC2(503, "RequestLimitExceeded"), OK}, false, true, false, 2, 0},
		{{EC2(400, "InvalidVolume.NotFound"), OK}, true, true, false, 2, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(unanswered); i++) {
		struct call c = {.service = ENDPOINT_EC2,
			.action = "Do",
			.names_new = unanswered[i].names_new,
			.once = unanswered[i].once,
			.deadline = clock_deadline(LONG)};
		auto_http_response struct http_response r = {0};
		struct err e = ERR_INIT;
		struct fixture f;
		struct fault fault;
		struct server s;

		server_start(&s, unanswered[i].answer);
		fixture_start(&f, s.url);
		assert_int_equal(call(&f.client, &c, &r, &fault, &e), unanswered[i].rc);
		server_stop(&s);
		assert_int_equal(s.requests, unanswered[i].requests);
		assert_int_equal(f.client.unsure, unanswered[i].unsure);
		fixture_end(&f);
	}
}

static void test_request(void **state)
{
	static const char *const answers[] = {OK, NULL};
	auto_http_response struct http_response r = {0};
	struct err e = ERR_INIT;
	struct fault fault;
	struct fixture f;
	struct server s;
	struct call c = {
		.service = ENDPOINT_SSM,
		.action = "GetParameter",
		.target = "AmazonSSM.GetParameter",
		.type = "application/x-amz-json-1.1",
		.body = "{}",
		.body_len = 2,
		.deadline = clock_deadline(LONG),
	};

	(void)state;
	server_start(&s, answers);
	fixture_start(&f, s.url);
	assert_int_equal(call(&f.client, &c, &r, &fault, &e), 0);
	assert_string_equal(buf_str(&r.body), "<r/>");
	assert_non_null(strstr(s.last, "POST / HTTP/1.1\r\n"));
	assert_non_null(strstr(s.last, "\r\nX-Amz-Target: AmazonSSM.GetParameter\r\n"));
	assert_non_null(strstr(s.last, "\r\nContent-Type: application/x-amz-json-1.1\r\n"));
	assert_non_null(strstr(s.last, "\r\nX-Amz-Security-Token: TOKEN/1\r\n"));
	assert_non_null(strstr(s.last, "/eu-west-1/ssm/aws4_request, SignedHeaders="
				       "content-type;host;x-amz-date;x-amz-security-token;"
				       "x-amz-target, Signature="));
	assert_non_null(strstr(s.last, "\r\n\r\n{}"));
	http_response_free(&r);
	c = (struct call){.service = ENDPOINT_BATCH,
		.action = "DescribeJobQueues",
		.path = "/v1/describejobqueues",
		.type = "application/json",
		.body = "{}",
		.body_len = 2,
		.is_public = true,
		.deadline = clock_deadline(LONG)};
	assert_int_equal(call(&f.client, &c, &r, &fault, &e), 0);
	server_stop(&s);
	assert_non_null(strstr(s.last, "POST /v1/describejobqueues HTTP/1.1\r\n"));
	assert_null(strstr(s.last, "Authorization"));
	assert_null(strstr(s.last, "X-Amz"));
	fixture_end(&f);
}

/* REST: method, path, query and headers are signed and sent, the answer's headers are kept. */
static void test_rest(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nETag: \"abc\"\r\nContent-Length: 99999999\r\n\r\n", NULL};
	auto_http_response struct http_response r = {0};
	struct err e = ERR_INIT;
	struct fault fault;
	struct fixture f;
	struct server s;

	(void)state;
	server_start(&s, answers);
	fixture_start(&f, s.url);
	assert_int_equal(call(&f.client,
				 &(struct call){.service = ENDPOINT_S3,
					 .action = "HeadObject",
					 .method = "HEAD",
					 .path = "/b/k",
					 .query = "partNumber=1&a=%2F",
					 .header = {{"If-Match", "\"x\""}},
					 .wanted = {"Content-Length", "ETag"},
					 .deadline = clock_deadline(LONG)},
				 &r, &fault, &e),
		0);
	server_stop(&s);
	assert_string_equal(r.header[0], "99999999");
	assert_string_equal(r.header[1], "\"abc\"");
	assert_non_null(strstr(s.last, "HEAD /b/k?partNumber=1&a=%2F HTTP/1.1\r\n"));
	assert_non_null(strstr(s.last, "\r\nIf-Match: \"x\"\r\n"));
	assert_non_null(strstr(s.last, "SignedHeaders=host;if-match;x-amz-content-sha256;"
				       "x-amz-date;x-amz-security-token,"));
	assert_null(strstr(s.last, "Content-Type"));
	fixture_end(&f);
}

/* Of other services than EC2 nothing is asked that would change something. */
static void test_dry(void **state)
{
	auto_http_response struct http_response r = {0};
	struct err e = ERR_INIT;
	struct fault fault;
	struct fixture f;

	(void)state;
	fixture_start(&f, "http://127.0.0.1:1");
	f.client.dry_run = true;
	assert_int_equal(call(&f.client,
				 &(struct call){.service = ENDPOINT_IAM,
					 .action = "CreateRole",
					 .changes = true,
					 .deadline = clock_deadline(LONG)},
				 &r, &fault, &e),
		-ECANCELED);
	assert_int_equal(e.kind, ERR_BUG);
	fixture_end(&f);
}

struct watch {
	unsigned sent, answered, failed, last_try;
};

static void watch(void *ctx, const struct call_event *event)
{
	struct watch *w = ctx;

	w->sent += event->what == CALL_SENT;
	w->answered += event->what == CALL_ANSWERED && event->answer->status > 0;
	w->failed += event->what == CALL_FAILED && event->failure->msg[0];
	w->last_try = event->tries;
	assert_string_equal(event->call->action, "Do");
	assert_int_equal(strncmp(event->headers[0], "Host: ", 6), 0);
}

static void test_observe(void **state)
{
	static const char *const answers[] = {PAGE, SERVER_CLOSE, OK, NULL};
	struct err e = ERR_INIT;
	struct watch w = {0};
	struct fault fault;
	struct fixture f;
	struct server s;

	(void)state;
	server_start(&s, answers);
	fixture_start(&f, s.url);
	f.client.observe = watch;
	f.client.observer = &w;
	assert_int_equal(ask(&f, clock_deadline(LONG), &fault, &e), 0);
	server_stop(&s);
	assert_int_equal(w.sent, 3);
	assert_int_equal(w.answered, 2);
	assert_int_equal(w.failed, 1);
	assert_int_equal(w.last_try, 3);
	fixture_end(&f);
}

/* The second request bears the time of the answer to the first. */
static void test_clock(void **state)
{
	static const char *const answers[] = {
		STS(403, "Date: Sat, 31 Jan 2037 00:00:00 GMT\r\n", "AuthFailure"), OK, NULL};
	struct err e = ERR_INIT;
	struct fault fault;
	struct fixture f;
	struct server s;

	(void)state;
	server_start(&s, answers);
	fixture_start(&f, s.url);
	assert_int_equal(ask(&f, clock_deadline(LONG), &fault, &e), 0);
	server_stop(&s);
	assert_non_null(strstr(s.last, "\r\nX-Amz-Date: 20370131T0000"));
	assert_in_range(f.client.skew, 1, 1000000000);
	fixture_end(&f);
}

/* What all calls share is spent; what works at once gives back. */
static void test_budget(void **state)
{
	static const char *const answers[] = {PAGE, PAGE, OK, PAGE, NULL};
	struct err e = ERR_INIT;
	struct fault fault;
	struct fixture f;
	struct server s;

	(void)state;
	server_start(&s, answers);
	fixture_start(&f, s.url);
	f.client.budget = CALL_RETRY_COST + 1;
	assert_true(ask(&f, clock_deadline(LONG), &fault, &e) < 0);
	assert_int_equal(f.client.budget, 1);
	assert_int_equal(ask(&f, clock_deadline(LONG), &fault, &e), 0);
	assert_int_equal(f.client.budget, 2);
	assert_true(ask(&f, clock_deadline(LONG), &fault, &e) < 0);
	server_stop(&s);
	assert_int_equal(s.requests, 4);
	fixture_end(&f);
}

static void test_deadline(void **state)
{
	static const char *const answers[] = {SERVER_SILENT, NULL};
	uint64_t begun = clock_now();
	struct err e = ERR_INIT;
	struct fault fault;
	struct fixture f;
	struct server s;

	(void)state;
	server_start(&s, answers);
	fixture_start(&f, s.url);
	assert_int_equal(ask(&f, clock_deadline(300 * NSEC_PER_MSEC), &fault, &e), -ETIMEDOUT);
	server_stop(&s);
	assert_int_equal(e.kind, ERR_TRANSIENT);
	assert_in_range(clock_now() - begun, 0, 5 * NSEC_PER_SEC);
	fixture_end(&f);
}

#define IDENTITY(body)                                                                             \
	ANSWER(200, "", "<GetCallerIdentityResponse xmlns=\"x\"><GetCallerIdentityResult>" body)
#define IDENTITY_END "</GetCallerIdentityResult></GetCallerIdentityResponse>"

static void test_identity(void **state)
{
	static const char *const answers[] = {
		IDENTITY("<Arn>arn:aws:iam::1:user/a&amp;b</Arn><Account>1</Account>" IDENTITY_END),
		IDENTITY("<Arn>arn:aws:iam::1:user/a</Arn><Acco"),
		IDENTITY("<Arn>a</Arn>" IDENTITY_END), ANSWER(200, "", "<html/>"),
		ANSWER(200, "", ""), NULL};
	struct sts_identity who = {0};
	struct err e = ERR_INIT;
	struct fixture f;
	struct server s;

	(void)state;
	server_start(&s, answers);
	fixture_start(&f, s.url);
	assert_int_equal(sts_identity(&f.client, clock_deadline(LONG), &who, &e), 0);
	assert_string_equal(who.arn, "arn:aws:iam::1:user/a&b");
	assert_string_equal(who.account, "1");
	for (int i = 0; i < 4; i++) {
		assert_true(sts_identity(&f.client, clock_deadline(LONG), &who, &e) < 0);
		assert_int_equal(e.kind, ERR_DATA);
	}
	server_stop(&s);
	assert_int_equal(s.requests, 5);
	assert_non_null(strstr(s.last, "\r\n\r\nAction=GetCallerIdentity&Version=2011-06-15"));
	fixture_end(&f);
}

static void test_assume(void **state)
{
	static const char *const answers[] = {
		ANSWER(200, "",
			"<R><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId>"
			"<SecretAccessKey>" SECRET
			"</SecretAccessKey><SessionToken>T</SessionToken>"
			"<Expiration>2030-01-01T00:00:00Z</Expiration></Credentials>"
			"</AssumeRoleResult></R>"),
		ANSWER(200, "",
			"<R><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>A</AccessKeyId>"
			"</Credentials></AssumeRoleWithWebIdentityResult></R>"),
		NULL};
	auto_credentials struct credentials with = {.id = "AKWITH"}, got = {0}, none = {0};
	auto_secret struct secret token = {0};
	struct credentials_role role = {.arn = "arn:aws:iam::1:role/r",
		.session = "me+you",
		.external_id = "a b",
		.duration = "900",
		.deadline = clock_deadline(LONG)};
	struct err e = ERR_INIT;
	struct fixture f;
	struct server s;

	(void)state;
	assert_int_equal(secret_set(&with.secret, "x", 1, &e), 0);
	assert_int_equal(secret_set(&token, "ey/J", 4, &e), 0);
	server_start(&s, answers);
	fixture_start(&f, s.url);
	if (sts_assume(&f.client, &role, &with, &got, &e) < 0)
		fail_msg("%s", e.msg);
	assert_non_null(strstr(s.last, "Credential=AKWITH/"));
	assert_non_null(strstr(s.last,
		"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3A"
		"role%2Fr&RoleSessionName=me%2Byou&ExternalId=a+b&DurationSeconds=900"));
	assert_string_equal(got.id, "ASIA");
	assert_string_equal(secret_reveal(&got.secret), SECRET);
	assert_string_equal(secret_reveal(&got.token), "T");
	assert_int_equal(got.expires, 1893456000);
	role.web_token = &token;
	assert_true(sts_assume(&f.client, &role, NULL, &none, &e) < 0);
	server_stop(&s);
	assert_non_null(strstr(s.last, "&WebIdentityToken=ey%2FJ"));
	assert_null(strstr(s.last, "Authorization"));
	assert_int_equal(e.kind, ERR_DATA);
	assert_non_null(strstr(e.msg, "role 'arn:aws:iam::1:role/r'"));
	fixture_end(&f);
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
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_new_and_unsure),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_dry),
		cmocka_unit_test(test_observe),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_assume),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, NULL);
}
