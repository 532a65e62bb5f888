/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes of ours that serve a machine. Each leads a process group, has no signal blocked,
 * ignored or handled, no descriptors but those it is given, and is killed when this process ends,
 * however that ends (PR_SET_PDEATHSIG, which posix_spawn cannot set: so proc_spawn() does not do).
 */
#ifndef CONTROLLER_CHILD_H
#define CONTROLLER_CHILD_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CHILD_KEEP 8

struct child_files {
	int in; /* its standard streams; -1: /dev/null */
	int out;
	int err;
	const int *keep; /* become its descriptors 3, 4, …, closed by an exec */
	size_t n_keep;   /* at most CHILD_KEEP */
};

struct child {
	pid_t pid; /* 0: none */
	int status;
	uint64_t kill_at; /* clock.h; 0: it is not asked to end */
};

/* As fork(): *ret is 0 in the child, which then has to child_exec() or _exit(). */
must_check int child_fork(const struct child_files *f, pid_t *ret, struct err *e);

/* In the child. Where the program cannot be run, a line on its standard error says so and the exit
 * code is 127. */
_Noreturn void child_exec(const char *const *argv, char *const *env);

/* Both, for one that is looked after by the functions below. */
must_check int child_spawn(const char *const *argv, char *const *env, const struct child_files *f,
	struct child *ret, struct err *e);

/* True once it has ended, or where there is none; c->status is then as of wait(2). What was asked
 * to end and has not after two seconds is killed. */
bool child_ended(struct child *c);

/* SIGTERM for its whole group. */
void child_stop(struct child *c);

/* SIGKILL for its whole group; it is gone afterwards. */
void child_kill(struct child *c);

/* The exit code, or 128 + signal. */
int child_code(int status);

#endif
