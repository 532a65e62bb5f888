/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands by a job that was started: keeps what it prints, ends it when its time is up or somebody
 * asks for it, and clears away what it leaves behind. For recorder.c.
 */
#ifndef AGENT_ATTEND_H
#define AGENT_ATTEND_H

#include "agent/job.h"
#include "agent/recorder.h"

#include <sys/resource.h>

struct attend {
	struct recorder *recorder;
	const struct job *job;
	int dir;    /* run/ID */
	pid_t pid;  /* of the job: its session and process group too */
	int in[2];  /* our ends of its pipes, owned */
	int out[2]; /* stdout and stderr, files */
	/* what became of it */
	int status;          /* wait(2) */
	struct rusage usage; /* of it and of all that it left */
	uint64_t kept;       /* bytes in stdout and stderr */
	bool cut;            /* it printed more than was kept */
	bool full;           /* because there was no space */
	bool asked;          /* to end, by its time or by somebody */
	enum job_state state;
	char reason[RESULT_REASON];
	/* private: what comes next, and when */
	uint64_t started;
	uint64_t written[2];
	bool ended;
	int stage;
	uint64_t next;
};

/* Until the job and all that descends from it have ended. */
void attend_job(struct attend *a);

/* Pure: the next PID of a list as in /proc/PID/task/TID/children, "12 34 ", which a read may have
 * cut: 0 when no whole one is left. */
pid_t attend_next_child(const char **list);

#endif
