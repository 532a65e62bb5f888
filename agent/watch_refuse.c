/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/watch_private.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Of whatever it is that was submitted. */
static void look_at_file(int dir, struct job_result *r, struct owner *o)
{
	struct stat st;

	if (fstatat(dir, "submitted", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	r->uid = st.st_uid;
	r->submitted = (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9;
	*o = (struct owner){
		.uid = st.st_uid, .gid = st.st_gid, .group = st.st_gid, .change = geteuid() == 0};
}

static int write_result(
	struct watch *w, const char *id, enum job_state state, const char *reason, struct err *e)
{
	struct job_result r = {.state = state, .exit = -1, .ended = result_now()};
	struct owner owner = {.change = false};
	auto_close int dir = -1;
	int rc = rundir_open(w->spool.run, id, &dir, e);

	if (rc < 0)
		return rc;
	look_at_file(dir, &r, &owner);
	snprintf(r.id, sizeof(r.id), "%s", id);
	snprintf(r.reason, sizeof(r.reason), "%.*s", RESULT_REASON - 1, reason);
	rc = result_write(dir, -1, &r, &w->machine, owner.change ? owner.group : (gid_t)-1, e);
	return rc == 0 ? rundir_show(dir, &owner, e) : rc;
}

void watch_refuse(
	struct watch *w, const char *name, bool claimed, enum job_state state, const char *reason)
{
	struct err e = ERR_INIT;
	char id[SPOOL_ID];
	int rc = 0;

	if (claimed)
		snprintf(id, sizeof(id), "%s", name);
	else
		rc = spool_claim(&w->spool, name, id, &e);
	if (rc == -ENOENT)
		return;
	if (rc == 0)
		rc = write_result(w, id, state, reason, &e);
	if (rc < 0) {
		/* It is found again: in new/, or claimed in run/. */
		log_warning("job '%s' cannot be put aside: %s", name, e.msg);
		return;
	}
	watch_put_away(w, id, state, reason, 0);
}
