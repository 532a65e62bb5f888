/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the units of jobs: shared-prep-job-ID.service, with what a unit name cannot hold
 * written as systemd-escape(1) does. All pure. */
#ifndef AGENT_UNIT_NAME_H
#define AGENT_UNIT_NAME_H

#include "agent/spool.h"
#include "common/buf.h"

#define UNIT_SLICE  "shared-prep-jobs.slice"
#define UNIT_PREFIX "shared-prep-job-"
#define UNIT_SUFFIX ".service"

#define UNIT_NAME (sizeof(UNIT_PREFIX UNIT_SUFFIX) + 4 * SPOOL_ID)

void unit_name_of(const char *id, char ret[static UNIT_NAME]);

/* The way back; false: not the unit of a job. */
bool unit_name_parse(const char *unit, char ret_id[static SPOOL_ID]);

/* Adds an argument of a command that the service manager must not expand ($ stands for variables,
 * also in what comes over the bus; % does not): 0, -ENOMEM or -EFBIG. */
must_check int unit_name_quote(struct buf *out, const char *arg);

#endif
