/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ec2_select.h"

#include "controller/aws/xml.h"

#include <string.h>

void ec2_select_add(struct query *q, const struct ec2_select *s, const char *id, const char *owner)
{
	query_add_list(q, id, s->ids);
	if (owner)
		query_add_list(q, owner, s->owners);
	for (size_t i = 0; i < s->n_filters; i++) {
		const struct ec2_filter *f = &s->filters[i];

		query_addf(q, f->name, "Filter.%zu.Name", i + 1);
		for (size_t v = 0; f->values[v]; v++)
			query_addf(q, f->values[v], "Filter.%zu.Value.%zu", i + 1, v + 1);
	}
}

int ec2_new_id(struct call_client *client, struct query *q, const char *member,
	char ret_id[static EC2_ID_MAX], struct err *e)
{
	auto_query_answer struct query_answer a = {0};
	int rc = query_call(client, q, &a, e);
	const char *id;
	char lack[64];

	if (rc != 0)
		return rc;
	id = xml_text(a.result, member);
	snprintf(lack, sizeof(lack), "no %s", member);
	if (!id || !*id || strlen(id) >= EC2_ID_MAX)
		return call_bad_answer(&q->call, e, lack);
	memcpy(ret_id, id, strlen(id) + 1);
	return 0;
}
