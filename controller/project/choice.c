/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/project/choice.h"

int choice_matrix(
	const struct choice *c, const struct project *p, struct matrix *ret, struct err *e)
{
	return matrix_make(p,
		&(struct matrix_choice){
			.app = c->app.item,
			.n_apps = c->app.n,
			.target = c->target.item,
			.n_targets = c->target.n,
			.flags = c->flags.item,
			.n_flags = c->flags.n,
		},
		ret, e);
}
