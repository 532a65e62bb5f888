/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/iam.h"

#include "controller/aws/field.h"
#include "controller/aws/xml.h"

#include <string.h>

static const char *const gone[] = {"NoSuchEntity", NULL};

static int take_role(const struct query_answer *a, struct iam_role *ret, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct iam_role, name, FIELD_TEXT, "Role/RoleName", true),
		FIELD(struct iam_role, arn, FIELD_TEXT, "Role/Arn", true),
	};

	*ret = (struct iam_role){0};
	return field_take(a->result, fields, ARRAY_LEN(fields), ret, e);
}

int iam_role(struct call_client *client, const char *name, uint64_t deadline, struct iam_role *ret,
	struct err *e)
{
	auto_query_answer struct query_answer a = {0};
	auto_query struct query q;
	int rc;

	query_start(&q, ENDPOINT_IAM, "GetRole", deadline, false);
	query_add(&q, "RoleName", name);
	rc = query_call(client, &q, &a, e);
	return rc == 0 ? take_role(&a, ret, e) : rc;
}

int iam_profile(struct call_client *client, const char *name, uint64_t deadline,
	struct iam_profile *ret, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct iam_profile, name, FIELD_TEXT, "InstanceProfile/InstanceProfileName",
			true),
		FIELD(struct iam_profile, arn, FIELD_TEXT, "InstanceProfile/Arn", true),
		FIELD(struct iam_profile, role, FIELD_TEXT, "InstanceProfile/Roles/member/RoleName",
			false),
	};
	auto_query_answer struct query_answer a = {0};
	auto_query struct query q;
	int rc;

	*ret = (struct iam_profile){0};
	query_start(&q, ENDPOINT_IAM, "GetInstanceProfile", deadline, false);
	query_add(&q, "InstanceProfileName", name);
	rc = query_call(client, &q, &a, e);
	return rc == 0 ? field_take(a.result, fields, ARRAY_LEN(fields), ret, e) : rc;
}

int iam_role_create(struct call_client *client, const struct iam_role_new *new,
	struct iam_role *ret, struct err *e)
{
	auto_query_answer struct query_answer a = {0};
	auto_query struct query q;
	int rc;

	query_start(&q, ENDPOINT_IAM, "CreateRole", new->deadline, true);
	query_add(&q, "RoleName", new->name);
	query_add(&q, "AssumeRolePolicyDocument", new->trust);
	query_add(&q, "Description", new->description);
	for (size_t i = 0; i < new->tags.n; i++) {
		query_addf(&q, new->tags.item[i].key, "Tags.member.%zu.Key", i + 1);
		query_addf(&q, new->tags.item[i].value, "Tags.member.%zu.Value", i + 1);
	}
	rc = query_call(client, &q, &a, e);
	return rc == 0 ? take_role(&a, ret, e) : rc;
}

/* What an action on a link is called, and its parameters for the two sides. */
struct link_action {
	const char *action, *name, *other;
	const char *const *already;
};

static int do_link(struct call_client *client, const struct link_action *a,
	const struct iam_link *l, struct err *e)
{
	auto_query struct query q;

	query_start(&q, ENDPOINT_IAM, a->action, l->deadline, true);
	query_add(&q, a->name, l->name);
	query_add(&q, a->other, l->other);
	query_add(&q, "PolicyDocument", l->document);
	return query_do(client, &q, a->already, e);
}

int iam_policy_put(struct call_client *client, const struct iam_link *l, struct err *e)
{
	return do_link(client,
		&(struct link_action){"PutRolePolicy", "RoleName", "PolicyName", NULL}, l, e);
}

int iam_policy_delete(struct call_client *client, const struct iam_link *l, struct err *e)
{
	return do_link(client,
		&(struct link_action){"DeleteRolePolicy", "RoleName", "PolicyName", gone}, l, e);
}

int iam_policy_attach(struct call_client *client, const struct iam_link *l, struct err *e)
{
	return do_link(client,
		&(struct link_action){"AttachRolePolicy", "RoleName", "PolicyArn", NULL}, l, e);
}

int iam_policy_detach(struct call_client *client, const struct iam_link *l, struct err *e)
{
	return do_link(client,
		&(struct link_action){"DetachRolePolicy", "RoleName", "PolicyArn", gone}, l, e);
}

int iam_profile_remove_role(struct call_client *client, const struct iam_link *l, struct err *e)
{
	return do_link(client,
		&(struct link_action){
			"RemoveRoleFromInstanceProfile", "InstanceProfileName", "RoleName", gone},
		l, e);
}

/* A profile has one role at most; that there is one already does not say which. */
int iam_profile_add_role(struct call_client *client, const struct iam_link *l, struct err *e)
{
	struct iam_profile profile;
	struct err other = ERR_INIT;
	int rc = do_link(client,
		&(struct link_action){
			"AddRoleToInstanceProfile", "InstanceProfileName", "RoleName", NULL},
		l, e);

	if (rc == 0 || strcmp(client->fault.code, "LimitExceeded") != 0)
		return rc;
	if (iam_profile(client, l->name, l->deadline, &profile, &other) < 0 ||
		strcmp(profile.role, l->other) != 0)
		return rc;
	*e = (struct err)ERR_INIT;
	return 0;
}

static int do_named(struct call_client *client, const struct link_action *a, const char *name,
	uint64_t deadline, struct err *e)
{
	return do_link(client, a, &(struct iam_link){.name = name, .deadline = deadline}, e);
}

int iam_profile_create(
	struct call_client *client, const char *name, uint64_t deadline, struct err *e)
{
	return do_named(client,
		&(struct link_action){"CreateInstanceProfile", "InstanceProfileName", "", NULL},
		name, deadline, e);
}

int iam_role_delete(struct call_client *client, const char *name, uint64_t deadline, struct err *e)
{
	return do_named(client, &(struct link_action){"DeleteRole", "RoleName", "", gone}, name,
		deadline, e);
}

int iam_profile_delete(
	struct call_client *client, const char *name, uint64_t deadline, struct err *e)
{
	return do_named(client,
		&(struct link_action){"DeleteInstanceProfile", "InstanceProfileName", "", gone},
		name, deadline, e);
}
