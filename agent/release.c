/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/release.h"

#include "agent/ecs.h"
#include "agent/mnt.h"
#include "agent/publish.h"
#include "agent/seal.h"
#include "agent/settings.h"
#include "common/fs.h"

#include <stdio.h>
#include <string.h>

int release_run(const char *root, bool lazy, struct err *e)
{
	auto_settings struct settings s = {0};
	auto_close int rootfd = -1;
	char path[512];
	int rc = fs_root(root, &rootfd, e);

	if (rc == 0)
		rc = settings_load(rootfd, &s, e);
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "%s%s", strcmp(root, "/") == 0 ? "" : root, s.path);
	rc = mnt_unmount(path, lazy, e);
	if (rc == 0)
		rc = seal_remove(path, e);
	if (rc == 0)
		rc = ecs_release(rootfd, e);
	return rc == 0 ? fs_remove_tree(rootfd, &PUBLISH_RUN[1], e) : rc;
}
