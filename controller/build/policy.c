/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/build/policy.h"

#include "controller/account/resource.h"

#include <string.h>

/* How an action is confined. */
enum confinement {
	ANY,       /* it only reads, and names no resource */
	IMAGES,    /* public parameters of AWS */
	PARAMETER, /* the one of the project */
	TAGGED,    /* of a request that brings the tag of a run */
	OURS,      /* of a resource that has it */
	STARTING,  /* RunInstances: what it makes has the tag, what it uses need not */
	TAGGING,   /* only as part of what creates, or of what is ours */
	PLACING,   /* in a network that is there */
	KEY,       /* the one of the project, as EC2 uses it for us */
};

#define B POLICY_BUILD
#define G POLICY_GC
#define I POLICY_BAKE
#define R POLICY_RETIRE

static const struct {
	const char *action;
	unsigned what;
	enum confinement how;
} actions[] = {
	{"ec2:DescribeImages", B | G | I | R, ANY},
	{"ec2:DescribeInstances", B | G | I | R, ANY},
	{"ec2:DescribeInstanceTypeOfferings", B | I, ANY},
	{"ec2:DescribeInstanceTypes", B | I, ANY},
	{"ec2:DescribeLaunchTemplateVersions", R, ANY},
	{"ec2:DescribeSecurityGroups", B | G | I | R, ANY},
	{"ec2:DescribeSnapshots", B | G | I | R, ANY},
	{"ec2:DescribeSpotPriceHistory", B | G | I, ANY},
	{"ec2:DescribeSubnets", B | I, ANY},
	{"ec2:DescribeVolumes", B | G | I | R, ANY},
	{"autoscaling:DescribeAutoScalingGroups", R, ANY},
	{"autoscaling:DescribeLaunchConfigurations", R, ANY},
	{"batch:DescribeComputeEnvironments", R, ANY},
	{"pricing:GetProducts", B | G | I, ANY},
	{"servicequotas:GetServiceQuota", B | I, ANY},
	{"ssm:GetParameter", B | I, IMAGES},
	{"ssm:GetParameter", I | R, PARAMETER},
	{"ssm:PutParameter", I, PARAMETER},
	{"ec2:RunInstances", B | I, STARTING},
	{"ec2:CreateSecurityGroup", B | I, TAGGED},
	{"ec2:CreateImage", I, TAGGED},
	{"ec2:CreateSnapshot", I, TAGGED},
	{"ec2:RegisterImage", I, TAGGED},
	{"ec2:CopyImage", I, TAGGED},
	{"ebs:StartSnapshot", I, TAGGED},
	{"ec2:CreateSecurityGroup", B | I, PLACING},
	{"ec2:CreateTags", B | I, TAGGING},
	{"ec2:AuthorizeSecurityGroupIngress", B | I, OURS},
	{"ec2:RevokeSecurityGroupIngress", B | I, OURS},
	{"ec2:CreateTags", B | I | R, OURS},
	{"ec2:DeleteTags", R, OURS},
	/* Of our instance, volume, snapshot, image. */
	{"ec2:CreateImage", I, OURS},
	{"ec2:CreateSnapshot", I, OURS},
	{"ec2:RegisterImage", I, OURS},
	{"ec2:CopyImage", I, OURS},
	{"ebs:StartSnapshot", I, OURS},
	{"ebs:PutSnapshotBlock", I, OURS},
	{"ebs:CompleteSnapshot", I, OURS},
	{"ec2:ModifyImageAttribute", I, OURS},
	{"ec2:ModifySnapshotAttribute", I, OURS},
	{"ec2:EnableImageDeprecation", I, OURS},
	{"ec2:TerminateInstances", B | G | I, OURS},
	{"ec2:DeleteSecurityGroup", B | G | I, OURS},
	{"ec2:DeleteVolume", B | G | I, OURS},
	{"ec2:DeregisterImage", G | I | R, OURS},
	{"ec2:DeleteSnapshot", G | I | R, OURS},
	{"kms:CreateGrant", I, KEY},
	{"kms:Decrypt", I, KEY},
	{"kms:DescribeKey", I, KEY},
	{"kms:GenerateDataKeyWithoutPlaintext", I, KEY},
	{"kms:ReEncryptFrom", I, KEY},
	{"kms:ReEncryptTo", I, KEY},
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

/* As part of which calls tags are set. */
static json_t *created_by(bool bake)
{
	static const char *const of_build[] = {"RunInstances", "CreateSecurityGroup"};
	static const char *const of_bake[] = {
		"CreateImage", "CreateSnapshot", "RegisterImage", "CopyImage", "StartSnapshot"};
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(of_build); i++)
		json_array_append_new(list, json_string(of_build[i]));
	for (size_t i = 0; bake && i < ARRAY_LEN(of_bake); i++)
		json_array_append_new(list, json_string(of_bake[i]));
	return json_pack("{s:{s:o}}", "StringEquals", "ec2:CreateAction", list);
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

/* "/mine" and "mine" are parameter/mine. */
static void add_parameter(json_t *list, const struct policy_request *r)
{
	const char *name = r->parameter + (*r->parameter == '/');

	if (*name)
		add_statement(list, "NameImage", actions_of(r->what, PARAMETER),
			json_pack("[o]",
				json_sprintf("arn:%s:ssm:*:*:parameter/%s", r->partition, name)),
			NULL);
}

/* The resource of a key is never its alias: that is a condition. */
static void add_key(json_t *list, const struct policy_request *r)
{
	bool is_arn = strncmp(r->kms_key, "arn:", 4) == 0 && strstr(r->kms_key, ":key/");
	bool is_alias = strstr(r->kms_key, "alias/") != NULL;
	const char *alias = strstr(r->kms_key, "alias/");

	if (!*r->kms_key)
		return;
	add_statement(list, "UseKey", actions_of(r->what, KEY),
		is_arn ? json_pack("[s]", r->kms_key)
		       : json_pack("[o]", json_sprintf("arn:%s:kms:*:*:key/%s", r->partition,
						  is_alias ? "*" : r->kms_key)),
		is_alias ? json_pack("{s:{s:s}}", "ForAnyValue:StringEquals", "kms:ResourceAliases",
				   alias)
			 : NULL);
}

static void add_statements(json_t *list, const struct policy_request *r)
{
	static const char *const images[] = {"ssm:*::parameter/aws/service/*"};
	static const char *const made[] = {"ec2:*:*:instance/*", "ec2:*:*:volume/*"};
	static const char *const used[] = {"ec2:*::image/*", "ec2:*:*:subnet/*",
		"ec2:*:*:spot-instances-request/*", "ec2:*:*:network-interface/*",
		"ec2:*:*:security-group/*"};
	static const char *const created[] = {
		"ec2:*:*:security-group/*", "ec2:*::image/*", "ec2:*::snapshot/*"};
	static const char *const network[] = {"ec2:*:*:vpc/*"};
	static const char *const all[] = {"ec2:*:*:*", "ec2:*::image/*", "ec2:*::snapshot/*"};
	static const char request[] = "aws:RequestTag/" RESOURCE_RUN;
	static const char resource[] = "aws:ResourceTag/" RESOURCE_RUN;
	const char *partition = r->partition;
	unsigned what = r->what;
	bool bake = what & POLICY_BAKE;

	add_statement(list, "Look", actions_of(what, ANY), json_pack("[s]", "*"), NULL);
	add_statement(list, "FindImages", actions_of(what, IMAGES),
		arns(partition, images, ARRAY_LEN(images)), NULL);
	add_parameter(list, r);
	add_statement(list, "StartTagged", actions_of(what, STARTING),
		arns(partition, made, ARRAY_LEN(made)), has_tag(request));
	add_statement(list, "StartWith", actions_of(what, STARTING),
		arns(partition, used, ARRAY_LEN(used)), NULL);
	add_statement(list, "CreateTagged", actions_of(what, TAGGED),
		arns(partition, created, bake ? ARRAY_LEN(created) : 1), has_tag(request));
	add_statement(list, "CreateIn", actions_of(what, PLACING),
		arns(partition, network, ARRAY_LEN(network)), NULL);
	add_statement(list, "TagWhatIsCreated", actions_of(what, TAGGING),
		arns(partition, all, ARRAY_LEN(all)), created_by(bake));
	add_statement(list, "ChangeOurs", actions_of(what, OURS),
		arns(partition, all, ARRAY_LEN(all)), has_tag(resource));
	add_key(list, r);
}

int policy_json(const struct policy_request *r, json_t **ret, struct err *e)
{
	json_t *list = json_array(), *policy;

	add_statements(list, r);
	policy = json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", list);
	if (!policy)
		return err_oom(e);
	*ret = policy;
	return 0;
}
