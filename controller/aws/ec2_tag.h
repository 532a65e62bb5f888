/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of EC2's resources. */
#ifndef CONTROLLER_AWS_EC2_TAG_H
#define CONTROLLER_AWS_EC2_TAG_H

#include "controller/aws/query.h"

struct ec2_tag {
	const char *key, *value;
};

/* To be sent: what it points to is the caller's. Of an answer: malloc'd, ec2_tags_free(). */
struct ec2_tags {
	struct ec2_tag *item;
	size_t n;
};

/* "TagSpecification.INDEX": those that a resource of that type ("instance") has from its creation
 * on. Nothing is added where there are none. */
void ec2_tags_add(struct query *q, size_t index, const char *resource, const struct ec2_tags *tags);

/* tagSet of an item; *ret is zeroed. */
must_check int ec2_tags_take(const struct _xmlNode *item, struct ec2_tags *ret, struct err *e);

/* NULL: there is no such tag. */
const char *ec2_tags_get(const struct ec2_tags *tags, const char *key);

void ec2_tags_free(struct ec2_tags *tags);

/* CreateTags; ids ends with NULL. 1: a dry run. */
must_check int ec2_tags_set(struct call_client *client, const char *const *ids,
	const struct ec2_tags *tags, uint64_t deadline, struct err *e);

/* DeleteTags, whatever their values; ids and keys end with NULL. That they are gone already is
 * success. 1: a dry run. */
must_check int ec2_tags_delete(struct call_client *client, const char *const *ids,
	const char *const *keys, uint64_t deadline, struct err *e);

#endif
