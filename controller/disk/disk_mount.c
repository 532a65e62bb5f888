/* SPDX-License-Identifier: Apache-2.0 */
#include "common/fs.h"
#include "controller/disk/disk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#define TRIES 64 /* another process may take the device that was free */

int disk_namespace(struct err *e)
{
	if (!fs_confines())
		return err_set(e, ERR_SYSTEM, ENOSYS,
			"this kernel cannot keep the links of an image within it (openat2): use Linux "
			"5.6 or later");
	if (geteuid() != 0)
		return err_set(e, ERR_SYSTEM, EPERM,
			"disk images are made by root, for the owners of their files: use sudo");
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_errno(e, "cannot use mounts of its own");
	return 0;
}

static int configure(int file, int device, uint64_t offset, uint64_t size)
{
	struct loop_config c = {
		.fd = (__u32)file,
		.info = {.lo_offset = offset, .lo_sizelimit = size, .lo_flags = LO_FLAGS_AUTOCLEAR},
	};
	struct loop_info64 old = c.info;

	if (ioctl(device, LOOP_CONFIGURE, &c) == 0)
		return 0;
	/* before Linux 5.8 */
	if (errno != EINVAL && errno != ENOTTY)
		return -errno;
	if (ioctl(device, LOOP_SET_FD, file) < 0)
		return -errno;
	if (ioctl(device, LOOP_SET_STATUS64, &old) < 0) {
		const int num = errno;

		(void)ioctl(device, LOOP_CLR_FD, 0);
		return -num;
	}
	return 0;
}

int disk_attach(const char *file, uint64_t offset, uint64_t size, int *ret_fd,
	char ret_path[static 32], struct err *e)
{
	auto_close int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	auto_close int fd = open(file, O_RDWR | O_CLOEXEC);
	int rc = -EBUSY;

	if (fd < 0)
		return err_errno(e, "cannot open '%s'", file);
	if (control < 0)
		return err_errno(e, "cannot use loop devices (/dev/loop-control)");
	for (int i = 0; i < TRIES && rc == -EBUSY; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		auto_close int device = -1;

		if (number < 0)
			return err_errno(e, "cannot get a loop device");
		snprintf(ret_path, 32, "/dev/loop%d", number);
		device = open(ret_path, O_RDWR | O_CLOEXEC);
		if (device < 0)
			return err_errno(e, "cannot open '%s'", ret_path);
		rc = configure(fd, device, offset, size);
		if (rc == 0)
			*ret_fd = take_fd(&device);
	}
	if (rc < 0) {
		errno = -rc;
		return err_errno(e, "cannot attach '%s' to a loop device", file);
	}
	return 0;
}

int disk_mount(const char *device, const char *type, const char *path, struct err *e)
{
	static const struct {
		const char *type, *data;
	} rows[] = {
		/* A copy of an XFS has the UUID of its original, which may be mounted too. */
		{"xfs", "nouuid"},
		/* Else the file system says what an error in it does, up to a panic of this kernel.
		 */
		{"ext4", "errors=remount-ro"},
	};
	const char *data = NULL;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(type, rows[i].type) == 0)
			data = rows[i].data;
	}
	if (mount(device, path, type, MS_NODEV | MS_NOATIME, data) < 0)
		return err_errno(e, "cannot mount the root as %s", type);
	return 0;
}

int disk_unmount(const char *path, struct err *e)
{
	if (umount2(path, UMOUNT_NOFOLLOW) < 0)
		return err_errno(e, "cannot unmount '%s'", path);
	return 0;
}

void disk_detach(const char *path)
{
	(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
}
