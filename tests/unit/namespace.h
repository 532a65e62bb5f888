/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real mounts in a unit test: a scratch directory that is a tmpfs in a mount namespace of this
 * process. Where that is not permitted the tests skip, but fail under CI. Include it below
 * cmocka.h.
 */
#ifndef TESTS_UNIT_NAMESPACE_H
#define TESTS_UNIT_NAMESPACE_H

#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

/* A group's setup. */
static inline int namespace_enter(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return getenv("CI") ? -1 : setenv("SHARED_PREP_NO_NAMESPACE", "1", 1);
	return 0;
}

/* First in a test that mounts. */
static inline void namespace_needed(void)
{
	if (getenv("SHARED_PREP_NO_NAMESPACE"))
		skip();
}

static inline int namespace_setup(void **state)
{
	const struct scratch *t;

	if (scratch_setup(state) < 0)
		return -1;
	t = *state;
	if (getenv("SHARED_PREP_NO_NAMESPACE"))
		return 0;
	if (mount("scratch", t->path, "tmpfs", 0, "size=16m,mode=755") < 0)
		return -1;
	close(t->fd);
	((struct scratch *)*state)->fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

static inline int namespace_teardown(void **state)
{
	const struct scratch *t = *state;

	if (!getenv("SHARED_PREP_NO_NAMESPACE") && umount2(t->path, MNT_DETACH) < 0)
		return -1;
	return scratch_teardown(state);
}

#endif
