/* SPDX-License-Identifier: Apache-2.0 */
/* Called by the unit of a job when it stops (shared-prep-job-.service.d/10-record.conf), within its
 * control group. Most often the recorder has written the result, or the job is put away already. */
#include "agent/cmd.h"
#include "agent/rundir.h"
#include "agent/unit_name.h"
#include "agent/unit_record.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static int record_dead(int dir, const char *id, struct err *e)
{
	struct result_machine machine;
	struct job_result result;
	struct unit_usage used;
	struct unit_end end;
	auto_close int root = -1;
	int rc = fs_root("/", &root, e);

	if (rc < 0)
		return rc;
	unit_end_parse(
		variable("SERVICE_RESULT"), variable("EXIT_CODE"), variable("EXIT_STATUS"), &end);
	unit_usage_read(root, &used);
	result_machine_read(root, &machine);
	rc = unit_record_write(dir, id, &end, &used, &machine, &result, e);
	result_machine_free(&machine);
	return rc;
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	auto_spool struct spool spool = SPOOL_INIT;
	auto_close int dir = -1;
	enum rundir_state state;
	struct rundir_lock lock;
	char id[SPOOL_ID];
	int rc;

	(void)options;
	if (!unit_name_parse(operands->argv[0], id))
		return err_set(e, ERR_USAGE, EINVAL, "record: '%s' is not the unit of a job",
			operands->argv[0]);
	rc = spool_open(AT_FDCWD, spool_default(NULL), &spool, e);
	if (rc == 0)
		rc = rundir_open(spool.run, id, &dir, e);
	if (rc == 0)
		rc = rundir_state(dir, &state, &lock, e);
	if (rc == 0 && state == RUNDIR_DEAD)
		rc = record_dead(dir, id, e);
	if (rc == -ENOENT)
		return 0;
	return rc < 0 ? err_ctx(e, "record") : 0;
}

const struct command cmd_record = {
	.name = "record",
	.operands = "UNIT",
	.summary = "write the result of a job whose recorder died with it",
	.min_operands = 1,
	.max_operands = 1,
	.hidden = true,
	.run = run,
};
