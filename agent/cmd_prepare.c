/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/prepare.h"

static const struct prepare_options defaults = {.root = "/"};

static const struct opt prepare_opts[] = {
	{OPT_STRING, 0, "instance-type", offsetof(struct prepare_options, instance_type), "TYPE",
		"take this instance type instead of what the machine tells"},
	{OPT_STRING, 0, "root", offsetof(struct prepare_options, root), "DIR",
		"work beneath DIR instead of /"},
	{OPT_FLAG, 'q', "quiet", offsetof(struct prepare_options, quiet), NULL, "show no progress"},
	{OPT_FLAG, 0, "service", offsetof(struct prepare_options, service), NULL,
		"run as shared-prep.service: the service manager mounts, and is told of readiness"},
	{0},
};

static int run_prepare(const void *options, const struct opt_operands *operands, struct err *e)
{
	(void)operands;
	return prepare_run(options, e);
}

const struct command cmd_prepare = {
	.name = "prepare",
	.operands = "",
	.summary = "mount the tmpfs, unpack the matching archives, publish facts",
	.opts = prepare_opts,
	.options_size = sizeof(struct prepare_options),
	.defaults = &defaults,
	.run = run_prepare,
};

static int run_resize(const void *options, const struct opt_operands *operands, struct err *e)
{
	(void)operands;
	return prepare_resize(options, e);
}

const struct command cmd_resize = {
	.name = "resize",
	.operands = "",
	.summary = "bring the live tmpfs to the planned size (run by shared-prep.service)",
	.opts = prepare_opts,
	.options_size = sizeof(struct prepare_options),
	.defaults = &defaults,
	.hidden = true,
	.run = run_resize,
};
