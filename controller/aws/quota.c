/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/quota.h"

#include "controller/aws/json_call.h"
#include "controller/aws/list.h"

#include <errno.h>
#include <string.h>

#define VALUE_MAX 1e15 /* exact in a double */

static int take(const json_t *q, struct quota *ret, struct err *e)
{
	const char *code = json_string_value(json_object_get(q, "QuotaCode"));
	const char *name = json_string_value(json_object_get(q, "QuotaName"));
	const json_t *value = json_object_get(q, "Value");
	double number = json_number_value(value);

	if (!code || !name || !json_is_number(value) || !(number >= 0 && number <= VALUE_MAX))
		return err_set(e, ERR_DATA, EPROTO,
			"the answer of servicequotas has a quota without code, name or value");
	snprintf(ret->code, sizeof(ret->code), "%s", code);
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->value = (uint64_t)number;
	return 0;
}

int quota_get(struct call_client *client, const char *code, uint64_t deadline, struct quota *ret,
	struct err *e)
{
	const struct json_call c = {.service = ENDPOINT_SERVICE_QUOTAS,
		.target = "ServiceQuotasV20190624.GetServiceQuota",
		.deadline = deadline};
	auto_json json_t *answer = NULL;
	int rc = json_call(client, &c,
		json_pack("{s:s, s:s}", "ServiceCode", "ec2", "QuotaCode", code), &answer, e);

	return rc == 0 ? take(json_object_get(answer, "Quota"), ret, e) : rc;
}

static int take_page(void *ctx, const json_t *answer, struct err *e)
{
	struct quotas *list = ctx;
	const json_t *q;
	size_t i;

	json_array_foreach(json_object_get(answer, "Quotas"), i, q)
	{
		struct quota *one = list_add(list, e);
		int rc = one ? take(q, one, e) : -e->num;

		if (rc < 0)
			return rc;
	}
	return 0;
}

int quota_list(struct call_client *client, uint64_t deadline, struct quotas *ret, struct err *e)
{
	const struct json_call c = {.service = ENDPOINT_SERVICE_QUOTAS,
		.target = "ServiceQuotasV20190624.ListServiceQuotas",
		.deadline = deadline};
	const struct json_pages pages = {take_page, ret};

	*ret = (struct quotas){0};
	return json_call_pages(client, &c,
		json_pack("{s:s, s:i}", "ServiceCode", "ec2", "MaxResults", 100), &pages, e);
}
