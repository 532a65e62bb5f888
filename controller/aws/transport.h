/* SPDX-License-Identifier: Apache-2.0 */
/* Through what requests go: AWS_CA_BUNDLE or the profile's ca_bundle, and the proxy that
 * HTTPS_PROXY or HTTP_PROXY (in either case) names, but for the hosts of NO_PROXY. */
#ifndef CONTROLLER_AWS_TRANSPORT_H
#define CONTROLLER_AWS_TRANSPORT_H

#include "common/http.h"
#include "controller/aws/profile.h"

/* Sets ca_file, proxy and no_proxy for r->url; the strings are those of env and p. */
void transport_set(const char *const *env, const struct profiles *p, struct http_request *r);

#endif
