/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of Systems Manager: AWS publishes its images' ids there. */
#ifndef CONTROLLER_AWS_SSM_H
#define CONTROLLER_AWS_SSM_H

#include "controller/aws/call.h"

#define SSM_VALUE_MAX 4097

/* GetParameter, of type String. Kind remote, code ParameterNotFound: there is none. */
must_check int ssm_parameter(struct call_client *client, const char *name, uint64_t deadline,
	char ret[static SSM_VALUE_MAX], struct err *e);

struct ssm_parameter {
	char name[256];
	char value[SSM_VALUE_MAX];
};

struct ssm_parameters {
	struct ssm_parameter *item;
	size_t n;
};

/* GetParameters, by up to 10 names (ends with NULL); those that are not there are left out. The
 * caller frees item in every case. */
must_check int ssm_parameters(struct call_client *client, const char *const *names,
	uint64_t deadline, struct ssm_parameters *ret, struct err *e);

struct ssm_put {
	const char *name;
	const char *value;
	const char *description; /* or NULL */
	bool image;
	uint64_t deadline;
};

/* PutParameter: a String that is written anew, or over what is there. image: it is an image's id,
 * which AWS looks at first (data type aws:ec2:image): a launch template may name the parameter.
 * Kind remote, code UnsupportedParameterType …: what is there is of another type. */
must_check int ssm_parameter_put(
	struct call_client *client, const struct ssm_put *p, struct err *e);

#endif
