/* SPDX-License-Identifier: Apache-2.0 */
/* A base that is a disk image: a copy of it, whose root is mounted. */
#include "controller/disk/disk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define SLACK     (64 * MIB) /* that a root has free beside what is added */
#define ALIGNMENT MIB

/* qcow2 may be compressed. */
#define COMPRESSION 4

static int qcow2_size(const struct disk *d, uint64_t *ret, struct err *e)
{
	unsigned char head[DISK_HEAD];
	auto_close int fd = open(d->o.base, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);

	if (n < 0)
		return err_errno(e, "cannot read '%s'", d->o.base);
	return disk_qcow2_check(head, (size_t)n, d->o.base, ret, e);
}

int disk_image_need(const struct disk *d, uint64_t *ret, struct err *e)
{
	struct stat st;
	uint64_t bytes, whole;

	if (stat(d->o.base, &st) < 0)
		return err_errno(e, "cannot read '%s'", d->o.base);
	bytes = (uint64_t)st.st_blocks * 512;
	if (d->kind == DISK_QCOW2) {
		int rc = qcow2_size(d, &whole, e);

		if (rc < 0)
			return rc;
		bytes = bytes * COMPRESSION < whole ? bytes * COMPRESSION : whole;
	}
	bytes += d->o.room;
	*ret = d->o.format == IMAGE_QCOW2 ? 2 * bytes : bytes;
	return 0;
}

static int copy(struct disk *d, struct err *e)
{
	char base[PATH_MAX + 2];
	const char *raw[] = {"cp", "--reflink=auto", "--sparse=always", base, d->file, NULL};
	const char *qcow2[] = {
		"qemu-img", "convert", "-f", "qcow2", "-O", "raw", base, d->file, NULL};
	const char *const *argv = d->kind == DISK_QCOW2 ? qcow2 : raw;

	/* What is behind "nbd:" or "json:" QEMU would ask others for. */
	snprintf(base, sizeof(base), "%s%s", *d->o.base == '/' ? "" : "./", d->o.base);
	return disk_run(&(struct disk_command){.argv = argv}, e);
}

static const char *filesystem_of(const struct disk *d)
{
	unsigned char head[66 * 1024];
	auto_close int fd = open(d->file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), (off_t)d->part.start);

	return n > 0 ? disk_filesystem(head, (size_t)n) : NULL;
}

static int find_root(struct disk *d, struct err *e)
{
	auto_free struct disk_table *t = calloc(1, sizeof(*t));
	const struct disk_part *root;
	int rc = t ? disk_table_read(d->file, t, e) : err_oom(e);

	if (rc == 0)
		rc = disk_table_root(t, d->file, &root, e);
	if (rc < 0)
		return rc;
	d->part = *root;
	d->part_is_last = disk_part_is_last(t, root);
	d->gpt = t->gpt;
	d->esp = t->esp;
	d->filesystem = filesystem_of(d);
	if (!d->filesystem)
		return err_set(e, ERR_DATA, EINVAL, "its root changes while it is read");
	return 0;
}

static int attach(const struct disk *d, int *ret_fd, char ret_path[static 32], struct err *e)
{
	return disk_attach(d->file, d->part.start, d->part.size, ret_fd, ret_path, e);
}

static int mount_root(struct disk *d, struct err *e)
{
	auto_close int fd = -1;
	char device[32];
	int rc = attach(d, &fd, device, e);

	if (rc < 0)
		return rc;
	if (mkdir(d->root, 0700) < 0 && errno != EEXIST)
		return err_errno(e, "cannot make '%s'", d->root);
	rc = disk_mount(device, d->filesystem, d->root, e);
	if (rc < 0)
		return rc;
	d->mounted = true;
	return disk_root_arch(d, e);
}

static int unmount_root(struct disk *d, struct err *e)
{
	int rc = disk_unmount(d->root, e);

	if (rc == 0)
		d->mounted = false;
	return rc;
}

/* --- more room */

