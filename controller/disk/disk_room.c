/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/disk/disk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define BLOCK 4096ULL

int disk_room(const char *path, uint64_t need, struct err *e)
{
	char want[NUM_TEXT], have[NUM_TEXT];
	struct statvfs st;
	uint64_t free;

	if (statvfs(path, &st) < 0)
		return err_errno(e, "cannot ask how much room is in '%s'", path);
	free = (uint64_t)st.f_bavail * st.f_frsize;
	if (need <= free)
		return 0;
	return err_set(e, ERR_SYSTEM, ENOSPC, "no room in '%s': need %s, have %s", path,
		num_size_text(need, want), num_size_text(free, have));
}

int disk_tree_sum(const char *path, struct disk_sum *ret, struct err *e)
{
	char *const paths[] = {(char *)(uintptr_t)path, NULL};
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	const FTSENT *f;

	if (!walk)
		return err_errno(e, "cannot read '%s'", path);
	*ret = (struct disk_sum){0};
	while ((f = fts_read(walk))) {
		const struct stat *st = f->fts_statp;
		uint64_t names = 1, bytes;

		if (f->fts_info == FTS_DP || f->fts_info == FTS_NS || f->fts_info == FTS_ERR)
			continue;
		/* Each name of a file comes here. */
		if (!S_ISDIR(st->st_mode) && st->st_nlink > 1)
			names = st->st_nlink;
		bytes = (uint64_t)st->st_blocks * 512 / names;
		ret->bytes += (bytes + BLOCK - 1) / BLOCK * BLOCK;
		ret->entries++;
	}
	fts_close(walk);
	return 0;
}
