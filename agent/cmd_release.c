/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/release.h"

struct release_options {
	const char *root;
	bool lazy;
};

static const struct release_options defaults = {.root = "/"};

static const struct opt opts[] = {
	{OPT_STRING, 0, "root", offsetof(struct release_options, root), "DIR",
		"work beneath DIR instead of /"},
	{OPT_FLAG, 0, "lazy", offsetof(struct release_options, lazy), NULL,
		"also when it is in use: it goes when its last user does"},
	{0},
};

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct release_options *o = options;

	(void)operands;
	return release_run(o->root, o->lazy, e);
}

const struct command cmd_release = {
	.name = "release",
	.operands = "",
	.summary = "undo prepare: unmount, unseal, and take back what was published",
	.opts = opts,
	.options_size = sizeof(struct release_options),
	.defaults = &defaults,
	.run = run,
};
