/* SPDX-License-Identifier: Apache-2.0 */
/* For machine_local.c: commands in its namespaces. */
#ifndef CONTROLLER_LOCAL_RUN_H
#define CONTROLLER_LOCAL_RUN_H

#include "controller/machine/machine.h"

#include <stdbool.h>
#include <stddef.h>

#define LOCAL_SPACES 7

/* The namespaces of a process, in the order in which they are entered. */
struct local_spaces {
	int fd[LOCAL_SPACES];
	size_t n;
};

/* Without those that are ours too. The caller closes in every case. */
must_check int local_spaces_open(pid_t pid, struct local_spaces *ret, struct err *e);
void local_spaces_close(struct local_spaces *s);

/* As of machine_run(). */
must_check int local_run(
	const struct local_spaces *s, const struct machine_command *c, pid_t *ret, struct err *e);

/* For a child that has the reading end of a pipe to whose other end its parent alone holds: from
 * now on it is killed when the parent ends. False: the parent has ended already. */
bool local_tie(int fd);

/* PATH and HOME. */
extern char *const local_environment[];

#endif
