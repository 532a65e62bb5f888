/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a long work behaves beside others: CPU priority (nice(2)) and I/O class (ioprio_set(2), Linux
 * Documentation/block/ioprio.rst) of the calling thread and of those that it starts later.
 */
#ifndef AGENT_PRIORITY_H
#define AGENT_PRIORITY_H

#include "common/err.h"

/* As IOSchedulingClass= of systemd has them; none follows the CPU priority. */
enum io_class { IO_CLASS_NONE, IO_CLASS_REALTIME, IO_CLASS_BEST_EFFORT, IO_CLASS_IDLE };

struct priority {
	int nice; /* added to what the thread has, -20 to 19 */
	enum io_class io;
};

/* "none", "realtime", "best-effort", "idle"; kind usage. */
must_check int priority_io_class(const char *name, enum io_class *ret, struct err *e);

/* Less privilege than it takes is kind system. */
must_check int priority_set(const struct priority *p, struct err *e);

#endif
