/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/watch_private.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>

static void hold(void *ctx, const char *reason)
{
	watch_hold(ctx, reason);
}

static void end(void *ctx, const char *reason)
{
	watch_end_all(ctx, reason);
}

static void end_now(void *ctx)
{
	watch_kill_all(ctx);
}

static unsigned running(void *ctx)
{
	return watch_running(ctx);
}

static void on_interruption(struct executor_event *ev, uint32_t events)
{
	struct watch *w = WATCH_OF(ev, on_interruption);

	(void)events;
	interruption_turn(w->interruption);
}

/* For the retention: what is to be saved and has not been stays. */
static int keep_unsaved(int folder, const char *id, void *ctx)
{
	struct watch *w = ctx;
	struct stat st;

	if (fstatat(folder, id, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return interruption_is_saved(w->interruption, st.st_ctim.tv_sec) ? 0 : -1;
}

int watch_open_interruption(struct watch *w, struct err *e)
{
	const struct interruption_setup setup = {
		.rootfd = w->root,
		.settings = &w->settings,
		.spool = w->spool.path,
		.jobs = {.ctx = w, .hold = hold, .end = end, .kill = end_now, .running = running},
	};
	int rc = interruption_open(&setup, &w->interruption, e);

	if (rc < 0)
		return rc;
	w->retention.before = keep_unsaved;
	w->retention.ctx = w;
	w->on_interruption.ready = on_interruption;
	return watch_add(w, interruption_fd(w->interruption), EPOLLIN, &w->on_interruption, e);
}
