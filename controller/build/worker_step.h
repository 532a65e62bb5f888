/* SPDX-License-Identifier: Apache-2.0 */
/* One step of a worker: its files, its process, what it brings. Of worker.c alone. */
#ifndef CONTROLLER_WORKER_STEP_H
#define CONTROLLER_WORKER_STEP_H

#include "controller/build/worker.h"

/* Closes it; -1 then. */
void worker_fd_drop(int *fd);

/* Opens w->log: of the build, or of the worker where it is at none. */
must_check int worker_step_log(struct worker *w, struct err *e);

must_check int worker_step_begin(struct worker *w, struct err *e);

/* true: it has ended by itself, *ret_status as a shell has it. */
bool worker_step_ended(struct worker *w, int *ret_status);

/* It ended with 0: what it brought. */
must_check int worker_step_take(struct worker *w, struct err *e);

/* It ended with status because the script took too long. */
bool worker_step_timed_out(const struct worker *w, int status);

/* What it has brought so far is worth nothing. */
void worker_step_drop(struct worker *w);

/* Kills it. */
void worker_step_end(struct worker *w);

#endif
