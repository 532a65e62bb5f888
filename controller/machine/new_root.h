/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a process moves to a root file system that is made for it, in a mount namespace that is its
 * own: what local_root.c and root_enter.c have in common. pivot_root(2).
 */
#ifndef CONTROLLER_NEW_ROOT_H
#define CONTROLLER_NEW_ROOT_H

#include "common/err.h"

#define NEW_ROOT_NODES 6

/* The host's devices that a root is given. */
struct new_root_host {
	int node[NEW_ROOT_NODES];
};

/* First: what is mounted from now on the host does not see. The caller calls new_root_close() in
 * every case. */
must_check int new_root_open(struct new_root_host *ret, struct err *e);
void new_root_close(struct new_root_host *h);

/* Fills the root's empty /dev; top is where the root is, "" once it is this process's, which
 * has a /proc: the nodes are mounted from descriptors there. */
must_check int new_root_devices(const struct new_root_host *h, const char *top, struct err *e);

/* A /proc of the caller's PID namespace. Nothing may lie on it: the kernel would not let commands
 * have theirs. */
must_check int new_root_proc(const char *path, struct err *e);

/* Moves to a directory that is a mount; the host's root then lies above it, until it is taken off.
 */
must_check int new_root_move(const char *dir, struct err *e);
must_check int new_root_uncover(struct err *e);

#endif
