/* SPDX-License-Identifier: Apache-2.0 */
#include "common/fs.h"
#include "controller/arch.h"
#include "controller/disk/disk_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define MODULES  "/usr/lib/modules"
#define FILE_MAX GIB /* of a kernel or an initrd */

static int open_root(const struct disk *d, int *ret, struct err *e)
{
	return fs_root(d->root, ret, e);
}

/* "" where it is no program of a kind that is known. */
static const char *arch_of(int rootfd, const char *path)
{
	struct err ignored = ERR_INIT;
	auto_close int fd = -1;
	const char *arch = NULL;

	if (fs_open_file(rootfd, path, &fd, &ignored) == 0)
		arch = arch_of_program(fd);
	return arch ? arch : "";
}

int disk_root_arch(struct disk *d, struct err *e)
{
	static const char *const programs[] = {
		"/sbin/init", "/bin/sh", "/bin/bash", "/bin/busybox"};
	auto_close int rootfd = -1;
	int rc = open_root(d, &rootfd, e);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(programs); i++) {
		const char *arch = arch_of(rootfd, programs[i]);

		if (*arch) {
			snprintf(d->arch, sizeof(d->arch), "%s", arch);
			return 0;
		}
	}
	return rc < 0 ? rc
		      : err_set(e, ERR_CONFIG, ENOENT,
				"there is no Linux for x86_64 or aarch64: no /sbin/init and no "
				"/bin/sh");
}

/* The newest of names that begin so; "" where there is none. */
static void newest(int rootfd, const char *folder, const char *prefix, char out[static PATH_MAX])
{
	struct err ignored = ERR_INIT;
	auto_close int fd = -1;
	auto_dir DIR *d = NULL;
	const struct dirent *entry;
	char best[NAME_MAX + 1] = "";

	*out = '\0';
	if (fs_open(rootfd, folder, O_RDONLY | O_DIRECTORY, 0, &fd, &ignored) < 0)
		return;
	d = fdopendir(fd);
	if (!d)
		return;
	fd = -1;
	while ((entry = readdir(d))) {
		if (entry->d_name[0] != '.' &&
			strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
			!strstr(entry->d_name, "rescue") && strverscmp(entry->d_name, best) > 0)
			snprintf(best, sizeof(best), "%s", entry->d_name);
	}
	if (*best)
		snprintf(out, PATH_MAX, "%s/%s", folder, best);
}

/* As Debian, those with RPM, and SUSE call it. */
static void find_initrd(int rootfd, const char *version, char out[static PATH_MAX])
{
	static const char *const form[][2] = {
		{"/boot/initrd.img-", ""}, {"/boot/initramfs-", ".img"}, {"/boot/initrd-", ""}};

	for (size_t i = 0; i < ARRAY_LEN(form); i++) {
		snprintf(out, PATH_MAX, "%s%s%s", form[i][0], version, form[i][1]);
		if (fs_exists(rootfd, out))
			return;
	}
	*out = '\0';
}

int disk_root_kernel(const struct disk *d, struct disk_kernel *ret, struct err *e)
{
	const char *deb = arch_is_arm(d->arch) ? "arm64" : "amd64";
	auto_close int rootfd = -1;
	char version[NAME_MAX + 1], folder[PATH_MAX];
	int rc = open_root(d, &rootfd, e);

	if (rc < 0)
		return rc;
	if (!fs_exists(rootfd, "/sbin/init"))
		return err_set(e, ERR_CONFIG, ENOENT,
			"the root has no /sbin/init: add the package systemd-sysv (Debian) or "
			"systemd");
	newest(rootfd, "/boot", "vmlinuz-", ret->kernel);
	snprintf(version, sizeof(version), "%.*s", NAME_MAX,
		*ret->kernel ? ret->kernel + strlen("/boot/vmlinuz-") : "");
	if (!*ret->kernel) {
		newest(rootfd, MODULES, "", folder);
		snprintf(version, sizeof(version), "%.*s", NAME_MAX,
			*folder ? folder + strlen(MODULES "/") : "");
		snprintf(ret->kernel, sizeof(ret->kernel), MODULES "/%s/vmlinuz", version);
	}
	if (!*version || !fs_exists(rootfd, ret->kernel))
		return err_set(e, ERR_CONFIG, ENOENT,
			"the root has no kernel in /boot: add the package linux-image-cloud-%s "
			"(Debian) or kernel",
			deb);
	find_initrd(rootfd, version, ret->initrd);
	return 0;
}

int disk_copy_file(int rootfd, const char *from, const char *to, uint64_t *ret_size, struct err *e)
{
	auto_close int in = -1;
	auto_close int out = -1;
	struct stat st;
	off_t left;
	int rc = fs_open_file(rootfd, from, &in, e);

	if (rc < 0)
		return rc;
	if (fstat(in, &st) < 0 || (uint64_t)st.st_size > FILE_MAX)
		return err_set(e, ERR_DATA, EFBIG, "'%s' is too large", from);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0)
		return err_errno(e, "cannot make '%s'", to);
	for (left = st.st_size; left > 0;) {
		ssize_t n = sendfile(out, in, NULL, (size_t)left);

		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return err_errno(e, "cannot copy '%s'", from);
		left -= n;
	}
	*ret_size = (uint64_t)st.st_size;
	return 0;
}
