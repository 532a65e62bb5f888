/* SPDX-License-Identifier: Apache-2.0 */
/* The AWS account and region that a command works with. */
#ifndef CONTROLLER_CLOUD_H
#define CONTROLLER_CLOUD_H

#include "controller/aws/call.h"
#include "controller/aws/sts.h"

struct cloud_options {
	const char *profile; /* NULL or "": of the environment */
	const char *region;  /* likewise; else the profile's, else the instance's that we run on */
	bool debug_http;     /* every call is printed, secrets hidden */
};

/* Stays where it is: its parts point to each other. */
struct cloud {
	char region[ENDPOINT_REGION_MAX];
	struct profiles profiles;
	struct credentials_sts sts;
	struct credentials_source source;
	struct credentials_cache cache;
	struct call_client client;
};

/* Asks nothing of AWS yet. Kind config: no region. The caller calls cloud_close() in every case. */
must_check int cloud_open(const struct cloud_options *o, struct cloud *ret, struct err *e);
void cloud_close(struct cloud *c);

#define auto_cloud __attribute__((cleanup(cloud_close)))

#endif
