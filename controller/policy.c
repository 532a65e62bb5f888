/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/policy.h"

#include "controller/resource.h"

#include <string.h>

/* How an action is confined. */
enum confinement {
	ANY,      /* it only reads, and names no resource */
	IMAGES,   /* public parameters of AWS */
	TAGGED,   /* of a request that brings the tag of a run */
	OURS,     /* of a resource that has it */
	STARTING, /* RunInstances: what it makes has the tag, what it uses need not */
	TAGGING,  /* only as part of what creates, or of what is ours */
	PLACING,  /* in a network that is there */
};

static const struct {
	const char *action;
	unsigned what;
	enum confinement how;
} actions[] = {
	{"ec2:DescribeImages", POLICY_BUILD | POLICY_GC, ANY},
	{"ec2:DescribeInstances", POLICY_BUILD | POLICY_GC, ANY},
	{"ec2:DescribeInstanceTypeOfferings", POLICY_BUILD, ANY},
	{"ec2:DescribeInstanceTypes", POLICY_BUILD, ANY},
	{"ec2:DescribeSecurityGroups", POLICY_BUILD | POLICY_GC, ANY},
	{"ec2:DescribeSnapshots", POLICY_BUILD | POLICY_GC, ANY},
	{"ec2:DescribeSpotPriceHistory", POLICY_BUILD | POLICY_GC, ANY},
	{"ec2:DescribeSubnets", POLICY_BUILD, ANY},
	{"ec2:DescribeVolumes", POLICY_BUILD | POLICY_GC, ANY},
	{"pricing:GetProducts", POLICY_BUILD | POLICY_GC, ANY},
	{"servicequotas:GetServiceQuota", POLICY_BUILD, ANY},
	{"ssm:GetParameter", POLICY_BUILD, IMAGES},
	{"ec2:RunInstances", POLICY_BUILD, STARTING},
	{"ec2:CreateSecurityGroup", POLICY_BUILD, TAGGED},
	{"ec2:CreateSecurityGroup", POLICY_BUILD, PLACING},
	{"ec2:CreateTags", POLICY_BUILD, TAGGING},
	{"ec2:AuthorizeSecurityGroupIngress", POLICY_BUILD, OURS},
	{"ec2:RevokeSecurityGroupIngress", POLICY_BUILD, OURS},
	{"ec2:CreateTags", POLICY_BUILD, OURS},
	{"ec2:TerminateInstances", POLICY_BUILD | POLICY_GC, OURS},
	{"ec2:DeleteSecurityGroup", POLICY_BUILD | POLICY_GC, OURS},
	{"ec2:DeleteVolume", POLICY_BUILD | POLICY_GC, OURS},
	{"ec2:DeregisterImage", POLICY_GC, OURS},
	{"ec2:DeleteSnapshot", POLICY_GC, OURS},
};

static json_t *actions_of(unsigned what, enum confinement how)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if ((actions[i].what & what) && actions[i].how == how)
			json_array_append_new(list, json_string(actions[i].action));
	}
	return list;
}

/* A resource of the partition. */
static void add_arn(json_t *list, const char *partition, const char *rest)
{
	json_array_append_new(list, json_sprintf("arn:%s:%s", partition, rest));
}

static json_t *arns(const char *partition, const char *const *rest, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		add_arn(list, partition, rest[i]);
	return list;
}

static json_t *has_tag(const char *key)
{
	return json_pack("{s:{s:s}}", "StringLike", key, "*");
}

/* Steals resources and condition (which may be NULL). Nothing is added for no action. */
static void add_statement(
	json_t *list, const char *sid, json_t *of, json_t *resources, json_t *condition)
{
	if (json_array_size(of) > 0)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:O, s:O, s:O*}", "Sid", sid, "Effect", "Allow",
				      "Action", of, "Resource", resources, "Condition", condition));
	json_decref(of);
	json_decref(resources);
	json_decref(condition);
}

static void add_statements(json_t *list, unsigned what, const char *partition)
{
	static const char *const images[] = {"ssm:*::parameter/aws/service/*"};
	static const char *const made[] = {"ec2:*:*:instance/*", "ec2:*:*:volume/*"};
	static const char *const used[] = {"ec2:*::image/*", "ec2:*:*:subnet/*",
		"ec2:*:*:spot-instances-request/*", "ec2:*:*:network-interface/*",
		"ec2:*:*:security-group/*"};
	static const char *const group[] = {"ec2:*:*:security-group/*"};
	static const char *const network[] = {"ec2:*:*:vpc/*"};
	static const char *const all[] = {"ec2:*:*:*", "ec2:*::image/*", "ec2:*::snapshot/*"};
	static const char request[] = "aws:RequestTag/" RESOURCE_RUN;
	static const char resource[] = "aws:ResourceTag/" RESOURCE_RUN;

	add_statement(list, "Look", actions_of(what, ANY), json_pack("[s]", "*"), NULL);
	add_statement(list, "FindImages", actions_of(what, IMAGES),
		arns(partition, images, ARRAY_LEN(images)), NULL);
	add_statement(list, "StartTagged", actions_of(what, STARTING),
		arns(partition, made, ARRAY_LEN(made)), has_tag(request));
	add_statement(list, "StartWith", actions_of(what, STARTING),
		arns(partition, used, ARRAY_LEN(used)), NULL);
	add_statement(list, "CreateTagged", actions_of(what, TAGGED),
		arns(partition, group, ARRAY_LEN(group)), has_tag(request));
	add_statement(list, "CreateIn", actions_of(what, PLACING),
		arns(partition, network, ARRAY_LEN(network)), NULL);
	add_statement(list, "TagWhatIsCreated", actions_of(what, TAGGING),
		arns(partition, all, ARRAY_LEN(all)),
		json_pack("{s:{s:[s,s]}}", "StringEquals", "ec2:CreateAction", "RunInstances",
			"CreateSecurityGroup"));
	add_statement(list, "ChangeOurs", actions_of(what, OURS),
		arns(partition, all, ARRAY_LEN(all)), has_tag(resource));
}

int policy_json(unsigned what, const char *partition, json_t **ret, struct err *e)
{
	json_t *list = json_array(), *policy;

	add_statements(list, what, partition);
	policy = json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", list);
	if (!policy)
		return err_oom(e);
	*ret = policy;
	return 0;
}
