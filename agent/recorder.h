/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one job of the spool as a process group, records what becomes of it, and writes its result:
 * the part that must not die with the watcher. It is the parent of the job, and of what the job
 * leaves behind (PR_SET_CHILD_SUBREAPER): all of that is killed when the job ends.
 *
 * SIGTERM asks it to end the job, SIGQUIT to kill it; run/ID/stop says why. What the job prints
 * goes through pipes, so that no more than MaxOutput= is kept however fast it comes. No file that
 * the job writes may be larger than its scratch (RLIMIT_FSIZE). Its memory is accounted for, not
 * limited: that takes control groups.
 */
#ifndef AGENT_RECORDER_H
#define AGENT_RECORDER_H

#include "agent/executor.h"
#include "agent/job.h"

#include <signal.h>
#include <stdbool.h>

struct recorder {
	const struct spool *spool;
	const struct owner_policy *owners;
	const struct settings_jobs *settings;
	struct result_machine machine;
	char **facts; /* "SHARED_PREP_…=…", ends with NULL */
	char *facts_text;
	int null;     /* /dev/null */
	int signals;  /* signalfd(2) */
	bool by_hand; /* a signal without run/ID/stop cancels */
	/* Before the result is written: what the control group of the job knows; may be NULL. */
	void (*measure)(const struct recorder *r, struct job_result *result);
	char chunk[65536];
};

/* Blocks the signals that it reads, becomes the subreaper. One for each process. */
must_check int recorder_open(
	const struct executor_setup *setup, bool by_hand, struct recorder *ret, struct err *e);
void recorder_close(struct recorder *r);

/*
 * Runs run/ID to its end; grant NULL: the job has what it asks for. -EEXIST: another recorder has
 * it or had it; -ENOENT: it is gone; another error: it was not begun and may be tried again. What
 * is wrong with the job itself is a result.
 */
must_check int recorder_run(struct recorder *r, const char *id, const struct executor_grant *grant,
	struct executor_ended *ret, struct err *e);

/* What a recorder is sent to end its job: at once, or as its grace allows. */
static inline int recorder_signal(bool now)
{
	return now ? SIGQUIT : SIGTERM;
}

/* recorder_env.c: the lines of /run/shared-prep/environment, for recorder.facts. */
must_check int recorder_read_facts(int rootfd, char **ret_text, char ***ret, struct err *e);

#define RECORDER_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The environment of a job: a malloc'd array that ends with NULL, and the text that it points to
 * beside the facts and the job. *ret_path is its PATH. */
struct recorder_env {
	char **var;
	struct buf text;
	const char *path;
};

must_check int recorder_env_make(const struct recorder *r, const struct job *j, const char *id,
	const char *work, const struct executor_grant *grant, struct recorder_env *ret,
	struct err *e);
void recorder_env_free(struct recorder_env *v);

#endif
