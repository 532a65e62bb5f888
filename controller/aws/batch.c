/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/batch.h"

#include "controller/aws/json_call.h"
#include "controller/aws/list.h"

#include <errno.h>
#include <string.h>

static int bad(const char *key, const char *how, struct err *e)
{
	return err_set(e, ERR_DATA, EPROTO, "%s of the answer of batch is %s", key, how);
}

/* "" where there is none; what cannot be read is no sign that there is none. */
static int copy(const json_t *from, const char *key, char *out, size_t size, struct err *e)
{
	const json_t *value = json_object_get(from, key);
	const char *text = json_string_value(value);

	if (value && !text && !json_is_null(value))
		return bad(key, "no text", e);
	if (text && strlen(text) >= size)
		return bad(key, "too long", e);
	snprintf(out, size, "%s", text ? text : "");
	return 0;
}

static struct batch_use *add(struct batch_uses *list, const char *environment, struct err *e)
{
	struct batch_use *u = list_add(list, e);

	if (u)
		snprintf(u->environment, sizeof(u->environment), "%s", environment);
	return u;
}

static int add_template(
	struct batch_uses *list, const char *environment, const json_t *t, struct err *e)
{
	struct batch_use *u = t ? add(list, environment, e) : NULL;
	int rc;

	if (!u)
		return t ? -e->num : 0;
	if ((rc = copy(t, "launchTemplateId", u->of.id, sizeof(u->of.id), e)) < 0 ||
		(rc = copy(t, "launchTemplateName", u->of.name, sizeof(u->of.name), e)) < 0)
		return rc;
	return copy(t, "version", u->of.version, sizeof(u->of.version), e);
}

static int add_image(struct batch_uses *list, const char *environment, const json_t *in,
	const char *key, struct err *e)
{
	struct batch_use *u = json_object_get(in, key) ? add(list, environment, e) : NULL;

	if (!u)
		return json_object_get(in, key) ? -e->num : 0;
	return copy(in, key, u->image, sizeof(u->image), e);
}

/* NULL where there is none. */
static int list_of(const json_t *from, const char *key, const json_t **ret, struct err *e)
{
	const json_t *value = json_object_get(from, key);

	if (value && !json_is_array(value) && !json_is_null(value))
		return bad(key, "no list", e);
	*ret = value;
	return 0;
}

static int take_environment(struct batch_uses *list, const json_t *j, struct err *e)
{
	const json_t *resources = json_object_get(j, "computeResources");
	const json_t *template = json_object_get(resources, "launchTemplate");
	const json_t *overrides, *configurations, *one;
	char name[BATCH_NAME];
	size_t i;
	int rc = copy(j, "computeEnvironmentName", name, sizeof(name), e);

	if (rc == 0)
		rc = list_of(template, "overrides", &overrides, e);
	if (rc == 0)
		rc = list_of(resources, "ec2Configuration", &configurations, e);
	if (rc < 0)
		return rc;
	rc = add_image(list, name, resources, "imageId", e);
	if (rc == 0)
		rc = add_template(list, name, template, e);
	json_array_foreach(overrides, i, one)
	{
		if (rc == 0)
			rc = add_template(list, name, one, e);
	}
	json_array_foreach(configurations, i, one)
	{
		if (rc == 0)
			rc = add_image(list, name, one, "imageIdOverride", e);
	}
	return rc;
}

static int take_page(void *ctx, const json_t *answer, struct err *e)
{
	static const char key[] = "computeEnvironments";
	const json_t *all, *j;
	size_t i;
	int rc = list_of(answer, key, &all, e);

	if (rc == 0 && !json_is_array(all))
		return bad(key, "missing", e);
	json_array_foreach(all, i, j)
	{
		const char *status = json_string_value(json_object_get(j, "status"));

		if (rc == 0 && !(status && strcmp(status, "DELETED") == 0))
			rc = take_environment(ctx, j, e);
	}
	return rc;
}

int batch_uses(struct call_client *client, uint64_t deadline, struct batch_uses *ret, struct err *e)
{
	const struct json_call c = {.service = ENDPOINT_BATCH,
		.target = "DescribeComputeEnvironments",
		.path = "/v1/describecomputeenvironments",
		.deadline = deadline};
	const struct json_pages pages = {take_page, ret};

	*ret = (struct batch_uses){0};
	return json_call_pages(client, &c, json_object(), &pages, e);
}
