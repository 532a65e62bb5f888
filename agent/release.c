/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/release.h"

#include "agent/ecs.h"
#include "agent/lock.h"
#include "agent/mnt.h"
#include "agent/prepare.h"
#include "agent/publish.h"
#include "agent/seal.h"
#include "agent/settings.h"
#include "common/fs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* What is mounted counts, not what the configuration has come to say. */
static int find_path(int rootfd, char ret[static PREPARE_PATH], struct err *e)
{
	auto_settings struct settings s = {0};
	int rc;

	if (prepare_saved_path(rootfd, ret))
		return 0;
	rc = settings_load(rootfd, &s, e);
	if (rc < 0)
		return rc;
	snprintf(ret, PREPARE_PATH, "%s", s.path);
	return 0;
}

static int unmount(const char *root, int rootfd, bool lazy, struct err *e)
{
	char beneath[PREPARE_PATH], path[PATH_MAX];
	int rc = find_path(rootfd, beneath, e);

	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "%s%s", strcmp(root, "/") == 0 ? "" : root, beneath);
	rc = mnt_unmount(path, lazy, e);
	return rc == 0 ? seal_remove(path, e) : rc;
}

int release_run(const char *root, bool lazy, struct err *e)
{
	auto_close int rootfd = -1;
	auto_close int lock = -1;
	bool made;
	int rc = fs_root(root, &rootfd, e);

	if (rc == 0 && fs_exists(rootfd, PUBLISH_RUN))
		rc = lock_take(rootfd, &lock, &made, e);
	if (rc == 0)
		rc = unmount(root, rootfd, lazy, e);
	if (rc == 0)
		rc = fs_remove_tree(rootfd, &PUBLISH_RUN[1], e);
	return rc == 0 ? ecs_release(rootfd, e) : rc;
}
