/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/generator.h"
#include "common/log.h"
#include "config.h"

#include <signal.h>
#include <string.h>

/* Called by this name (systemd.generator(7)) the program writes the mount unit. */
#define GENERATOR_NAME "shared-prep-generator"

static const struct command *const commands[] = {
	&cmd_facts,
	&cmd_plan,
	&cmd_prepare,
	&cmd_release,
	&cmd_status,
	&cmd_unpack,
	&cmd_verify,
	&cmd_pack,
	&cmd_watch,
	&cmd_submit,
	&cmd_jobs,
	&cmd_cancel,
	&cmd_drain,
	&cmd_run_job,
	&cmd_run_unit,
	&cmd_record,
	&cmd_seal,
	&cmd_resize,
	NULL,
};

static const struct program program = {
	.name = PACKAGE_NAME,
	.version = PACKAGE_VERSION,
	.purpose = "the largest safe tmpfs, with the right build unpacked in it",
	.commands = commands,
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	int rc;

	/* Then writing fails, and what was begun is undone. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (argc > 0 && strcmp(base_name(argv[0]), GENERATOR_NAME) == 0)
		return generator_main(argc, argv);
	log_setup(PACKAGE_NAME, LOG_LEVEL_INFO);
	rc = opt_dispatch(&program, argc, argv, &e);
	if (rc < 0) {
		log_error("%s", e.msg);
		return err_exit_code(&e);
	}
	return rc;
}
