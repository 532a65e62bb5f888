/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run/ID/result.json: how a job ended. Written by its recorder (or by the watcher for one that was
 * never started) by rename; its members are a contract (ARCHITECTURE, job spool). Times are seconds
 * since the epoch.
 *
 * run/ID/stop, written before a job is told to end, says why: the recorder finds there which state
 * and reason its result gets.
 */
#ifndef AGENT_RESULT_H
#define AGENT_RESULT_H

#include "agent/spool.h"
#include "common/json.h"

#include <stdint.h>

#define RESULT_FILE   "result.json"
#define RESULT_REASON 256
#define RESULT_FORMAT 1

enum job_state { JOB_DONE, JOB_FAILED, JOB_INTERRUPTED, JOB_CANCELLED };

/* "done", …; and back: false for another word. */
const char *job_state_name(enum job_state s);
bool job_state_parse(const char *name, enum job_state *ret);

struct job_result {
	char id[SPOOL_ID];
	char name[SPOOL_NAME]; /* --name, "" for none */
	uid_t uid;
	enum job_state state;
	char reason[RESULT_REASON];       /* "" when done */
	int exit;                         /* -1: it did not exit, or was not started */
	int signal;                       /* 0: not killed by one */
	double submitted, started, ended; /* started 0: never */
	double user_s, system_s, wall_s;
	uint64_t peak_memory, output; /* bytes; output: what was kept of both */
};

/* What all results of a machine have in common, from its facts. */
struct result_machine {
	char instance_type[64];
	char *archives; /* {"app": "digest"} as JSON, NULL: none known */
};

/* From facts.json beneath rootfd; without one, nothing is known. The caller frees. */
void result_machine_read(int rootfd, struct result_machine *ret);
void result_machine_free(struct result_machine *m);

/* Makes the file that the result will be written into, with its pages, so that a full file system
 * cannot lose it: the caller passes it to result_write() or closes it. */
must_check int result_reserve(int dir, const struct result_machine *m, int *ret_fd, struct err *e);

/* What another process had reserved before it died; -1: nothing. */
void result_reserved(int dir, int *ret_fd);

/* In dir, the folder of the job, as root:group 0640 (group is -1 when unprivileged). fd is what
 * result_reserve() gave, or -1. */
must_check int result_write(int dir, int fd, const struct job_result *r,
	const struct result_machine *m, gid_t group, struct err *e);

/* -ENOENT: not yet. Kind data when it is no result. */
must_check int result_read(int dir, struct job_result *ret, struct err *e);

/* 0 and what `submit --wait` exits with: its exit code, 128 + signal, 75 interrupted, 1. */
int result_exit_code(const struct job_result *r);

must_check int result_stop_write(int dir, enum job_state state, const char *reason, struct err *e);

/* -ENOENT: nobody asked for the end. */
must_check int result_stop_read(
	int dir, enum job_state *ret, char reason[static RESULT_REASON], struct err *e);

/* Seconds since the epoch. */
double result_now(void);

#endif
