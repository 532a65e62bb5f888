/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ec2_group.h"

#include "controller/aws/field.h"
#include "controller/aws/list.h"
#include "controller/aws/xml.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SSH_PORT 22

static const struct {
	const char *set, *member;
} sources[] = {
	{"ipRanges", "cidrIp"},
	{"ipv6Ranges", "cidrIpv6"},
	{"groups", "groupId"},
	{"prefixListIds", "prefixListId"},
};

static int take_source(
	const struct ec2_permission *like, const char *source, struct ec2_group *g, struct err *e)
{
	struct ec2_permission *p = list_add(g, e);

	if (!p)
		return -e->num;
	*p = *like;
	if (!source || strlen(source) >= sizeof(p->source))
		return err_set(e, ERR_DATA, EPROTO, "the answer has a permission of no source");
	memcpy(p->source, source, strlen(source) + 1);
	return 0;
}

/* The ports and protocol of an element of ipPermissions are for each of its sources. */
static int take_permission(const struct _xmlNode *item, struct ec2_group *g, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_permission, protocol, FIELD_TEXT, "ipProtocol", true),
		FIELD(struct ec2_permission, from, FIELD_PORT, "fromPort", false),
		FIELD(struct ec2_permission, to, FIELD_PORT, "toPort", false),
	};
	struct ec2_permission like = {.from = -1, .to = -1};
	int rc = field_take(item, fields, ARRAY_LEN(fields), &like, e);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(sources); i++) {
		const struct _xmlNode *set = xml_child(item, sources[i].set);

		for (const struct _xmlNode *s = set ? xml_child(set, "item") : NULL; rc == 0 && s;
			s = xml_next(s, "item"))
			rc = take_source(&like, xml_text(s, sources[i].member), g, e);
	}
	return rc;
}

static int take_group(void *ctx, const struct _xmlNode *item, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_group, id, FIELD_TEXT, "groupId", true),
		FIELD(struct ec2_group, name, FIELD_TEXT, "groupName", false),
		FIELD(struct ec2_group, vpc, FIELD_TEXT, "vpcId", false),
	};
	const struct _xmlNode *set = xml_child(item, "ipPermissions");
	struct ec2_groups *list = ctx;
	struct ec2_group *g = list_add(list, e);
	int rc;

	if (!g)
		return -e->num;
	rc = field_take(item, fields, ARRAY_LEN(fields), g, e);
	for (const struct _xmlNode *p = set ? xml_child(set, "item") : NULL; rc == 0 && p;
		p = xml_next(p, "item"))
		rc = take_permission(p, g, e);
	return rc == 0 ? ec2_tags_take(item, &g->tags, e) : rc;
}

int ec2_groups(struct call_client *client, const struct ec2_select *which, struct ec2_groups *ret,
	struct err *e)
{
	const struct query_pages pages = {"securityGroupInfo", take_group, ret};
	auto_query struct query q;

	*ret = (struct ec2_groups){0};
	query_start(&q, ENDPOINT_EC2, "DescribeSecurityGroups", which->deadline, false);
	ec2_select_add(&q, which, "GroupId", NULL);
	return query_list(client, &q, &pages, e);
}

void ec2_groups_free(struct ec2_groups *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->item[i].item);
		ec2_tags_free(&g->item[i].tags);
	}
	free(g->item);
	*g = (struct ec2_groups){0};
}

int ec2_group_create(struct call_client *client, const struct ec2_group_new *new,
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	auto_query struct query q;

	query_start(&q, ENDPOINT_EC2, "CreateSecurityGroup", new->deadline, true);
	query_add(&q, "GroupName", new->name);
	query_add(&q, "GroupDescription", new->description);
	query_add(&q, "VpcId", new->vpc);
	ec2_tags_add(&q, 1, "security-group", &new->tags);
	return ec2_new_id(client, &q, "groupId", ret_id, e);
}

int ec2_group_source(const char *address, char ret[static 80], struct err *e)
{
	struct in6_addr bin = {0};
	const struct in6_addr none = {0};
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	char text[INET6_ADDRSTRLEN];

	if (inet_pton(family, address, &bin) != 1 || memcmp(&bin, &none, sizeof(bin)) == 0 ||
		!inet_ntop(family, &bin, text, sizeof(text)))
		return err_set(e, ERR_CONFIG, EINVAL,
			"'%.100s' is no address of one machine: it should look like 203.0.113.7",
			address);
	snprintf(ret, 80, "%s/%d", text, family == AF_INET6 ? 128 : 32);
	return 0;
}

struct ssh_change {
	const char *action, *id, *address, *already;
	uint64_t deadline;
};

static int change_ssh(struct call_client *client, const struct ssh_change *c, struct err *e)
{
	auto_query struct query q = {.failed = 0};
	char source[80];
	int rc = ec2_group_source(c->address, source, e);

	if (rc < 0)
		return rc;
	query_start(&q, ENDPOINT_EC2, c->action, c->deadline, true);
	q.call.names_new = true;
	query_add(&q, "GroupId", c->id);
	query_add(&q, "IpPermissions.1.IpProtocol", "tcp");
	query_add_number(&q, "IpPermissions.1.FromPort", SSH_PORT);
	query_add_number(&q, "IpPermissions.1.ToPort", SSH_PORT);
	query_add(&q,
		strchr(source, ':') ? "IpPermissions.1.Ipv6Ranges.1.CidrIpv6"
				    : "IpPermissions.1.IpRanges.1.CidrIp",
		source);
	return query_do(client, &q, (const char *const[]){c->already, NULL}, e);
}

int ec2_group_allow(struct call_client *client, const char *id, const char *address,
	uint64_t deadline, struct err *e)
{
	return change_ssh(client,
		&(struct ssh_change){"AuthorizeSecurityGroupIngress", id, address,
			"InvalidPermission.Duplicate", deadline},
		e);
}

int ec2_group_revoke(struct call_client *client, const char *id, const char *address,
	uint64_t deadline, struct err *e)
{
	return change_ssh(client,
		&(struct ssh_change){"RevokeSecurityGroupIngress", id, address,
			"InvalidPermission.NotFound", deadline},
		e);
}

int ec2_group_delete(struct call_client *client, const char *id, uint64_t deadline, struct err *e)
{
	static const char *const gone[] = {"InvalidGroup.NotFound", NULL};
	auto_query struct query q;

	query_start(&q, ENDPOINT_EC2, "DeleteSecurityGroup", deadline, true);
	query_add(&q, "GroupId", id);
	return query_do(client, &q, gone, e);
}
