/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/follow.h"
#include "agent/submit.h"
#include "common/fs.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As env(1) and others have it: what is run uses the lower ones. */
#define EXIT_SUBMIT_FAILED 125
#define EXIT_SIGNAL        128 /* and its number */

struct submit_options {
	struct job_options job;
	const char *spool;
	const char *array;
	bool wait;
};

static const struct submit_options defaults = {.job = JOB_OPTION_DEFAULTS};

static const struct opt opts[] = {
	{OPT_FLAG, 'w', "wait", offsetof(struct submit_options, wait), NULL,
		"wait for it, copy its output, end as it ends"},
	JOB_OPTION_ROWS(struct submit_options, job),
	{OPT_STRING, 'a', "array", offsetof(struct submit_options, array), "A-B",
		"one job for each number"},
	{OPT_STRING, 0, "spool", offsetof(struct submit_options, spool), "DIR",
		"the spool (default: $SHARED_PREP_SPOOL or " SPOOL_DEFAULT ")"},
	{0},
};

static int read_input(struct buf *input, struct err *e)
{
	int rc = fs_read_fd(STDIN_FILENO, "standard input", input, e);

	if (rc == -EFBIG)
		e->kind = ERR_USAGE;
	return rc;
}

static int check(const struct submit_options *o, struct err *e)
{
	struct job j = {.options = o->job};
	uint64_t first, last;

	if (o->wait && o->array)
		return err_set(
			e, ERR_USAGE, EINVAL, "submit: --wait is for one job, not for --array");
	if (o->array && submit_array(o->array, &first, &last, e) < 0)
		return -e->num;
	return job_check(&j, e);
}

static int submit_array_of(struct submit *s, const char *array, struct err *e)
{
	uint64_t first, last;
	char id[SPOOL_ID];
	int rc = submit_array(array, &first, &last, e);

	for (uint64_t i = first; rc == 0 && i <= last; i++) {
		rc = submit_job(s, i, id, e);
		if (rc == 0)
			printf("%s\n", id);
	}
	return rc;
}

static int wait_for(const struct spool *spool, const char *id, struct err *e)
{
	struct job_result r;
	int rc = follow_job(
		&(struct follow){.spool = spool, .id = id, .copy = true, .cancels = true}, &r, e);

	if (rc < 0)
		return rc;
	if (rc > 0) {
		log_warning("job '%s' is not waited for; it has been told to end", id);
		return EXIT_SIGNAL + rc;
	}
	if (r.state != JOB_DONE)
		log_info("job '%s' %s: %s", id, job_state_name(r.state), r.reason);
	return result_exit_code(&r);
}

static int submit(const struct submit_options *o, char *const *argv, struct err *e)
{
	auto_spool struct spool spool = SPOOL_INIT;
	auto_buf struct buf input = BUF_INIT(SPOOL_JOB_MAX);
	struct submit s = {.spool = &spool, .options = &o->job, .argv = argv};
	char id[SPOOL_ID];
	int rc = check(o, e);

	if (rc == 0)
		rc = spool_open(AT_FDCWD, spool_default(o->spool), &spool, e);
	if (rc == 0 && o->job.input) {
		rc = read_input(&input, e);
		s.input = &input;
	}
	if (rc < 0 || o->array)
		return rc < 0 ? rc : submit_array_of(&s, o->array, e);
	rc = submit_job(&s, SUBMIT_NO_ARRAY, id, e);
	if (rc < 0)
		return rc;
	if (o->wait)
		return wait_for(&spool, id, e);
	printf("%s\n", id);
	return 0;
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	return submit(options, operands->argv, e);
}

static int failed(const struct err *e)
{
	log_error("%s", e->msg);
	return EXIT_SUBMIT_FAILED;
}

const struct command cmd_submit = {
	.name = "submit",
	.operands = "[--] CMD [ARG]...",
	.summary = "submit a command as a job",
	.opts = opts,
	.options_size = sizeof(struct submit_options),
	.defaults = &defaults,
	.min_operands = 1,
	.max_operands = -1,
	.prefix = true,
	.run = run,
	.failed = failed,
};
