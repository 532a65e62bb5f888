/* SPDX-License-Identifier: Apache-2.0 */
/* Running another program: argv without a shell, output bounded, a deadline, no descriptor leaked,
 * no signal blocked or ignored, standard input from /dev/null. */
#ifndef COMMON_PROC_H
#define COMMON_PROC_H

#include "common/buf.h"
#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_request {
	const char *const *argv; /* ends with NULL; argv[0] is searched in PATH */
	char *const *env;        /* ends with NULL; NULL: ours */
	uint64_t deadline;       /* clock.h; then the child is killed: -ETIMEDOUT, kind transient */
};

/* Runs it with standard input from /dev/null, collects standard output in *out (beyond out->max:
 * -EFBIG, kind data) and leaves standard error alone; what its own children print after its end is
 * not waited for, and a kill does not reach them. *ret_status: exit code, or 128 + signal. */
must_check int proc_run(
	const struct proc_request *r, struct buf *out, int *ret_status, struct err *e);

struct proc_spawn {
	const char *const *argv; /* ends with NULL; argv[0] is searched in PATH */
	char *const *env;        /* ends with NULL; NULL: ours */
	int out;                 /* its standard output */
	int err;                 /* its standard error; -1: ours */
	bool group;              /* it leads a process group of its own */
};

/* Starts it; the caller waits for *ret_pid. */
must_check int proc_spawn(const struct proc_spawn *s, pid_t *ret_pid, struct err *e);

#endif
