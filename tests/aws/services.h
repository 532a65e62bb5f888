/* SPDX-License-Identifier: Apache-2.0 */
/* What tests/aws/services can be asked; each prints what it got as JSON. */
#ifndef TESTS_AWS_SERVICES_H
#define TESTS_AWS_SERVICES_H

#include "common/json.h"
#include "controller/aws/call.h"

#include <stdint.h>

struct service_command {
	const char *name;
	int least; /* arguments */
	/* argv ends with NULL, and so often that argv[least + 2] may be read. */
	int (*run)(struct call_client *client, char **argv, json_t **ret, struct err *e);
};

uint64_t service_deadline(void);

/* Both end with .name = NULL. */
extern const struct service_command service_ec2[];
extern const struct service_command service_others[];

#endif
