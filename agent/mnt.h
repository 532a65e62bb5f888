/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tmpfs itself: options the running kernel takes, mounting, resizing while in use, unmounting.
 * The only user of <sys/mount.h>. tmpfs(5), Documentation/filesystems/tmpfs.rst.
 */
#ifndef AGENT_MNT_H
#define AGENT_MNT_H

#include "agent/plan.h"
#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

#define MNT_OPTIONS     8
#define MNT_OPTION_TEXT 128

/* size=, nr_inodes=, mode=: the first options, without which there is no mount. */
#define MNT_REQUIRED 3
#define MNT_MODE     2 /* which of them is mode= */

/* tmpfs options in the order given to the kernel, and those that it does not take. */
struct mnt_options {
	char taken[MNT_OPTIONS][MNT_OPTION_TEXT];
	unsigned n_taken;
	char dropped[MNT_OPTIONS][MNT_OPTION_TEXT];
	unsigned n_dropped;
};

/* Pure: what is asked for, untried: size, nr_inodes, mode=0755 (prepare opens it when all is
 * there), huge=, noswap, mpol= and, where
 * context is not NULL, rootcontext=. */
void mnt_options_wanted(const struct tmpfs_plan *p, const char *context, struct mnt_options *ret);

/*
 * The wanted options, each tried with fsopen/fsconfig on a superblock that is never mounted; where
 * the kernel has no such calls or this process may not use them, options that may be missing are
 * dropped by the release of the kernel. Never fails for a refused option, only when the kernel
 * refuses size itself.
 */
must_check int mnt_probe(
	const struct tmpfs_plan *p, const char *context, struct mnt_options *ret, struct err *e);

/* "size=…,nr_inodes=…,…,nosuid,nodev" for a mount unit. */
must_check int mnt_options_text(const struct mnt_options *o, char *out, size_t size, struct err *e);

/* Pure: the options that give such a mount again: of a text as mnt_options_text() or mountinfo have
 * it those that are ours, with this size and nr_inodes. A text that cannot be read is kind data. */
must_check int mnt_options_again(const char *text, uint64_t size, uint64_t nr_inodes,
	struct mnt_options *ret, struct err *e);

struct mnt_live {
	bool mounted;  /* path is the root of a tmpfs mount */
	uint64_t size; /* bytes */
	uint64_t used; /* bytes */
	uint64_t nr_inodes;
	uint64_t used_inodes;
	char options[512]; /* superblock and mount options as /proc/self/mountinfo has them */
};

/* A path that is another kind of mount is an error (-EEXIST); a symlink, an absent one and a
 * directory mounted on itself are not mounted. */
must_check int mnt_live(const char *path, struct mnt_live *ret, struct err *e);

/* Mounts with nosuid,nodev; the directory must exist and have nothing mounted on it (-EBUSY). */
must_check int mnt_mount(const char *path, const struct mnt_options *o, struct err *e);

/*
 * Changes size and nr_inodes of the live superblock: fspick + fsconfig, which works in a mount
 * namespace of a hardened unit and touches no mount flag; MS_REMOUNT with the live flags where
 * those calls are missing (before Linux 5.2). Below what is in use, or 0, which would be no limit:
 * -EBUSY, kind system, nothing changed.
 */
must_check int mnt_resize(const char *path, uint64_t size, uint64_t nr_inodes, struct err *e);

/* A private clone of the mount that dirfd is in, without what is mounted beneath it: an O_PATH
 * descriptor of the same directory, through which it is seen bare. */
must_check int mnt_clone(int dirfd, int *ret_fd, struct err *e);

/* Not mounted is success; busy is -EBUSY unless lazy. */
must_check int mnt_unmount(const char *path, bool lazy, struct err *e);

#endif
