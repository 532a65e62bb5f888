/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/endpoint.h"

#include <errno.h>
#include <string.h>

struct service {
	enum cloud cloud;
	metadata_fetch_fn *fetch;
	const char *base[3]; /* ends with NULL */
};

/* Numeric: no resolver is asked. Azure has no IPv6 address for it. */
static const struct service services[] = {
	{CLOUD_EC2, imds_fetch, {"http://169.254.169.254", "http://[fd00:ec2::254]", NULL}},
	{CLOUD_AZURE, azure_fetch, {"http://169.254.169.254", NULL, NULL}},
	{CLOUD_GCP, gcp_fetch, {"http://169.254.169.254", "http://[fd20:ce::254]", NULL}},
};

/* Cuts the variable's words apart. */
static int take_urls(struct endpoint *at, const char *text, struct err *e)
{
	size_t n = 0;
	char *p = at->urls;

	if (strlen(text) >= sizeof(at->urls))
		return err_set(e, ERR_CONFIG, EINVAL, IDENTITY_URL_VARIABLE " is too long");
	memcpy(at->urls, text, strlen(text) + 1);
	for (p += strspn(p, " "); *p; p += strspn(p, " ")) {
		if (n == ENDPOINT_URLS || strncmp(p, "http://", strlen("http://")) != 0)
			return err_set(e, ERR_CONFIG, EINVAL,
				IDENTITY_URL_VARIABLE ": '%s': give up to %d addresses that begin "
						      "with http://",
				p, ENDPOINT_URLS);
		at->base[n++] = p;
		p += strcspn(p, " ");
		if (*p)
			*p++ = '\0';
	}
	if (n == 0)
		return err_set(e, ERR_CONFIG, EINVAL,
			IDENTITY_URL_VARIABLE " is empty: unset it or give an address");
	at->at.base = at->base;
	return 0;
}

int endpoint_choose(enum cloud c, struct endpoint *ret, struct err *e)
{
	const char *urls = getenv(IDENTITY_URL_VARIABLE);

	*ret = (struct endpoint){0};
	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		if (services[i].cloud != c)
			continue;
		ret->fetch = services[i].fetch;
		ret->at.base = services[i].base;
	}
	if (!ret->fetch)
		return err_set(
			e, ERR_BUG, EINVAL, "cloud '%s' has no metadata service", cloud_name(c));
	return urls ? take_urls(ret, urls, e) : 0;
}
