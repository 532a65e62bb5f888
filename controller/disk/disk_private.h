/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the disk_*.c files alone. */
#ifndef CONTROLLER_DISK_PRIVATE_H
#define CONTROLLER_DISK_PRIVATE_H

#include "common/buf.h"
#include "common/num.h"
#include "controller/disk/disk.h"

#include <limits.h>
#include <stddef.h>

#define DISK_SECTOR ((uint64_t)512)

enum disk_kind { DISK_RAW, DISK_QCOW2, DISK_TAR, DISK_DIR, DISK_DEBIAN };

#define DISK_PARTS 128

struct disk_part {
	unsigned number; /* from 1 */
	uint64_t start;  /* bytes */
	uint64_t size;
	char type[40]; /* a GUID, or of an MBR "83" */
	bool root;     /* by its type */
	bool linux_data;
};

/* Bytes of an image that is made from a tree. */
struct disk_layout {
	bool initrd;
	uint64_t esp_start, esp_size;
	uint64_t root_start, root_size;
	uint64_t entries; /* of the root */
	uint64_t bytes;   /* all in all */
	char esp_id[37], root_id[37], root_uuid[37], table_id[37];
	char epoch[24]; /* seconds, for what would tell the time */
};

struct disk {
	struct disk_options o;
	enum disk_kind kind;
	int work_fd;                 /* of RESULT.partial, locked */
	char work[PATH_MAX];         /* its path */
	char file[PATH_MAX + 16];    /* the raw image there */
	char root[PATH_MAX + 16];    /* the root there: what is unpacked, or where it is mounted */
	char out[PATH_MAX + 16];     /* what becomes the result */
	char cached[PATH_MAX + 256]; /* of "debian:SUITE": the tar file; else "" */
	char arch[16];
	bool mounted;
	/* Of a disk image: the partition that has the root. */
	struct disk_part part;
	bool part_is_last, gpt, esp;
	const char *filesystem;
	struct disk_layout layout; /* of one that is made from a tree */
};

struct disk_step {
	const char *name;
	bool of_base; /* say of what */
	int (*run)(struct disk *d, struct err *e);
};

/* --- disk_tool.c: programs of others */

struct disk_program {
	const char *name, *package;
};

/* One error for all that are missing, with the packages they are in. */
must_check int disk_programs(const struct disk_program *p, size_t n, struct err *e);

struct disk_command {
	const char *const *argv;
	const char *in;     /* its standard input; NULL: none */
	struct buf *out;    /* gets its standard output; may be NULL */
	enum err_kind kind; /* of the error when it fails; ERR_NONE: system */
};

/* Waits; ends it when we are asked to end. An error is what it printed last. */
must_check int disk_run(const struct disk_command *c, struct err *e);

/* --- disk_base.c: what a base is */

#define DISK_HEAD 4096

/* By the first bytes of a file. Kind config: nothing that can be used. Pure. */
must_check int disk_recognise(const unsigned char *head, size_t len, const char *path,
	enum disk_kind *ret, struct err *e);

/* A qcow2 whose data is in other files too is refused; else its size. Pure. */
must_check int disk_qcow2_check(
	const unsigned char *head, size_t len, const char *path, uint64_t *ret_size, struct err *e);

must_check int disk_kind_of(const char *base, enum disk_kind *ret, struct err *e);

/* --- disk_part.c: partitions, as `sfdisk --json` tells them */

struct disk_table {
	bool gpt;
	bool esp; /* it has an EFI system partition */
	struct disk_part part[DISK_PARTS];
	size_t n;
};

/* bytes is the size of the disk, which no partition exceeds. Kind data. Pure. */
must_check int disk_table_parse(
	const char *json, size_t len, uint64_t bytes, struct disk_table *ret, struct err *e);

must_check int disk_table_read(const char *file, struct disk_table *ret, struct err *e);

/* "ext4", "xfs", "btrfs" or NULL: by a superblock at the start of it, len bytes. Pure. */
const char *disk_filesystem(const unsigned char *head, size_t len);

/* Which of them has the root: by its type, else the largest with a file system of Linux. Kind data.
 */
must_check int disk_table_root(
	const struct disk_table *t, const char *file, const struct disk_part **ret, struct err *e);

/* No other begins behind it. */
bool disk_part_is_last(const struct disk_table *t, const struct disk_part *p);

/* --- disk_mount.c */

/* A loop device on bytes of a file, gone when nothing uses it any more. *ret_fd holds it. */
must_check int disk_attach(const char *file, uint64_t offset, uint64_t size, int *ret_fd,
	char ret_path[static 32], struct err *e);

must_check int disk_mount(const char *device, const char *type, const char *path, struct err *e);
must_check int disk_unmount(const char *path, struct err *e);

/* However busy it is. */
void disk_detach(const char *path);

/* --- disk_room.c */

/* There is room for so many more bytes where path is. Kind system. */
must_check int disk_room(const char *path, uint64_t need, struct err *e);

struct disk_sum {
	uint64_t bytes;   /* as blocks of 4 KiB */
	uint64_t entries; /* files, folders and the like */
};

/* What a tree takes; mounts beneath are left out. */
must_check int disk_tree_sum(const char *path, struct disk_sum *ret, struct err *e);

/* --- the steps of both kinds of base */

/* Each ends with a row without a name. */
extern const struct disk_step disk_image_open[], disk_image_make[];
extern const struct disk_step disk_tar_open[], disk_dir_open[], disk_debian_open[];
extern const struct disk_step disk_tree_make[];

/* In bytes of the result's file system, all in all, before anything is written. */
must_check int disk_image_need(const struct disk *d, uint64_t *ret, struct err *e);
must_check int disk_tree_need(struct disk *d, uint64_t *ret, struct err *e);

/* disk_tree.c: sets d->cached, the tar file of "debian:SUITE". */
must_check int disk_debian_path(struct disk *d, struct err *e);

/* disk_root.c: what a root is to have, sought beneath it wherever its links lead. */

/* Sets d->arch by its programs. */
must_check int disk_root_arch(struct disk *d, struct err *e);

struct disk_kernel {
	char kernel[PATH_MAX]; /* in the root */
	char initrd[PATH_MAX]; /* the same; "": there is none */
};

/* Init and a kernel, the newest. Kind config, with the package that is missing. */
must_check int disk_root_kernel(const struct disk *d, struct disk_kernel *ret, struct err *e);

/* Copies a file of the root, or of ours where rootfd is AT_FDCWD. */
must_check int disk_copy_file(
	int rootfd, const char *from, const char *to, uint64_t *ret_size, struct err *e);

/* disk_boot.c: d->file from d->root. */
must_check int disk_boot_find(struct disk *d, struct err *e);
must_check int disk_boot_table(struct disk *d, struct err *e);
must_check int disk_boot_esp(struct disk *d, struct err *e);
must_check int disk_boot_root(struct disk *d, struct err *e);

/* disk.c: d->out from d->file, which then is the result. */
must_check int disk_write(struct disk *d, struct err *e);
must_check int disk_place(struct disk *d, struct err *e);

#endif
