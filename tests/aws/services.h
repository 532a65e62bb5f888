/* SPDX-License-Identifier: Apache-2.0 */
/* What tests/aws/services can be asked; each prints what it got as JSON. */
#ifndef TESTS_AWS_SERVICES_H
#define TESTS_AWS_SERVICES_H

#include "common/json.h"
#include "controller/aws/ec2_select.h"
#include "controller/aws/ec2_tag.h"

#include <stdint.h>

struct service_command {
	const char *name;
	int least; /* arguments */
	/* argv ends with NULL, and so often that argv[least + 2] may be read. */
	int (*run)(struct call_client *client, char **argv, json_t **ret, struct err *e);
};

uint64_t service_deadline(void);

/* Tags as {"a": "b"}. */
json_t *service_tags(const struct ec2_tags *tags);

/* argv: [NAME VALUE]: one filter, or none. */
struct service_choice {
	const char *values[2];
	struct ec2_filter filter;
	struct ec2_select select;
};

const struct ec2_select *service_choose(struct service_choice *c, char **argv);

/* They end with .name = NULL. */
extern const struct service_command service_ec2[];
extern const struct service_command service_image[];
extern const struct service_command service_ebs[];
extern const struct service_command service_others[];

#endif
