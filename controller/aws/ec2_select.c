/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ec2_select.h"

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
