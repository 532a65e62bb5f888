/* SPDX-License-Identifier: Apache-2.0 */
/* What `controller build` prints on standard output: what it would make, and what it has made. */
#ifndef CONTROLLER_BUILD_PRINT_H
#define CONTROLLER_BUILD_PRINT_H

#include "controller/project/matrix.h"

/* A line for each archive, or JSON as report_planned() has it. */
must_check int build_print_planned(
	const struct project *p, const struct matrix *m, bool json, struct err *e);

/* A line for each archive, with its size and the beginning of its digest, or why there is none. */
void build_print_done(const struct project *p, const struct matrix *m, uint64_t cost);

#endif
