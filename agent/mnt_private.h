/* SPDX-License-Identifier: Apache-2.0 */
/* For mnt*.c and their tests only. */
#ifndef AGENT_MNT_PRIVATE_H
#define AGENT_MNT_PRIVATE_H

#include "agent/mnt.h"

/* Moves one of the taken options to the dropped ones. */
void mnt_options_drop(struct mnt_options *o, unsigned i);

/* What decides where options cannot be tried. */
struct mnt_kernel {
	unsigned major, minor;
	bool huge_pages; /* CONFIG_TRANSPARENT_HUGEPAGE */
	bool selinux;
};

/* Pure: drops what that kernel does not know. */
void mnt_options_drop_for(struct mnt_options *o, const struct mnt_kernel *k);

struct mnt_found {
	int fd;         /* O_PATH of the mount's root, -1: no mount */
	bool read_only; /* the superblock, not just this mount of it */
	bool mount_read_only;
	struct mnt_live live;
};

/* The caller closes fd in every case. */
must_check int mnt_find(const char *path, struct mnt_found *ret, struct err *e);

/* Pure: one line of mountinfo (cut in place). 1: it is the mount of this id and ret is filled, 0:
 * of another, -EINVAL: no such line, -EEXIST: the mount, but not of a whole tmpfs. */
must_check int mnt_parse_line(char *line, uint64_t id, struct mnt_found *ret);

/* The two ways of mnt_resize(); -errno only, and the kernel's own words when it has some. */
must_check int mnt_reconfigure(int fd, uint64_t size, uint64_t nr_inodes, char words[static 128]);
must_check int mnt_remount(const struct mnt_found *f, uint64_t size, uint64_t nr_inodes);

/* The mount(2) way of mnt_mount(); -errno only. */
must_check int mnt_mount_old(int dirfd, const struct mnt_options *o);

#endif
