/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata of the EC2 instance that we may run on, version 2 only. EC2 User Guide, "Use IMDS"; AWS
 * SDKs and Tools Reference Guide, "IMDS credential provider". */
#ifndef CONTROLLER_AWS_INSTANCE_H
#define CONTROLLER_AWS_INSTANCE_H

#include "common/http.h"
#include "controller/aws/endpoint.h"

/* 1: *ret holds the answer; 0: no metadata (not on EC2, turned off, or without this path); -errno
 * of kind transient or data otherwise. The caller calls http_response_free(). */
must_check int instance_get(const char *const *env, const struct profiles *p, const char *path,
	uint64_t deadline, struct http_response *ret, struct err *e);

/* The same for the region that the instance is in. */
must_check int instance_region(const char *const *env, const struct profiles *p, uint64_t deadline,
	char ret[static ENDPOINT_REGION_MAX], struct err *e);

#endif
