/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories beneath a top directory, opened without passing a symbolic link, a mount or "..":
 * openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV, or one component at a
 * time with O_NOFOLLOW where the kernel or a filter has no openat2. Paths went through
 * entry_path().
 */
#ifndef AGENT_UNPACK_BENEATH_H
#define AGENT_UNPACK_BENEATH_H

#include "agent/unpack/entry.h"

#include <limits.h>

struct beneath {
	int top;    /* not owned */
	bool walk;  /* no openat2: found out, or asked for */
	int cached; /* descriptor of the directory cached_path, -1: none */
	char cached_path[ENTRY_PATH];
	/* Called for each directory that was missing and has been made, with mode 0700. */
	int (*made)(void *ctx, const char *path, struct err *e);
	void *ctx;
};

void beneath_init(struct beneath *b, int top, bool walk);
void beneath_free(struct beneath *b);

/* A new descriptor of the directory path ("": the top) for reading or O_PATH. Returns -errno only:
 * -ENOENT, -ENOTDIR or -ELOOP where something else is in the way. */
must_check int beneath_open(struct beneath *b, const char *path, int flags);

/* The directory that holds path, made if missing, and path's last component. The descriptor belongs
 * to b and is valid until the next call. Kind data, naming what is in the way. */
must_check int beneath_parent(struct beneath *b, const char *path, int *ret_fd,
	char ret_name[static NAME_MAX + 1], struct err *e);

/* To be called when a directory was removed. */
void beneath_forget(struct beneath *b);

#endif
