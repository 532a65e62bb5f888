/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's configuration: built-in values < /usr/lib/shared-prep/shared-prep.conf <
 * /etc/shared-prep/shared-prep.conf < /etc/shared-prep/conf.d/ *.conf (shared-prep.conf(5)).
 */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

#include "agent/priority.h"
#include "agent/settings_jobs.h"
#include "common/config.h"
#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

enum provider { PROVIDER_AUTO, PROVIDER_EC2, PROVIDER_AZURE, PROVIDER_GCP, PROVIDER_NONE };
enum huge_policy { HUGE_WITHIN_SIZE, HUGE_NEVER, HUGE_ADVISE, HUGE_ALWAYS };
enum on_failure { ON_FAILURE_STAY, ON_FAILURE_POWEROFF };
enum ecs_configure { ECS_AUTO, ECS_YES, ECS_NO };
enum ecs_memory { ECS_MEMORY_EXCLUSIVE, ECS_MEMORY_JOBS };
enum rebalance { REBALANCE_STOP_CLAIMS, REBALANCE_IGNORE, REBALANCE_INTERRUPT };

/* As Huge= and tmpfs's huge= have it: "within_size". */
const char *huge_policy_name(enum huge_policy h);

struct settings {
	/* [Shared] */
	char *path;        /* Path=, default /shared */
	uint64_t min_size; /* MinSize= */
	uint64_t max_size; /* MaxSize=, UINT64_MAX: none */
	uint64_t
		job_memory; /* JobMemory= bytes for all jobs together, 0: only the share per vCPU */
	uint64_t system_reserve;    /* SystemReserve= bytes, 0: by the curve */
	uint64_t bytes_per_inode;   /* BytesPerInode= */
	enum huge_policy huge;      /* Huge= */
	char *context;              /* Context= SELinux context of the root, NULL: none */
	enum on_failure on_failure; /* OnFailure= */
	/* [Metadata] */
	enum provider provider;    /* Provider= */
	uint64_t metadata_timeout; /* Timeout= ns */
	char *instance_type;       /* InstanceType=, NULL: found out */
	/* [Apps] */
	char *data;               /* Data= */
	struct config_words apps; /* Apps=, empty: all there are */
	unsigned threads;         /* Threads= of unpacking, 0: one on each CPU allowed */
	struct priority priority; /* Nice=, IOClass= of unpacking and copying */
	/* [Copy] */
	struct config_words copy; /* Copy=: names in Data, copied as they are */
	/* [Jobs] */
	struct settings_jobs jobs;
	/* [Interrupt] */
	uint64_t poll;            /* Poll= ns between two looks for a spot notice, 0: never look */
	enum rebalance rebalance; /* Rebalance= */
	bool hooks;               /* Hooks= */
	/* [Persist] */
	char *persist_to; /* To= a directory or s3:// address, NULL: none */
	/* [ECS] */
	enum ecs_configure
		ecs_configure; /* Configure=auto|yes|no; auto: where /etc/ecs or /var/lib/ecs is */
	enum ecs_memory ecs_memory; /* Memory= */
};

/* Built-in values, then the files beneath rootfd. The caller frees in every case. */
must_check int settings_load(int rootfd, struct settings *ret, struct err *e);

/* Whether an instance type has only characters that one may have: it gets into files that others
 * read. */
bool settings_is_instance_type(const char *text);

void settings_free(struct settings *s);

#define auto_settings __attribute__((cleanup(settings_free)))

#endif