static int grow_partition(const struct disk *d, struct err *e)
{
	char number[16];
	const char *move[] = {"sfdisk", "--quiet", "--relocate", "gpt-bak-std", d->file, NULL};
	const char *grow[] = {"sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", "-N", number,
		d->file, NULL};
	int rc = d->gpt ? disk_run(&(struct disk_command){.argv = move}, e) : 0;

	snprintf(number, sizeof(number), "%u", d->part.number);
	return rc < 0 ? rc : disk_run(&(struct disk_command){.argv = grow, .in = ", +\n"}, e);
}

/* Its place is asked for again: sfdisk has aligned it. */
static int grow_disk(struct disk *d, uint64_t more, struct err *e)
{
	struct stat st;
	int rc;

	if (!d->part_is_last)
		return err_set(e, ERR_CONFIG, ENOSPC,
			"its root has too little room, and a partition behind it: take a base "
			"with a larger root");
	if (stat(d->file, &st) < 0)
		return err_errno(e, "cannot read '%s'", d->file);
	more = (more + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (truncate(d->file, st.st_size + (off_t)more) < 0)
		return err_errno(e, "cannot make '%s' larger", d->file);
	rc = grow_partition(d, e);
	return rc < 0 ? rc : find_root(d, e);
}

static int grow_ext4(const struct disk *d, struct err *e)
{
	auto_close int fd = -1;
	char device[32];
	const char *check[] = {"e2fsck", "-f", "-y", device, NULL};
	const char *grow[] = {"resize2fs", device, NULL};
	struct err ignored = ERR_INIT;
	int rc = attach(d, &fd, device, e);

	if (rc < 0)
		return rc;
	/* Ends with 1 where it has corrected something; what it could not resize2fs refuses. */
	rc = disk_run(&(struct disk_command){.argv = check}, &ignored);
	if (rc == -ECANCELED) {
		*e = ignored;
		return rc;
	}
	return disk_run(&(struct disk_command){.argv = grow}, e);
}

static int grow_mounted(const struct disk *d, struct err *e)
{
	const char *xfs[] = {"xfs_growfs", d->root, NULL};
	const char *btrfs[] = {"btrfs", "filesystem", "resize", "max", d->root, NULL};
	const bool is_xfs = strcmp(d->filesystem, "xfs") == 0;
	const struct disk_program p = {
		is_xfs ? "xfs_growfs" : "btrfs", is_xfs ? "xfsprogs" : "btrfs-progs"};
	int rc = disk_programs(&p, 1, e);

	return rc < 0 ? rc : disk_run(&(struct disk_command){.argv = is_xfs ? xfs : btrfs}, e);
}

static int make_room(struct disk *d, struct err *e)
{
	const uint64_t want = d->o.room ? d->o.room + SLACK : 0;
	uint64_t free, more = 0;
	struct statvfs st;
	bool ext4;
	int rc;

	if (statvfs(d->root, &st) < 0)
		return err_errno(e, "cannot ask how much room its root has");
	free = (uint64_t)st.f_bavail * st.f_frsize;
	/* A file system has some use of its own for what it is given. */
	if (free < want)
		more = (want - free) / 16 * 17 + ALIGNMENT;
	if (d->o.size > d->part.size + more)
		more = d->o.size - d->part.size;
	if (more == 0)
		return 0;
	ext4 = strcmp(d->filesystem, "ext4") == 0;
	rc = unmount_root(d, e);
	if (rc == 0)
		rc = grow_disk(d, more, e);
	if (rc == 0 && ext4)
		rc = grow_ext4(d, e);
	if (rc == 0)
		rc = mount_root(d, e);
	return rc < 0 || ext4 ? rc : grow_mounted(d, e);
}

/* --- and back */

/* What is free in the file system is a hole in the file then; where that cannot be, it is none. */
static void trim(const struct disk *d)
{
	struct fstrim_range all = {.len = UINT64_MAX};
	auto_close int fd = open(d->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)!ioctl(fd, FITRIM, &all);
}

static int leave_root(struct disk *d, struct err *e)
{
	trim(d);
	return unmount_root(d, e);
}

const struct disk_step disk_image_open[] = {
	{"copy", true, copy},
	{"find its root", false, find_root},
	{"mount its root", false, mount_root},
	{"make room", false, make_room},
	{0},
};

const struct disk_step disk_image_make[] = {
	{"unmount its root", false, leave_root},
	{"write the image", false, disk_write},
	{"put it in its place", false, disk_place},
	{0},
};
