/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/autoscaling.h"

#include "controller/aws/field.h"
#include "controller/aws/list.h"
#include "controller/aws/xml.h"

#include <string.h>

#define PAGE 100 /* of one answer, the most there may be */

static int take_reference(const struct _xmlNode *node, struct ec2_template_ref *ret, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_template_ref, id, FIELD_TEXT, "LaunchTemplateId", false),
		FIELD(struct ec2_template_ref, name, FIELD_TEXT, "LaunchTemplateName", false),
		FIELD(struct ec2_template_ref, version, FIELD_TEXT, "Version", false),
	};

	return field_take(node, fields, ARRAY_LEN(fields), ret, e);
}

/* One more way of a group: by a template, or an image of its own; what is NULL does not count. */
static int add(struct autoscaling_uses *list, const char *group, const struct _xmlNode *template,
	const char *image, struct err *e)
{
	struct autoscaling_use *u;

	if (!template && !image)
		return 0;
	u = list_add(list, e);
	if (!u)
		return -e->num;
	snprintf(u->group, sizeof(u->group), "%s", group);
	snprintf(u->image, sizeof(u->image), "%s", image ? image : "");
	return template ? take_reference(template, &u->of, e) : 0;
}

/* Each override may bring a template or an image. */
static int take_mixed(const struct _xmlNode *item, const char *group, struct autoscaling_uses *list,
	struct err *e)
{
	const struct _xmlNode *policy = field_node(item, "MixedInstancesPolicy/LaunchTemplate");
	const struct _xmlNode *set = policy ? xml_child(policy, "Overrides") : NULL;
	int rc =
		policy ? add(list, group, xml_child(policy, "LaunchTemplateSpecification"), NULL, e)
		       : 0;

	for (const struct _xmlNode *o = set ? xml_child(set, "member") : NULL; rc == 0 && o;
		o = xml_next(o, "member"))
		rc = add(list, group, xml_child(o, "LaunchTemplateSpecification"),
			xml_text(o, "ImageId"), e);
	return rc;
}

static int take_group(void *ctx, const struct _xmlNode *item, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct autoscaling_use, group, FIELD_TEXT, "AutoScalingGroupName", true),
		FIELD(struct autoscaling_use, configuration, FIELD_TEXT, "LaunchConfigurationName",
			false),
	};
	struct autoscaling_uses *list = ctx;
	struct autoscaling_use *u = list_add(list, e);
	char group[AUTOSCALING_NAME];
	int rc = u ? field_take(item, fields, ARRAY_LEN(fields), u, e) : -e->num;

	if (rc < 0)
		return rc;
	/* The list moves when it grows. */
	memcpy(group, u->group, sizeof(group));
	rc = add(list, group, xml_child(item, "LaunchTemplate"), NULL, e);
	return rc == 0 ? take_mixed(item, group, list, e) : rc;
}

int autoscaling_uses(
	struct call_client *client, uint64_t deadline, struct autoscaling_uses *ret, struct err *e)
{
	const struct query_pages pages = {"AutoScalingGroups", take_group, ret};
	auto_query struct query q;

	*ret = (struct autoscaling_uses){0};
	query_start(&q, ENDPOINT_AUTOSCALING, "DescribeAutoScalingGroups", deadline, false);
	query_add_number(&q, "MaxRecords", PAGE);
	return query_list(client, &q, &pages, e);
}

static int take_configuration(void *ctx, const struct _xmlNode *item, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct autoscaling_configuration, name, FIELD_TEXT, "LaunchConfigurationName",
			true),
		FIELD(struct autoscaling_configuration, image, FIELD_TEXT, "ImageId", false),
	};
	struct autoscaling_configurations *list = ctx;
	struct autoscaling_configuration *c = list_add(list, e);

	return c ? field_take(item, fields, ARRAY_LEN(fields), c, e) : -e->num;
}

int autoscaling_configurations(struct call_client *client, uint64_t deadline,
	struct autoscaling_configurations *ret, struct err *e)
{
	const struct query_pages pages = {"LaunchConfigurations", take_configuration, ret};
	auto_query struct query q;

	*ret = (struct autoscaling_configurations){0};
	query_start(&q, ENDPOINT_AUTOSCALING, "DescribeLaunchConfigurations", deadline, false);
	query_add_number(&q, "MaxRecords", PAGE);
	return query_list(client, &q, &pages, e);
}
