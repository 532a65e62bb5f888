/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/follow.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>

struct cancel_options {
	const char *spool;
};

static const struct opt opts[] = {
	{OPT_STRING, 0, "spool", offsetof(struct cancel_options, spool), "DIR",
		"the spool (default: $SHARED_PREP_SPOOL or " SPOOL_DEFAULT ")"},
	{0},
};

static int cancel(const struct spool *s, const char *id, struct err *e)
{
	enum spool_place place;

	if (!spool_is_id(id))
		return err_set(e, ERR_USAGE, EINVAL, "cancel: '%s' is not the ID of a job", id);
	place = spool_find(s, id);
	if (place == SPOOL_NOWHERE)
		return err_set(e, ERR_USAGE, ENOENT, "cancel: there is no job '%s'", id);
	/* Ended already: what was asked for is so. */
	return place == SPOOL_DONE || place == SPOOL_FAILED ? 0 : follow_cancel(s, id, e);
}

/* As kill(1): all are gone through, the first failure is the exit code. */
static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct cancel_options *o = options;
	auto_spool struct spool s = SPOOL_INIT;
	int rc = spool_open(AT_FDCWD, spool_default(o->spool), &s, e);
	int code = 0;

	if (rc < 0)
		return rc;
	for (int i = 0; i < operands->argc; i++) {
		struct err sub = ERR_INIT;

		if (cancel(&s, operands->argv[i], &sub) == 0)
			continue;
		log_error("%s", sub.msg);
		if (code == 0)
			code = err_exit_code(&sub);
	}
	return code;
}

const struct command cmd_cancel = {
	.name = "cancel",
	.operands = "ID...",
	.summary = "end jobs, or take them out of the queue",
	.opts = opts,
	.options_size = sizeof(struct cancel_options),
	.min_operands = 1,
	.max_operands = -1,
	.run = run,
};
