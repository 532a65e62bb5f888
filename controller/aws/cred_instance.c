/* SPDX-License-Identifier: Apache-2.0 */
/* The role of the instance that we run on. */
#include "controller/aws/cred_private.h"
#include "controller/aws/instance.h"

#include <errno.h>
#include <string.h>

#define ROLES    "/latest/meta-data/iam/security-credentials/"
#define PATH_LEN 256

static int get(const struct cred_ask *a, const char *path, struct http_response *ret, struct err *e)
{
	return instance_get(a->source->env, a->source->profiles, path, a->deadline, ret, e);
}

/* The first line of the list is the role; there is one. */
static int get_role(const struct cred_ask *a, char path[static PATH_LEN], struct err *e)
{
	auto_http_response struct http_response r = {0};
	int rc = get(a, ROLES, &r, e);
	size_t len;

	if (rc <= 0)
		return rc;
	len = strcspn(buf_str(&r.body), "\r\n");
	if (len == 0)
		return 0;
	if (len + sizeof(ROLES) > PATH_LEN || memchr(buf_str(&r.body), '/', len) ||
		memchr(buf_str(&r.body), ' ', len))
		return err_set(e, ERR_DATA, EPROTO, "the name of the instance's role is none");
	snprintf(path, PATH_LEN, ROLES "%.*s", (int)len, buf_str(&r.body));
	return 1;
}

int cred_instance(const struct cred_ask *a, struct credentials *ret, struct err *e)
{
	static const struct cred_members members = {
		.id = "AccessKeyId",
		.secret = "SecretAccessKey",
		.token = "Token",
		.expires = "Expiration",
	};
	auto_http_response struct http_response r = {0};
	auto_json json_t *j = NULL;
	char path[PATH_LEN];
	int rc = a->env ? get_role(a, path, e) : 0;

	if (rc > 0)
		rc = get(a, path, &r, e);
	if (rc <= 0)
		return rc;
	rc = cred_parse(&r.body, "the answer for the role", &j, e);
	if (rc == 0)
		rc = cred_from_json(j, &members, ret, e);
	return rc < 0 ? rc : 1;
}
