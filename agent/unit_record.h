/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The result of a job whose recorder did not live to write it: its unit ran out of memory or time,
 * or was killed. Written by `record`, which the unit calls when it stops, while its control group
 * is still there; and by the watcher, from what the service manager remembers, where that failed.
 */
#ifndef AGENT_UNIT_RECORD_H
#define AGENT_UNIT_RECORD_H

#include "agent/job.h"
#include "agent/result.h"
#include "agent/unit_usage.h"

#define UNIT_RESULT 32

/* How the unit ended: $SERVICE_RESULT, $EXIT_CODE and $EXIT_STATUS of systemd.exec(5). */
struct unit_end {
	char result[UNIT_RESULT]; /* "success", "oom-kill", "timeout" … */
	int code;                 /* CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0: not known */
	int status;               /* exit code or signal */
};

/* Pure: the words that systemd has for it. status: a number, or a signal without SIG. */
void unit_end_parse(const char *result, const char *code, const char *status, struct unit_end *ret);

/* run/ID/stop, if somebody asked for the end. */
struct unit_asked {
	bool asked;
	enum job_state state;
	char reason[RESULT_REASON];
};

/* Pure: state, reason, exit and signal of *r. time: what the job asked for, ns, 0: no limit. */
void unit_record_judge(const struct unit_end *end, const struct unit_usage *used,
	const struct unit_asked *asked, uint64_t time, struct job_result *r);

/* Pure: whether the memory limit killed what ended so; fills reason of *r. */
bool unit_record_oom(
	const struct unit_end *end, const struct unit_usage *used, struct job_result *r);

/* Writes run/ID/result.json; dir is that folder, its lock is free. */
must_check int unit_record_write(int dir, const char *id, const struct unit_end *end,
	const struct unit_usage *used, const struct result_machine *m, struct job_result *ret,
	struct err *e);

#endif
