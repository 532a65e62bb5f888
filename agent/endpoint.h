/* SPDX-License-Identifier: Apache-2.0 */
/* Where the metadata service of a cloud is, and which client speaks with it. */
#ifndef AGENT_ENDPOINT_H
#define AGENT_ENDPOINT_H

#include "agent/identity.h"

#define ENDPOINT_URLS 4
#define ENDPOINT_TEXT 512

/* Not to be moved: at.base may point into it. */
struct endpoint {
	metadata_fetch_fn *fetch;
	struct metadata_endpoint at;         /* deadline and stop are the caller's to set */
	char urls[ENDPOINT_TEXT];            /* what IDENTITY_URL_VARIABLE names, cut into … */
	const char *base[ENDPOINT_URLS + 1]; /* … these */
};

/* The numeric addresses of the cloud's service, or those of IDENTITY_URL_VARIABLE; -EINVAL, kind
 * config, where that is none. */
must_check int endpoint_choose(enum cloud c, struct endpoint *ret, struct err *e);

#endif
