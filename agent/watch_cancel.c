/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/watch_private.h"
#include "common/fs.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TMP_AGE 3600 /* s: what was left in tmp/ by a submitter who died */

/* Whose job it is, where it is; false: nowhere that it could be cancelled. */
static bool owner_of(const struct watch *w, const char *id, enum spool_place place, uid_t *ret)
{
	char path[SPOOL_ID + sizeof("/submitted")];
	struct stat st;

	snprintf(path, sizeof(path), place == SPOOL_RUN ? "%s/submitted" : "%s", id);
	if (fstatat(place == SPOOL_RUN ? w->spool.run : w->spool.new, path, &st,
		    AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	*ret = st.st_uid;
	return true;
}

static void cancel_job(struct watch *w, const char *id, uid_t by)
{
	struct watch_running *r = watch_find(w, id);
	enum spool_place place = r ? SPOOL_RUN : spool_find(&w->spool, id);
	char reason[64];
	uid_t owner;

	if ((place != SPOOL_NEW && place != SPOOL_RUN) || !owner_of(w, id, place, &owner))
		return;
	if (by != 0 && by != owner) {
		watch_say(LOG_LEVEL_WARNING, id,
			"job '%s' is not cancelled for user %u: it is "
			"of user %u",
			id, by, owner);
		return;
	}
	snprintf(reason, sizeof(reason), "cancelled by user %u", by);
	if (r)
		watch_stop_job(w, r, JOB_CANCELLED, reason);
	else
		watch_refuse(w, id, place == SPOOL_RUN, JOB_CANCELLED, reason);
}

/* The name is all that counts, and whose file it is. What somebody filled is left to him: to remove
 * it might take long. */
void watch_cancel(struct watch *w, const char *id)
{
	struct stat st;

	if (fstatat(w->spool.cancel, id, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (spool_is_id(id))
		cancel_job(w, id, st.st_uid);
	if (unlinkat(w->spool.cancel, id, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) < 0 &&
		errno != ENOENT && errno != ENOTEMPTY)
		log_warning("cannot remove the request to cancel '%s': %s", id, strerror(errno));
}

static int cancel_one(const char *id, void *ctx)
{
	watch_cancel(ctx, id);
	return 0;
}

void watch_scan_cancel(struct watch *w)
{
	struct err e = ERR_INIT;

	if (spool_each(w->spool.cancel, cancel_one, w, &e) < 0)
		log_warning("%s", e.msg);
}

static int sweep_one(const char *name, void *ctx)
{
	struct watch *w = ctx;
	struct err e = ERR_INIT;
	struct stat st;

	if (fstatat(w->spool.tmp, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		st.st_mtim.tv_sec < time(NULL) - TMP_AGE &&
		st.st_ctim.tv_sec < time(NULL) - TMP_AGE &&
		fs_remove_tree(w->spool.tmp, name, &e) < 0)
		log_warning("%s", e.msg);
	return 0;
}

void watch_sweep_tmp(struct watch *w)
{
	struct err e = ERR_INIT;

	if (spool_each(w->spool.tmp, sweep_one, w, &e) < 0)
		log_warning("%s", e.msg);
}
