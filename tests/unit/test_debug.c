/* SPDX-License-Identifier: Apache-2.0 */
/* What --debug-http shows, and what it does not. */
#include "controller/aws/debug.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static const struct {
	const char *name;
	bool secret;
} names[] = {
	{"UserData", true},
	{"userData", true},
	{"SecretAccessKey", true},
	{"secretAccessKey", true},
	{"SessionToken", true},
	{"sessionToken", true},
	{"accessToken", true},
	{"refreshToken", true},
	{"clientSecret", true},
	{"WebIdentityToken", true},
	{"TokenCode", true},
	{"SAMLAssertion", true},
	{"authorizationToken", true},
	{"authorizationData", true},
	{"X-Amz-Signature", true},
	{"X-Amz-Security-Token", true},
	{"passwordData", true},
	{"keyMaterial", true},
	{"PrivateKey", true},
	{"output", true},
	{"DB_PASSWORD", true},
	{"GITHUB_TOKEN", true},
	{"API_KEY", true},
	{"ClientToken", false},
	{"clientToken", false},
	{"nextToken", false},
	{"NextToken", false},
	{"HttpTokens", false},
	{"AccessKeyId", false},
	{"KeyName", false},
	{"Key", false},
	{"Value", false},
	{"InstanceId", false},
	{"outputs", false},
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (debug_is_secret(names[i].name) != names[i].secret)
			fail_msg("%s", names[i].name);
	}
}

static const char *const headers[] = {"Host: h", "Content-Type: t", "X-Amz-Date: d",
	"Authorization: AWS4-HMAC-SHA256 Credential=AK/1/r/s/aws4_request, SignedHeaders=host, "
	"Signature=abcdef",
	"X-Amz-Security-Token: SEKRET", "x-amz-sso_bearer_token: SEKRET", "Cookie: SEKRET", NULL};

#define HEADERS                                                                                    \
	"> Host: h\n> Content-Type: t\n> X-Amz-Date: d\n"                                          \
	"> Authorization: AWS4-HMAC-SHA256 Credential=AK/1/r/s/aws4_request, SignedHeaders=host, " \
	"Signature=(hidden)\n> X-Amz-Security-Token: (hidden)\n"                                   \
	"> x-amz-sso_bearer_token: (hidden)\n> Cookie: (hidden)\n"

#define FORM "application/x-www-form-urlencoded; charset=utf-8"

/* clang-format off */
static const struct {
	const char *url, *type, *body;
	const char *says;
} sent[] = {
	{"https://h/", FORM, "Action=RunInstances&ClientToken=c&UserData=SEKRET%3D&Tag.1.Value=v&LaunchTemplateData.UserData=SEKRET",
		"> POST https://h/\n" HEADERS "> Action=RunInstances\n> ClientToken=c\n> UserData=(hidden)\n"
		"> Tag.1.Value=v\n> LaunchTemplateData.UserData=(hidden)\n"},
	{"https://h/a?x=1&X-Amz-Signature=SEKRET&X-Amz-Security-Token=SEKRET&uploads=", NULL, NULL,
		"> POST https://h/a?x=1&X-Amz-Signature=(hidden)&X-Amz-Security-Token=(hidden)&uploads=\n" HEADERS},
	{"https://h/", "application/json", "{\"a\": 1, \"clientSecret\": \"SEKRET\", \"b\": [{\"refreshToken\": \"SEKRET\"}]}",
		"> POST https://h/\n" HEADERS "> {\n>   \"a\": 1,\n>   \"clientSecret\": \"(hidden)\",\n>   \"b\": [\n>     {\n"
		">       \"refreshToken\": \"(hidden)\"\n>     }\n>   ]\n> }\n"},
	{"https://h/", "application/json", "{\"password\": \"SEKRET\"", "> POST https://h/\n" HEADERS "> (21 bytes)\n"},
	{"https://h/", "application/octet-stream", "SEKRET", "> POST https://h/\n" HEADERS "> (6 bytes)\n"},
	{"https://h/\033[2J", NULL, NULL, "> POST https://h/?[2J\n" HEADERS},
};

