/* SPDX-License-Identifier: Apache-2.0 */
/* What the codes of AWS mean: whether to ask again, and whose fault it is. */
#include "controller/aws/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

/* clang-format off */
static const struct {
	unsigned status;
	const char *code;
	enum fault_remedy remedy;
	enum err_kind kind;
} row[] = {
	{503, "RequestLimitExceeded", FAULT_THROTTLED, ERR_TRANSIENT},
	{400, "Throttling", FAULT_THROTTLED, ERR_TRANSIENT},
	{400, "ThrottlingException", FAULT_THROTTLED, ERR_TRANSIENT},
	{400, "TooManyRequestsException", FAULT_THROTTLED, ERR_TRANSIENT},
	{503, "SlowDown", FAULT_THROTTLED, ERR_TRANSIENT},
	{503, "Unavailable", FAULT_RETRY, ERR_TRANSIENT},
	{500, "InternalError", FAULT_RETRY, ERR_TRANSIENT},
	{400, "RequestTimeout", FAULT_RETRY, ERR_TRANSIENT},
	{500, "OfANewKind", FAULT_RETRY, ERR_TRANSIENT},
	/* Capacity: elsewhere, not again. */
	{500, "InsufficientInstanceCapacity", FAULT_FINAL, ERR_TRANSIENT},
	{500, "InsufficientHostCapacity", FAULT_FINAL, ERR_TRANSIENT},
	{400, "InsufficientFreeAddressesInSubnet", FAULT_FINAL, ERR_TRANSIENT},
	{400, "Unsupported", FAULT_FINAL, ERR_REMOTE},
	{400, "UnsupportedOperation", FAULT_FINAL, ERR_REMOTE},
	/* Quotas, prices, rights: not at all. */
	{400, "VcpuLimitExceeded", FAULT_FINAL, ERR_REMOTE},
	{400, "MaxSpotInstanceCountExceeded", FAULT_FINAL, ERR_REMOTE},
	{400, "InstanceLimitExceeded", FAULT_FINAL, ERR_REMOTE},
	{400, "SpotMaxPriceTooLow", FAULT_FINAL, ERR_REMOTE},
	{403, "UnauthorizedOperation", FAULT_FINAL, ERR_REMOTE},
	{400, "AccessDeniedException", FAULT_FINAL, ERR_REMOTE},
	{412, "DryRunOperation", FAULT_FINAL, ERR_REMOTE},
	{400, "InvalidInstanceID.NotFound", FAULT_FINAL, ERR_REMOTE},
	{400, "InvalidGroup.Duplicate", FAULT_FINAL, ERR_REMOTE},
	{400, "DependencyViolation", FAULT_FINAL, ERR_REMOTE},
	{400, "IdempotentParameterMismatch", FAULT_FINAL, ERR_REMOTE},
	/* Who we are. */
	{400, "ExpiredToken", FAULT_EXPIRED, ERR_CONFIG},
	{400, "ExpiredTokenException", FAULT_EXPIRED, ERR_CONFIG},
	{401, "AuthFailure", FAULT_CLOCK, ERR_CONFIG},
	{403, "RequestTimeTooSkewed", FAULT_CLOCK, ERR_CONFIG},
	{403, "InvalidClientTokenId", FAULT_FINAL, ERR_CONFIG},
	{400, "UnrecognizedClientException", FAULT_FINAL, ERR_CONFIG},
	{401, "OptInRequired", FAULT_FINAL, ERR_CONFIG},
};

/* How a code comes. */
static const struct {
	const char *before, *after;
} forms[] = {
	{"<Response><Errors><Error><Code>", "</Code><Message>m</Message></Error></Errors></Response>"},
	{"<ErrorResponse><Error><Type>Sender</Type><Code>", "</Code><Message>m</Message></Error></ErrorResponse>"},
	{"<Error><Code>", "</Code><Message>m</Message></Error>"},
	{"{\"__type\": \"", "\", \"message\": \"m\"}"},
	{"{\"__type\": \"com.amazonaws.x#", "\", \"Message\": \"m\"}"},
	{"{\"code\": \"", "\", \"message\": \"m\"}"},
};
/* clang-format on */

static void test_codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
			struct fault got;
			char body[512];

			snprintf(body, sizeof(body), "%s%s%s", forms[f].before, row[i].code,
				forms[f].after);
			fault_read(row[i].status, "", body, strlen(body), &got);
			if (strcmp(got.code, row[i].code) != 0 || strcmp(got.message, "m") != 0 ||
				got.remedy != row[i].remedy || got.kind != row[i].kind)
				fail_msg("%s: %s, '%s', remedy %d, kind %d", body, got.code,
					got.message, got.remedy, got.kind);
		}
	}
}

/* What may be an answer and has no code. */
static void test_none(void **state)
{
	static const struct {
		unsigned status;
		const char *body;
		enum fault_remedy remedy;
	} bodies[] = {
		{500, "<!doctype html><html></html>", FAULT_RETRY},
		{503, "", FAULT_RETRY},
		{429, "slow", FAULT_THROTTLED},
		{404, "", FAULT_FINAL},
		{400, "{", FAULT_FINAL},
		{400, "[]", FAULT_FINAL},
		{400, "{\"__type\": 1}", FAULT_FINAL},
		{400, "<a/>", FAULT_FINAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct fault got;

		fault_read(bodies[i].status, "", bodies[i].body, strlen(bodies[i].body), &got);
		assert_string_equal(got.code, "");
		assert_int_equal(got.remedy, bodies[i].remedy);
		assert_int_equal(
			got.kind, bodies[i].remedy == FAULT_FINAL ? ERR_REMOTE : ERR_TRANSIENT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_none),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
