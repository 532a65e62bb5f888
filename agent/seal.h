/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory beneath the mount: mode 000 and immutable (FS_IMMUTABLE_FL, ioctl_iflags(2)), so
 * that whatever writes to it before the tmpfs is there fails loudly instead of filling the root
 * disk. Where the file system has no such flag the mode alone stays, and ret_immutable says so.
 */
#ifndef AGENT_SEAL_H
#define AGENT_SEAL_H

#include "common/err.h"

#include <stdbool.h>

/* Makes the directory if needed. Refused (-ENOTEMPTY) when it holds something, or is a symlink;
 * when path is a mount point already, the directory beneath is reached by a private non-recursive
 * clone of the parent mount. */
must_check int seal_apply(const char *path, bool *ret_immutable, struct err *e);

/* Unseals the unmounted directory and removes it; absent or not sealed (never ours): left as it is,
 * success. */
must_check int seal_remove(const char *path, struct err *e);

#endif
