/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/transport.h"

#include <string.h>

static const char *either(const char *const *env, const char *lower, const char *upper)
{
	const char *value = profile_getenv(env, lower);

	return value ? value : profile_getenv(env, upper);
}

void transport_set(const char *const *env, const struct profiles *p, struct http_request *r)
{
	bool tls = strncmp(r->url, "https://", strlen("https://")) == 0;

	r->ca_file = profile_getenv(env, "AWS_CA_BUNDLE");
	if (!r->ca_file)
		r->ca_file = profiles_get(p, p->name, "ca_bundle");
	r->proxy = tls ? either(env, "https_proxy", "HTTPS_PROXY")
		       : either(env, "http_proxy", "HTTP_PROXY");
	r->no_proxy = either(env, "no_proxy", "NO_PROXY");
}
