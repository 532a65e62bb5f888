/* SPDX-License-Identifier: Apache-2.0 */
#include "common/err.h"
#include "controller/build/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static json_t *policy_of(unsigned what, const char *parameter, const char *key)
{
	const struct policy_request r = {what, "aws", parameter, key};
	struct err e = ERR_INIT;
	json_t *policy = NULL;

	assert_int_equal(policy_json(&r, &policy, &e), 0);
	return policy;
}

static const json_t *statement(const json_t *policy, const char *sid)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(policy, "Statement"), i, one)
	{
		if (strcmp(json_string_value(json_object_get(one, "Sid")), sid) == 0)
			return one;
	}
	return NULL;
}

/* In a member of a statement, which is a list. */
static bool lists(const json_t *policy, const char *sid, const char *member, const char *what)
{
	const json_t *list = json_object_get(statement(policy, sid), member), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (strcmp(json_string_value(one), what) == 0)
			return true;
	}
	return false;
}

static bool allows(const json_t *policy, const char *sid, const char *action)
{
	return lists(policy, sid, "Action", action);
}

static void test_build(void **state)
{
	auto_json json_t *p = policy_of(POLICY_BUILD | POLICY_GC, "/x", "key");

	(void)state;
	assert_true(allows(p, "CreateTagged", "ec2:CreateSecurityGroup"));
	assert_false(lists(p, "CreateTagged", "Resource", "arn:aws:ec2:*::image/*"));
	assert_false(allows(p, "CreateTagged", "ec2:CreateImage"));
	assert_null(statement(p, "NameImage"));
	assert_null(statement(p, "UseKey"));
}

static void test_bake(void **state)
{
	auto_json json_t *p = policy_of(POLICY_BAKE, "/x/y", "alias/mine");
	auto_json json_t *plain = policy_of(POLICY_BAKE, "", "");
	auto_json json_t *arn = policy_of(POLICY_BAKE, "x", "arn:aws:kms:r:1:key/2");
	auto_json json_t *id = policy_of(POLICY_BAKE, "x", "1234");
	const json_t *condition = json_object_get(statement(p, "UseKey"), "Condition");

	(void)state;
	assert_true(allows(p, "Look", "ec2:DescribeInstanceTypes"));
	assert_true(allows(p, "CreateTagged", "ec2:CreateImage"));
	assert_true(allows(p, "ChangeOurs", "ec2:CreateImage"));
	assert_true(lists(p, "CreateTagged", "Resource", "arn:aws:ec2:*::snapshot/*"));
	assert_true(allows(p, "ChangeOurs", "ebs:PutSnapshotBlock"));
	assert_false(allows(p, "ChangeOurs", "ec2:DeleteTags"));
	assert_true(lists(p, "NameImage", "Resource", "arn:aws:ssm:*:*:parameter/x/y"));
	assert_true(allows(p, "NameImage", "ssm:PutParameter"));
	assert_true(lists(p, "UseKey", "Resource", "arn:aws:kms:*:*:key/*"));
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(condition, "ForAnyValue:StringEquals"),
				    "kms:ResourceAliases")),
		"alias/mine");
	assert_null(statement(plain, "NameImage"));
	assert_null(statement(plain, "UseKey"));
	assert_true(lists(arn, "NameImage", "Resource", "arn:aws:ssm:*:*:parameter/x"));
	assert_true(lists(arn, "UseKey", "Resource", "arn:aws:kms:r:1:key/2"));
	assert_null(json_object_get(statement(arn, "UseKey"), "Condition"));
	assert_true(lists(id, "UseKey", "Resource", "arn:aws:kms:*:*:key/1234"));
}

static void test_retire(void **state)
{
	auto_json json_t *p = policy_of(POLICY_RETIRE, "/x", "key");

	(void)state;
	assert_true(allows(p, "Look", "batch:DescribeComputeEnvironments"));
	assert_true(allows(p, "Look", "autoscaling:DescribeAutoScalingGroups"));
	assert_true(allows(p, "ChangeOurs", "ec2:DeregisterImage"));
	assert_true(allows(p, "NameImage", "ssm:GetParameter"));
	assert_false(allows(p, "NameImage", "ssm:PutParameter"));
	assert_null(statement(p, "CreateTagged"));
	assert_null(statement(p, "UseKey"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_bake),
		cmocka_unit_test(test_retire),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
