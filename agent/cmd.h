/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of shared-prep, one file each: cmd_NAME.c. main.c lists them in the order of --help.
 */
#ifndef AGENT_CMD_H
#define AGENT_CMD_H

#include "common/opt.h"

extern const struct command cmd_facts;
extern const struct command cmd_plan;
extern const struct command cmd_prepare;
extern const struct command cmd_resize;
extern const struct command cmd_release;
extern const struct command cmd_status;
extern const struct command cmd_unpack;
extern const struct command cmd_verify;
extern const struct command cmd_pack;
extern const struct command cmd_seal;
extern const struct command cmd_watch;
extern const struct command cmd_run_job;
extern const struct command cmd_run_unit;
extern const struct command cmd_record;
extern const struct command cmd_submit;
extern const struct command cmd_jobs;
extern const struct command cmd_cancel;
extern const struct command cmd_drain;

#endif
