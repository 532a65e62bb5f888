/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ec2_template.h"

#include "controller/aws/field.h"
#include "controller/aws/list.h"

static int take(void *ctx, const struct _xmlNode *item, struct err *e)
{
	static const struct field fields[] = {
		FIELD(struct ec2_template, id, FIELD_TEXT, "launchTemplateId", true),
		FIELD(struct ec2_template, name, FIELD_TEXT, "launchTemplateName", false),
		FIELD(struct ec2_template, version, FIELD_NUMBER, "versionNumber", true),
		FIELD(struct ec2_template, image, FIELD_TEXT, "launchTemplateData/imageId", false),
	};
	struct ec2_templates *list = ctx;
	struct ec2_template *t = list_add(list, e);

	return t ? field_take(item, fields, ARRAY_LEN(fields), t, e) : -e->num;
}

int ec2_templates(struct call_client *client, const struct ec2_template_ref *of, uint64_t deadline,
	struct ec2_templates *ret, struct err *e)
{
	static const char *const both[] = {"$Default", "$Latest", NULL};
	const struct query_pages pages = {"launchTemplateVersionSet", take, ret};
	const char *one[] = {of && *of->version ? of->version : "$Default", NULL};
	auto_query struct query q;

	*ret = (struct ec2_templates){0};
	query_start(&q, ENDPOINT_EC2, "DescribeLaunchTemplateVersions", deadline, false);
	if (of)
		query_add(&q, *of->id ? "LaunchTemplateId" : "LaunchTemplateName",
			*of->id ? of->id : of->name);
	query_add_list(&q, "LaunchTemplateVersion", of ? one : both);
	return query_list(client, &q, &pages, e);
}
