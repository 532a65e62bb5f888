/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ec2_tag.h"

#include "controller/aws/list.h"
#include "controller/aws/xml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void ec2_tags_add(struct query *q, size_t index, const char *resource, const struct ec2_tags *tags)
{
	if (tags->n > 0)
		query_addf(q, resource, "TagSpecification.%zu.ResourceType", index);
	for (size_t i = 0; i < tags->n; i++) {
		query_addf(q, tags->item[i].key, "TagSpecification.%zu.Tag.%zu.Key", index, i + 1);
		query_addf(
			q, tags->item[i].value, "TagSpecification.%zu.Tag.%zu.Value", index, i + 1);
	}
}

int ec2_tags_take(const struct _xmlNode *item, struct ec2_tags *ret, struct err *e)
{
	const struct _xmlNode *set = xml_child(item, "tagSet");

	for (const struct _xmlNode *i = set ? xml_child(set, "item") : NULL; i;
		i = xml_next(i, "item")) {
		const char *key = xml_text(i, "key"), *value = xml_text(i, "value");
		struct ec2_tag *tag = list_add(ret, e);

		if (!tag)
			return -e->num;
		if (!key)
			return err_set(e, ERR_DATA, EPROTO, "the answer has a tag without a key");
		tag->key = strdup(key);
		tag->value = strdup(value ? value : "");
		if (!tag->key || !tag->value)
			return err_oom(e);
	}
	return 0;
}

const char *ec2_tags_get(const struct ec2_tags *tags, const char *key)
{
	for (size_t i = 0; i < tags->n; i++) {
		if (strcmp(tags->item[i].key, key) == 0)
			return tags->item[i].value;
	}
	return NULL;
}

void ec2_tags_free(struct ec2_tags *tags)
{
	for (size_t i = 0; i < tags->n; i++) {
		free((char *)tags->item[i].key);
		free((char *)tags->item[i].value);
	}
	free(tags->item);
	*tags = (struct ec2_tags){0};
}

int ec2_tags_set(struct call_client *client, const char *const *ids, const struct ec2_tags *tags,
	uint64_t deadline, struct err *e)
{
	auto_query struct query q;

	query_start(&q, ENDPOINT_EC2, "CreateTags", deadline, true);
	q.call.names_new = true;
	query_add_list(&q, "ResourceId", ids);
	for (size_t i = 0; i < tags->n; i++) {
		query_addf(&q, tags->item[i].key, "Tag.%zu.Key", i + 1);
		query_addf(&q, tags->item[i].value, "Tag.%zu.Value", i + 1);
	}
	return query_do(client, &q, NULL, e);
}

int ec2_tags_delete(struct call_client *client, const char *const *ids, const char *const *keys,
	uint64_t deadline, struct err *e)
{
	auto_query struct query q;

	query_start(&q, ENDPOINT_EC2, "DeleteTags", deadline, true);
	query_add_list(&q, "ResourceId", ids);
	for (size_t i = 0; keys[i]; i++)
		query_addf(&q, keys[i], "Tag.%zu.Key", i + 1);
	return query_do(client, &q, NULL, e);
}
