/* SPDX-License-Identifier: Apache-2.0 */
/* What a piece of a test writes to a standard descriptor, instead of showing it. */
#ifndef TESTS_UNIT_CAPTURE_H
#define TESTS_UNIT_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct capture {
	int target; /* 1 or 2 */
	int saved;
	int fd;
};

/* From now on target is fd, which stays the caller's. No assertion before capture_restore(). */
static inline void capture_replace(struct capture *c, int target, int fd)
{
	fflush(stdout);
	c->target = target;
	c->fd = fd;
	c->saved = dup(target);
	if (c->saved < 0 || dup2(fd, target) < 0)
		abort();
}

static inline void capture_restore(const struct capture *c)
{
	fflush(stdout);
	if (dup2(c->saved, c->target) < 0)
		abort();
	close(c->saved);
}

static inline void capture_start(struct capture *c, int target)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	if (fd < 0)
		abort();
	capture_replace(c, target, fd);
}

static inline void capture_end(const struct capture *c, char *out, size_t size)
{
	ssize_t n;

	capture_restore(c);
	n = pread(c->fd, out, size - 1, 0);
	out[n > 0 ? n : 0] = '\0';
	close(c->fd);
}

/* All that was written to a terminal, whose other side is closed by now. */
static inline void capture_read(int master, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < size - 1) {
		n = read(master, out + len, size - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	out[len] = '\0';
	close(master);
}

#endif
