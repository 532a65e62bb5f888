/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/recorder.h"
#include "agent/rundir.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>

struct run_job_options {
	const char *root;
	const char *spool;
};

static const struct run_job_options defaults = {.root = "/"};

static const struct opt opts[] = {
	{OPT_STRING, 0, "root", offsetof(struct run_job_options, root), "DIR",
		"read the configuration beneath DIR instead of /"},
	{OPT_STRING, 0, "spool", offsetof(struct run_job_options, spool), "DIR",
		"the spool (default: $SHARED_PREP_SPOOL or " SPOOL_DEFAULT ")"},
	{0},
};

struct by_hand {
	int root;
	struct settings settings;
	struct spool spool;
	struct owner_policy owners;
	struct recorder recorder;
};

static void by_hand_free(struct by_hand *b)
{
	recorder_close(&b->recorder);
	spool_close(&b->spool);
	settings_free(&b->settings);
	auto_close_fn(&b->root);
}

static int open_all(const struct run_job_options *o, struct by_hand *b, struct err *e)
{
	struct executor_setup setup = {
		.spool = &b->spool, .owners = &b->owners, .settings = &b->settings.jobs};
	int rc = fs_root(o->root, &b->root, e);

	if (rc == 0)
		rc = settings_load(b->root, &b->settings, e);
	if (rc == 0)
		rc = spool_open(AT_FDCWD, spool_default(o->spool), &b->spool, e);
	if (rc == 0)
		rc = owner_policy_read(b->root, b->settings.jobs.job_user,
			b->settings.jobs.allow_root, &b->owners, e);
	setup.root = b->root;
	return rc == 0 ? recorder_open(&setup, true, &b->recorder, e) : rc;
}

/* Whoever runs it by hand has decided that there is room for it. */
static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	__attribute__((cleanup(by_hand_free))) struct by_hand b = {
		.root = -1, .spool = SPOOL_INIT, .recorder = {.null = -1, .signals = -1}};
	struct executor_ended ended;
	const char *id = operands->argv[0];
	int rc;

	if (!spool_is_id(id))
		return err_set(e, ERR_USAGE, EINVAL, "run-job: '%s' is not the ID of a job", id);
	rc = open_all(options, &b, e);
	if (rc == 0)
		rc = recorder_run(&b.recorder, id, NULL, &ended, e);
	return rc < 0 ? err_ctx(e, "run-job") : 0;
}

const struct command cmd_run_job = {
	.name = "run-job",
	.operands = "ID",
	.summary = "run one claimed job of the spool and write its result",
	.opts = opts,
	.options_size = sizeof(struct run_job_options),
	.defaults = &defaults,
	.min_operands = 1,
	.max_operands = 1,
	.hidden = true,
	.run = run,
};
