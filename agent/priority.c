/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/priority.h"

#include "common/auto.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const class_name[] = {
	[IO_CLASS_NONE] = "none",
	[IO_CLASS_REALTIME] = "realtime",
	[IO_CLASS_BEST_EFFORT] = "best-effort",
	[IO_CLASS_IDLE] = "idle",
};

int priority_io_class(const char *name, enum io_class *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(class_name); i++)
		if (strcmp(name, class_name[i]) == 0) {
			*ret = (enum io_class)i;
			return 0;
		}
	return err_set(
		e, ERR_USAGE, EINVAL, "'%s' is not one of none, realtime, best-effort, idle", name);
}

static int set_io_class(enum io_class io, struct err *e)
{
	static const int kernel[] = {
		[IO_CLASS_REALTIME] = IOPRIO_CLASS_RT,
		[IO_CLASS_BEST_EFFORT] = IOPRIO_CLASS_BE,
		[IO_CLASS_IDLE] = IOPRIO_CLASS_IDLE,
	};
	const int level = io == IO_CLASS_IDLE ? 0 : IOPRIO_NORM;

	if (io == IO_CLASS_NONE)
		return 0;
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(kernel[io], level)) <
		0)
		return err_errno(e, "cannot set the I/O class '%s'", class_name[io]);
	return 0;
}

int priority_set(const struct priority *p, struct err *e)
{
	errno = 0;
	if (p->nice != 0 && nice(p->nice) == -1 && errno != 0)
		return err_errno(e, "cannot add %d to the CPU priority", p->nice);
	return set_io_class(p->io, e);
}
