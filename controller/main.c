/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"
#include "common/opt.h"
#include "config.h"
#include "controller/cmd.h"

#include <signal.h>

#define NAME "controller"

static const struct command *const commands[] = {
	&cmd_validate,
	&cmd_plan,
	&cmd_build,
	&cmd_userdata,
	&cmd_bake,
	&cmd_test,
	&cmd_ls,
	&cmd_gc,
	&cmd_retire,
	NULL,
};

static const struct program program = {
	.name = NAME,
	.version = PACKAGE_VERSION,
	.purpose = "builds apps for each kind of processor, on machines that go when they are done",
	.commands = commands,
};

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	int rc;

	/* Then writing fails, and what was begun is undone. */
	signal(SIGPIPE, SIG_IGN);
	log_setup(NAME, LOG_LEVEL_INFO);
	rc = opt_dispatch(&program, argc, argv, &e);
	if (rc < 0) {
		log_error("%s", e.msg);
		return err_exit_code(&e);
	}
	return rc;
}
