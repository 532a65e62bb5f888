/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/lock.h"

#include "agent/publish.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LOCK_FILE PUBLISH_RUN "/lock"

static int is_held(struct err *e)
{
	return err_set(e, ERR_TRANSIENT, EWOULDBLOCK,
		"another run holds '" LOCK_FILE "': try again when it has ended");
}

int lock_take(int rootfd, int *ret_fd, bool *ret_made, struct err *e)
{
	bool made = !fs_exists(rootfd, PUBLISH_RUN);
	auto_close int fd = -1;
	struct stat st;
	int rc = fs_mkdir_p(rootfd, PUBLISH_RUN, 0755, e);

	if (rc == 0)
		rc = fs_open(rootfd, LOCK_FILE, O_RDWR | O_CREAT, 0600, &fd, e);
	if (rc < 0)
		return rc;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return is_held(e);
	/* Its last holder removed it between our open and our lock. */
	if (fstat(fd, &st) < 0 || st.st_nlink == 0)
		return is_held(e);
	*ret_fd = take_fd(&fd);
	*ret_made = made;
	return 0;
}
