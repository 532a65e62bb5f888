/* SPDX-License-Identifier: Apache-2.0 */
/* For plan*.c only. */
#ifndef CONTROLLER_PLAN_PRIVATE_H
#define CONTROLLER_PLAN_PRIVATE_H

#include "controller/build/plan.h"

#define PLAN_DETAIL 600

/* 0: it is well, detail says what was found; else -errno, and *e why not. */
typedef int plan_check_fn(struct plan *p, char detail[static PLAN_DETAIL], struct err *e);

/* Adds to detail. */
void plan_say(char *detail, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Every call that would change something, as a dry run. */
plan_check_fn plan_permissions;

#endif
