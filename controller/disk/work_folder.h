/* SPDX-License-Identifier: Apache-2.0 */
/* A folder beside a result, to work in: of one controller at a time, and closed to everybody else.
 * What a kill leaves there, the next one finds. */
#ifndef CONTROLLER_WORK_FOLDER_H
#define CONTROLLER_WORK_FOLDER_H

#include "common/err.h"

/* *ret_fd holds it until it is closed. Kind transient, -EBUSY: another controller has it; kind
 * system, -EPERM: it belongs to another user, who could change what we put there. */
must_check int work_folder_take(const char *path, int *ret_fd, struct err *e);

/* Removes what is in it. */
must_check int work_folder_clear(int fd, struct err *e);

#endif
