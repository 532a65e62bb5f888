/* SPDX-License-Identifier: Apache-2.0 */
/* Launch templates, as far as they say which image is started. They are only read. */
#ifndef CONTROLLER_AWS_EC2_TEMPLATE_H
#define CONTROLLER_AWS_EC2_TEMPLATE_H

#include "controller/aws/ec2_select.h"

#define EC2_TEMPLATE_IMAGE 512

/* How others name one: by its id, or else its name; version "" is "$Default". */
struct ec2_template_ref {
	char id[EC2_ID_MAX];
	char name[EC2_NAME_MAX];
	char version[24];
};

/* One version of one. */
struct ec2_template {
	char id[EC2_ID_MAX];
	char name[EC2_NAME_MAX];
	uint64_t version;
	char image[EC2_TEMPLATE_IMAGE]; /* "ami-…", "resolve:ssm:NAME"; "" where it names none */
};

struct ec2_templates {
	struct ec2_template *item;
	size_t n;
};

/* of NULL: of each one of the account its default version and its latest, which may be the same;
 * else that one version. What is not there is a fault of a code that ends with NotFound or
 * NotFoundException. The caller frees item in every case. */
must_check int ec2_templates(struct call_client *client, const struct ec2_template_ref *of,
	uint64_t deadline, struct ec2_templates *ret, struct err *e);

#endif
