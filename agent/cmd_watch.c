/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/watch.h"

static const struct watch_options defaults = {.root = "/"};

static const struct opt opts[] = {
	{OPT_FLAG, 0, "once", offsetof(struct watch_options, once), NULL,
		"end when nothing is queued and nothing runs"},
	{OPT_STRING, 0, "root", offsetof(struct watch_options, root), "DIR",
		"work beneath DIR instead of /"},
	{OPT_STRING, 0, "spool", offsetof(struct watch_options, spool), "DIR",
		"the spool (default: jobs in the shared tmpfs)"},
	{0},
};

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	(void)operands;
	return watch_run(options, e);
}

const struct command cmd_watch = {
	.name = "watch",
	.operands = "",
	.summary = "run the jobs of the spool",
	.opts = opts,
	.options_size = sizeof(struct watch_options),
	.defaults = &defaults,
	.run = run,
};
