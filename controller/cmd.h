/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of controller, one file each: cmd_NAME.c. main.c lists them in the order of --help.
 */
#ifndef CONTROLLER_CMD_H
#define CONTROLLER_CMD_H

#include "common/opt.h"

extern const struct command cmd_validate;
extern const struct command cmd_plan;
extern const struct command cmd_build;
extern const struct command cmd_userdata;
extern const struct command cmd_bake;
extern const struct command cmd_test;
extern const struct command cmd_ls;
extern const struct command cmd_gc;
extern const struct command cmd_retire;

#endif
