/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/build/dist.h"

#include "common/auto.h"
#include "common/fs.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define REPORT "build.json"

int dist_enter(const char *dist, int *ret_fd, struct err *e)
{
	auto_close int fd = -1;
	int rc;

	if ((rc = fs_mkdir_p(AT_FDCWD, dist, 0755, e)) < 0 ||
		(rc = fs_open(AT_FDCWD, dist, O_RDONLY | O_DIRECTORY, 0, &fd, e)) < 0)
		return rc;
	if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return err_errno(e, "dist '%s'", dist);
	/* Not every network file system can. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return err_set(e, ERR_TRANSIENT, EBUSY,
			"dist '%s': another controller writes there: wait for its end, or give "
			"another dist=",
			dist);
	*ret_fd = take_fd(&fd);
	return 0;
}

int dist_images(const char *dist, char ret[static PATH_MAX], struct err *e)
{
	if (snprintf(ret, PATH_MAX, "%s/images", dist) >= PATH_MAX)
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "'%s' is too long", dist);
	return 0;
}

int dist_images_make(const char *dist, char ret[static PATH_MAX], struct err *e)
{
	int rc = dist_images(dist, ret, e);

	return rc < 0 ? rc : fs_mkdir_p(AT_FDCWD, ret, 0755, e);
}

int dist_report(const char *dist, const json_t *report, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(64 * MIB);
	char path[PATH_MAX];
	int rc = json_text(report, &text, e);

	if (rc < 0)
		return rc;
	if (snprintf(path, sizeof(path), "%s/" REPORT, dist) >= (int)sizeof(path))
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "'%s' is too long", dist);
	return fs_write_atomic(AT_FDCWD, path, 0644, text.data, text.len, e);
}
