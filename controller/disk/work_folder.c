/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/disk/work_folder.h"

#include "common/auto.h"
#include "common/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_owner(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot use '%s'", path);
	if (st.st_uid != geteuid())
		return err_set(
			e, ERR_SYSTEM, EPERM, "'%s' belongs to another user: remove it", path);
	return fchmod(fd, 0700) < 0 ? err_errno(e, "cannot use '%s'", path) : 0;
}

int work_folder_take(const char *path, int *ret_fd, struct err *e)
{
	auto_close int fd = -1;
	int rc;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_errno(e, "cannot make '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "cannot use '%s'", path);
	rc = check_owner(fd, path, e);
	if (rc < 0)
		return rc;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, ERR_TRANSIENT, EBUSY, "another controller works in '%s'", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

int work_folder_clear(int fd, struct err *e)
{
	auto_close int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;
	int rc = 0;

	if (!d)
		return err_errno(e, "cannot read the folder that is worked in");
	again = -1;
	while (rc == 0 && (entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = fs_remove_tree(fd, entry->d_name, e);
	}
	return rc;
}
