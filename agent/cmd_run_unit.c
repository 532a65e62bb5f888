/* SPDX-License-Identifier: Apache-2.0 */
/* The main process of the unit of a job (unit_runner.h). */
#include "agent/cmd.h"
#include "agent/cores.h"
#include "agent/recorder.h"
#include "agent/rundir.h"
#include "agent/unit_record.h"
#include "agent/unit_usage.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

struct run_unit_options {
	const char *pin;
	uint64_t cpus, mem, scratch;
};

static const struct opt opts[] = {
	{OPT_U64, 0, "cpus", offsetof(struct run_unit_options, cpus), "N", "CPUs that it is given"},
	{OPT_U64, 0, "mem", offsetof(struct run_unit_options, mem), "BYTES",
		"memory that it is given"},
	{OPT_U64, 0, "scratch", offsetof(struct run_unit_options, scratch), "BYTES",
		"space in /shared that it is given"},
	{OPT_STRING, 0, "pin", offsetof(struct run_unit_options, pin), "LIST",
		"CPUs that it is pinned to"},
	{0},
};

struct unit_job {
	int root;
	struct settings settings;
	struct spool spool;
	struct owner_policy owners;
	struct recorder recorder;
	struct executor_setup setup;
};

static void unit_job_free(struct unit_job *u)
{
	recorder_close(&u->recorder);
	spool_close(&u->spool);
	settings_free(&u->settings);
	auto_close_fn(&u->root);
}

/* Of all the job's processes, and of what it keeps in memory; its times are known better by those
 * who waited for it. */
static void measure(const struct recorder *r, struct job_result *result)
{
	struct unit_usage used;
	auto_close int root = -1;
	struct err ignored = ERR_INIT;
	const struct unit_end end = {.code = result->signal ? CLD_KILLED : CLD_EXITED,
		.status = result->signal ? result->signal : result->exit};

	(void)r;
	if (fs_root("/", &root, &ignored) < 0)
		return;
	unit_usage_read(root, &used);
	if (used.peak_memory)
		result->peak_memory = used.peak_memory;
	/* Where the kernel does not kill the whole group, it kills the job and we are left. */
	if (result->state == JOB_FAILED)
		unit_record_oom(&end, &used, result);
}

static int open_all(struct unit_job *u, struct err *e)
{
	int rc = fs_root("/", &u->root, e);

	if (rc == 0)
		rc = settings_load(u->root, &u->settings, e);
	if (rc == 0)
		rc = spool_open(AT_FDCWD, spool_default(NULL), &u->spool, e);
	if (rc == 0)
		rc = owner_policy_read(u->root, u->settings.jobs.job_user,
			u->settings.jobs.allow_root, &u->owners, e);
	u->setup = (struct executor_setup){.spool = &u->spool,
		.owners = &u->owners,
		.settings = &u->settings.jobs,
		.root = u->root};
	if (rc == 0)
		rc = recorder_open(&u->setup, true, &u->recorder, e);
	u->recorder.measure = measure;
	return rc;
}

/* Somebody may have asked for the end before we listened for signals, which are blocked now. */
static void hear_of_stop(const struct unit_job *u, const char *id)
{
	char reason[RESULT_REASON];
	auto_close int dir = -1;
	struct err ignored = ERR_INIT;
	enum job_state state;

	if (rundir_open(u->spool.run, id, &dir, &ignored) == 0 &&
		result_stop_read(dir, &state, reason, &ignored) == 0)
		kill(getpid(), SIGTERM);
}

static int grant_of(const struct run_unit_options *o, struct executor_grant *g, struct err *e)
{
	*g = (struct executor_grant){.cpus = o->cpus, .mem = o->mem, .scratch = o->scratch};
	if (!o->pin)
		return 0;
	g->pinned = true;
	if (!cores_parse_list(o->pin, &g->set))
		return err_set(e, ERR_USAGE, EINVAL, "'%s' is not a list of CPUs", o->pin);
	return 0;
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	__attribute__((cleanup(unit_job_free))) struct unit_job u = {
		.root = -1, .spool = SPOOL_INIT, .recorder = {.null = -1, .signals = -1}};
	const char *id = operands->argv[0];
	struct executor_grant grant;
	struct executor_ended ended;
	int rc;

	if (!spool_is_id(id))
		return err_set(e, ERR_USAGE, EINVAL, "run-unit: '%s' is not the ID of a job", id);
	rc = grant_of(options, &grant, e);
	if (rc == 0)
		rc = open_all(&u, e);
	if (rc == 0) {
		hear_of_stop(&u, id);
		rc = recorder_run(&u.recorder, id, &grant, &ended, e);
	}
	/* Another has it, or it is gone. */
	if (rc == -EEXIST || rc == -ENOENT)
		return 0;
	return rc < 0 ? err_ctx(e, "run-unit") : 0;
}

const struct command cmd_run_unit = {
	.name = "run-unit",
	.operands = "ID",
	.summary = "run a claimed job as the main process of its unit",
	.opts = opts,
	.options_size = sizeof(struct run_unit_options),
	.min_operands = 1,
	.max_operands = 1,
	.hidden = true,
	.run = run,
};
