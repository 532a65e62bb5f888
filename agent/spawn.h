/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts the program of a job: another user, a session of its own, no descriptor but 0, 1 and 2, no
 * signal blocked or ignored, no privilege to gain, dead when its parent dies. vfork(2), so that the
 * cost does not grow with the parent; between that and execve(2) only system calls happen.
 */
#ifndef AGENT_SPAWN_H
#define AGENT_SPAWN_H

#include "agent/owner.h"
#include "common/err.h"

#include <sched.h>
#include <stdint.h>
#include <sys/types.h>

struct spawn_request {
	char *const *argv; /* ends with NULL */
	char *const *envp;
	const char *path; /* where argv[0] is looked for if it has no slash, as PATH */
	const char *cwd;
	int fd[3];
	const struct owner *owner;
	const cpu_set_t *set;  /* NULL: any */
	uint64_t largest_file; /* bytes, 0: no limit */
};

/* *ret_pid is also its session and process group. An error is of kind system when nothing could be
 * started, kind data when the program or its folder is at fault (e->num tells). */
must_check int spawn_job(const struct spawn_request *r, pid_t *ret_pid, struct err *e);

#endif
