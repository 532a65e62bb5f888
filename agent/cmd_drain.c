/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/rundir.h"
#include "agent/spool.h"
#include "common/clock.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>

/* A job that ends is noticed this late at most. */
#define LOOK_STEP  (100 * NSEC_PER_MSEC)
/* How long one may take to begin that was claimed before STOP was there. */
#define BEGIN_TIME (3 * NSEC_PER_SEC)

struct drain_options {
	const char *spool;
	uint64_t timeout;
	bool undo;
};

static const struct drain_options defaults = {.timeout = UINT64_MAX};

static const struct opt opts[] = {
	{OPT_DURATION, 0, "timeout", offsetof(struct drain_options, timeout), "TIME",
		"wait no longer than this (default: until none runs)"},
	{OPT_FLAG, 0, "undo", offsetof(struct drain_options, undo), NULL, "let jobs start again"},
	{OPT_STRING, 0, "spool", offsetof(struct drain_options, spool), "DIR",
		"the spool (default: $SHARED_PREP_SPOOL or " SPOOL_DEFAULT ")"},
	{0},
};

struct count {
	const struct spool *spool;
	unsigned running;
	unsigned claimed; /* and not begun yet */
};

static int count_one(const char *id, void *ctx)
{
	struct count *c = ctx;
	struct err e = ERR_INIT;
	struct rundir_lock lock;
	enum rundir_state state;
	auto_close int dir = -1;

	if (rundir_open(c->spool->run, id, &dir, &e) == 0 &&
		rundir_state(dir, &state, &lock, &e) == 0 && state != RUNDIR_EMPTY) {
		c->running += state != RUNDIR_CLAIMED;
		c->claimed += state == RUNDIR_CLAIMED;
	}
	return 0;
}

/* The watcher claims, then looks for STOP, then starts: what is not in run/ by now is not started.
 * What is there and has no lock may be about to begin; after a while it is one that waits, as those
 * in new/ do. */
static int wait_for_all(const struct spool *s, uint64_t deadline, struct err *e)
{
	uint64_t begun_by = clock_deadline(BEGIN_TIME);

	for (;;) {
		struct count c = {.spool = s};
		int rc = spool_each(s->run, count_one, &c, e);

		if (clock_left(begun_by) > 0)
			c.running += c.claimed;
		if (rc < 0 || c.running == 0)
			return rc;
		if (clock_left(deadline) == 0)
			return err_set(e, ERR_TRANSIENT, ETIMEDOUT,
				"drain: %u job(s) still run; none is started", c.running);
		clock_sleep(LOOK_STEP, deadline);
	}
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct drain_options *o = options;
	auto_spool struct spool s = SPOOL_INIT;
	int rc = spool_open(AT_FDCWD, spool_default(o->spool), &s, e);

	(void)operands;
	if (rc < 0)
		return rc;
	if (o->undo)
		return spool_unstop(&s, e);
	rc = spool_stop(&s, e);
	return rc < 0 ? rc
		      : wait_for_all(&s,
				o->timeout == UINT64_MAX ? CLOCK_FOREVER
							 : clock_deadline(o->timeout),
				e);
}

const struct command cmd_drain = {
	.name = "drain",
	.operands = "",
	.summary = "start no more jobs and wait until none runs",
	.opts = opts,
	.options_size = sizeof(struct drain_options),
	.defaults = &defaults,
	.run = run,
};
