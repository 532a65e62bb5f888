/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a service is, and as which service and region its requests are signed. Pure: environment
 * and profiles are arguments. AWS SDKs and Tools Reference Guide, "Service-specific endpoints",
 * "Dual-stack and FIPS endpoints". The partitions are aws, aws-cn and aws-us-gov.
 */
#ifndef CONTROLLER_AWS_ENDPOINT_H
#define CONTROLLER_AWS_ENDPOINT_H

#include "common/err.h"
#include "controller/aws/profile.h"

#define ENDPOINT_REGION_MAX 64
#define ENDPOINT_URL_MAX    1024

enum endpoint_service {
	ENDPOINT_AUTOSCALING,
	ENDPOINT_BATCH,
	ENDPOINT_EBS,
	ENDPOINT_EC2,
	ENDPOINT_ECR,
	ENDPOINT_IAM,
	ENDPOINT_PRICING,
	ENDPOINT_S3,
	ENDPOINT_SERVICE_QUOTAS,
	ENDPOINT_SSM,
	ENDPOINT_SSO,
	ENDPOINT_STS,
	ENDPOINT_SERVICES
};

struct endpoint {
	char url[ENDPOINT_URL_MAX]; /* "https://HOST", with a port and path where configured */
	char region[ENDPOINT_REGION_MAX]; /* of the signature */
	const char *service;              /* of the signature */
};

/*
 * AWS_REGION, AWS_DEFAULT_REGION, the profile's region. 1: found; 0: none of them says; -EINVAL,
 * kind config: what is said is no region.
 */
must_check int endpoint_region(const char *const *env, const struct profiles *p,
	char ret[static ENDPOINT_REGION_MAX], struct err *e);

/*
 * A URL that is configured (AWS_ENDPOINT_URL_SERVICE, AWS_ENDPOINT_URL, the services section of the
 * profile, its endpoint_url) unless AWS_IGNORE_CONFIGURED_ENDPOINT_URLS says no, else AWS's own.
 * Kind config: a URL without TLS that is not on this machine, FIPS asked for where there is none.
 */
must_check int endpoint_resolve(const char *const *env, const struct profiles *p,
	enum endpoint_service service, const char *region, struct endpoint *ret, struct err *e);

/* Names as --debug-http and errors have them: "ec2". */
const char *endpoint_service_name(enum endpoint_service service);

/* Is it https://, or http:// to this machine? */
bool endpoint_is_safe(const char *url);

#endif
