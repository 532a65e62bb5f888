/* SPDX-License-Identifier: Apache-2.0 */
/* Which builds of a project a command is for, by its options --app, --target and --flags. */
#ifndef CONTROLLER_CHOICE_H
#define CONTROLLER_CHOICE_H

#include "common/opt.h"
#include "controller/project/matrix.h"

struct choice {
	struct opt_strings app, target, flags;
};

/* As matrix_make(). */
must_check int choice_matrix(
	const struct choice *c, const struct project *p, struct matrix *ret, struct err *e);

#endif