static const struct {
	enum endpoint_service service;
	unsigned status;
	const char *body, *says;
} answers[] = {
	{ENDPOINT_STS, 200, "<A><Credentials><AccessKeyId>AK</AccessKeyId><SecretAccessKey>SEKRET</SecretAccessKey>"
		"<SessionToken>SEKRET</SessionToken></Credentials></A>",
		"< 200 t\n< A\n<   Credentials\n<     AccessKeyId: AK\n<     SecretAccessKey: (hidden)\n<     SessionToken: (hidden)\n"},
	{ENDPOINT_EC2, 200, "<A><instanceId>i</instanceId><userData><value>SEKRET</value></userData><output>SEKRET</output>"
		"<nextToken>n</nextToken></A>",
		"< 200 t\n< A\n<   instanceId: i\n<   userData: (hidden)\n<   output: (hidden)\n<   nextToken: n\n"},
	{ENDPOINT_STS, 403, "<R><Error><Code>SignatureDoesNotMatch</Code><Message>x-amz-security-token:SEKRET</Message></Error></R>",
		"< 403 t\n< R\n<   Error\n<     Code: SignatureDoesNotMatch\n<     Message: (hidden)\n"},
	{ENDPOINT_S3, 403, "<Error><Code>SignatureDoesNotMatch</Code><Message>m</Message><StringToSign>SEKRET</StringToSign>"
		"<CanonicalRequest>SEKRET</CanonicalRequest></Error>",
		"< 403 t\n< Error\n<   Code: SignatureDoesNotMatch\n<   Message: (hidden)\n<   StringToSign: (hidden)\n"
		"<   CanonicalRequest: (hidden)\n"},
	{ENDPOINT_SSM, 400, "{\"__type\": \"InvalidSignatureException\", \"message\": \"SEKRET\"}",
		"< 400 t\n< {\n<   \"__type\": \"InvalidSignatureException\",\n<   \"message\": \"(hidden)\"\n< }\n"},
	{ENDPOINT_SSM, 200, "{\"Parameter\": {\"Type\": \"SecureString\", \"Value\": \"SEKRET\"}}",
		"< 200 t\n< {\n<   \"Parameter\": {\n<     \"Type\": \"SecureString\",\n<     \"Value\": \"(hidden)\"\n<   }\n< }\n"},
	{ENDPOINT_SSM, 200, "{\"Parameter\": {\"Type\": \"String\", \"Value\": \"ami-1\"}}",
		"< 200 t\n< {\n<   \"Parameter\": {\n<     \"Type\": \"String\",\n<     \"Value\": \"ami-1\"\n<   }\n< }\n"},
	{ENDPOINT_BATCH, 200, "{\"environment\": [{\"name\": \"DB_PASSWORD\", \"value\": \"SEKRET\"}, {\"name\": \"A\", \"value\": \"v\"}]}",
		"< 200 t\n< {\n<   \"environment\": [\n<     {\n<       \"name\": \"DB_PASSWORD\",\n<       \"value\": \"(hidden)\"\n"
		"<     },\n<     {\n<       \"name\": \"A\",\n<       \"value\": \"v\"\n<     }\n<   ]\n< }\n"},
	{ENDPOINT_ECR, 200, "{\"authorizationData\": [{\"authorizationToken\": \"SEKRET\"}]}",
		"< 200 t\n< {\n<   \"authorizationData\": \"(hidden)\"\n< }\n"},
	{ENDPOINT_SSO, 200, "{\"roleCredentials\": {\"accessKeyId\": \"AK\", \"secretAccessKey\": \"SEKRET\", \"sessionToken\": \"SEKRET\"}}",
		"< 200 t\n< {\n<   \"roleCredentials\": {\n<     \"accessKeyId\": \"AK\",\n<     \"secretAccessKey\": \"(hidden)\",\n"
		"<     \"sessionToken\": \"(hidden)\"\n<   }\n< }\n"},
	{ENDPOINT_S3, 200, "SEKRET", "< 200 t\n< (6 bytes)\n"},
	{ENDPOINT_STS, 200, "<A><SecretAccessKey>SEKRET</Secret", "< 200 t\n< (34 bytes)\n"},
	{ENDPOINT_EC2, 500, "<html><p>page</html>", "< 500 t\n< (20 bytes)\n"},
	{ENDPOINT_EC2, 200, "", "< 200 t\n"},
};
/* clang-format on */

static void expect(const char *got, const char *says)
{
	if (strcmp(got, says) != 0 || strstr(got, "SEKRET"))
		fail_msg("got:\n%swants:\n%s", got, says);
}

static void test_sent(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
		auto_buf struct buf out = BUF_INIT(65536);
		const struct call c = {.type = sent[i].type,
			.body = sent[i].body,
			.body_len = sent[i].body ? strlen(sent[i].body) : 0};
		const struct call_event event = {.what = CALL_SENT,
			.call = &c,
			.url = sent[i].url,
			.headers = headers,
			.tries = 1};

		assert_int_equal(debug_event(&out, &event), 0);
		expect(buf_str(&out), sent[i].says);
	}
}

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		auto_buf struct buf out = BUF_INIT(65536);
		struct http_response r = {
			.status = answers[i].status, .body = BUF_INIT(65536), .content_type = "t"};
		const struct call c = {.service = answers[i].service};
		const struct call_event event = {
			.what = CALL_ANSWERED, .call = &c, .url = "", .answer = &r};

		assert_int_equal(buf_adds(&r.body, answers[i].body), 0);
		assert_int_equal(debug_event(&out, &event), 0);
		expect(buf_str(&out), answers[i].says);
		http_response_free(&r);
	}
}

static void test_failed(void **state)
{
	auto_buf struct buf out = BUF_INIT(65536);
	struct err e = ERR_INIT;
	const struct call c = {.service = ENDPOINT_EC2, .method = "GET"};
	struct call_event event = {
		.what = CALL_FAILED, .call = &c, .url = "https://h/", .failure = &e, .tries = 3};

	(void)state;
	(void)err_set(&e, ERR_TRANSIENT, 1, "no way there");
	assert_int_equal(debug_event(&out, &event), 0);
	event.what = CALL_SENT;
	assert_int_equal(debug_event(&out, &event), 0);
	assert_string_equal(buf_str(&out), "! no way there\n> GET https://h/ (try 3)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sent),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_failed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
