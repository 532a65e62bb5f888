/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of [Jobs] in shared-prep.conf(5). */
#ifndef AGENT_SETTINGS_JOBS_H
#define AGENT_SETTINGS_JOBS_H

#include "common/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What done/ and failed/ may hold together; the oldest go first. */
struct settings_keep {
	uint64_t jobs;    /* count */
	uint64_t bytes;   /* 0: by percent */
	unsigned percent; /* of the size of the file system */
	uint64_t age;     /* ns, 0: any */
};

enum settings_executor { EXECUTOR_AUTO, EXECUTOR_UNIT, EXECUTOR_PROCESS };

struct settings_jobs {
	char *job_user;            /* JobUser= */
	bool allow_root;           /* AllowRoot= */
	unsigned cpus;             /* Cpus=, 0: those this process may use */
	bool backfill;             /* Backfill= */
	struct settings_keep keep; /* KeepDone= */
	uint64_t max_output;       /* MaxOutput= bytes of stdout and of stderr each */
	uint64_t scratch;          /* Scratch= bytes for a job that does not ask, 0: a share */
	uint64_t rescan;           /* Rescan= ns */
	enum settings_executor executor;
};

/* The built-in values; 0 or -ENOMEM. */
must_check int settings_jobs_init(struct settings_jobs *s);
void settings_jobs_free(struct settings_jobs *s);

/* clang-format off */
config_parse_fn settings_parse_job_user, settings_parse_cpus, settings_parse_keep,
	settings_parse_output, settings_parse_scratch, settings_parse_rescan,
	settings_parse_executor;

/* Rows for a table whose struct has a member of type struct settings_jobs. */
#define SETTINGS_JOBS_ROWS(type, member)                                                           \
	{"Jobs", "Executor", settings_parse_executor, offsetof(type, member.executor)},            \
	{"Jobs", "JobUser", settings_parse_job_user, offsetof(type, member.job_user)},             \
	{"Jobs", "AllowRoot", config_bool, offsetof(type, member.allow_root)},                     \
	{"Jobs", "Cpus", settings_parse_cpus, offsetof(type, member.cpus)},                        \
	{"Jobs", "Backfill", config_bool, offsetof(type, member.backfill)},                        \
	{"Jobs", "KeepDone", settings_parse_keep, offsetof(type, member.keep)},                    \
	{"Jobs", "MaxOutput", settings_parse_output, offsetof(type, member.max_output)},           \
	{"Jobs", "Scratch", settings_parse_scratch, offsetof(type, member.scratch)},               \
	{"Jobs", "Rescan", settings_parse_rescan, offsetof(type, member.rescan)}
/* clang-format on */

#endif
