/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ssm.h"

#include "controller/aws/json_call.h"
#include "controller/aws/list.h"

#include <errno.h>
#include <string.h>

static int take(const json_t *parameter, char name[static 256], char value[static SSM_VALUE_MAX],
	struct err *e)
{
	const char *n = json_string_value(json_object_get(parameter, "Name"));
	const char *v = json_string_value(json_object_get(parameter, "Value"));

	if (!n || strlen(n) >= 256 || !v || strlen(v) >= SSM_VALUE_MAX)
		return err_set(e, ERR_DATA, EPROTO, "the answer of ssm has no text for %.100s",
			n ? n : "a parameter");
	memcpy(name, n, strlen(n) + 1);
	memcpy(value, v, strlen(v) + 1);
	return 0;
}

int ssm_parameter(struct call_client *client, const char *name, uint64_t deadline,
	char ret[static SSM_VALUE_MAX], struct err *e)
{
	const struct json_call c = {
		.service = ENDPOINT_SSM, .target = "AmazonSSM.GetParameter", .deadline = deadline};
	auto_json json_t *answer = NULL;
	char got[256];
	int rc = json_call(client, &c, json_pack("{s:s}", "Name", name), &answer, e);

	if (rc < 0)
		return err_ctx(e, "parameter '%.200s'", name);
	return take(json_object_get(answer, "Parameter"), got, ret, e);
}

int ssm_parameters(struct call_client *client, const char *const *names, uint64_t deadline,
	struct ssm_parameters *ret, struct err *e)
{
	const struct json_call c = {
		.service = ENDPOINT_SSM, .target = "AmazonSSM.GetParameters", .deadline = deadline};
	auto_json json_t *answer = NULL;
	json_t *list = json_array();
	const json_t *p;
	size_t i;
	int rc = 0;

	*ret = (struct ssm_parameters){0};
	for (i = 0; rc == 0 && names[i]; i++)
		rc = json_array_append_new(list, json_string(names[i]));
	if (rc < 0) {
		json_decref(list);
		return err_oom(e);
	}
	rc = json_call(client, &c, json_pack("{s:o}", "Names", list), &answer, e);
	if (rc < 0)
		return rc;
	json_array_foreach(json_object_get(answer, "Parameters"), i, p)
	{
		struct ssm_parameter *one = list_add(ret, e);

		rc = one ? take(p, one->name, one->value, e) : -e->num;
		if (rc < 0)
			return rc;
	}
	return 0;
}

int ssm_parameter_put(struct call_client *client, const struct ssm_put *p, struct err *e)
{
	const struct json_call c = {.service = ENDPOINT_SSM,
		.target = "AmazonSSM.PutParameter",
		.changes = true,
		.deadline = p->deadline};
	auto_json json_t *answer = NULL;
	int rc = json_call(client, &c,
		json_pack("{s:s, s:s, s:s, s:b, s:s, s:s*}", "Name", p->name, "Value", p->value,
			"Type", "String", "Overwrite", 1, "DataType",
			p->image ? "aws:ec2:image" : "text", "Description", p->description),
		&answer, e);

	return rc < 0 ? err_ctx(e, "parameter '%.200s'", p->name) : 0;
}
