/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As whom a job runs: the owner of its file, but JobUser= for files of root unless AllowRoot=yes.
 * Numbers only: a static program has no name service, so that JobUser= is looked up in /etc/passwd
 * beneath the root.
 */
#ifndef AGENT_OWNER_H
#define AGENT_OWNER_H

#include "common/err.h"

#include <stdbool.h>
#include <sys/types.h>

#define OWNER_NAME 33

struct owner {
	uid_t uid;
	gid_t gid;
	gid_t group; /* that may read the folder of the job: the file's own */
	bool change; /* whether the recorder must change to them: it is root */
};

struct owner_policy {
	bool allow_root;
	uid_t self;        /* of the agent */
	bool has_job_user; /* else root's files are refused */
	uid_t job_uid;
	gid_t job_gid;
	char job_user[OWNER_NAME]; /* as configured, for messages */
};

/* An unknown JobUser= is no error yet: has_job_user is false. */
must_check int owner_policy_read(
	int rootfd, const char *job_user, bool allow_root, struct owner_policy *ret, struct err *e);

/* Pure. Kind data, -EPERM: the reason why a file of this owner is not run. */
must_check int owner_decide(
	const struct owner_policy *p, uid_t uid, gid_t gid, struct owner *ret, struct err *e);

/* Pure: a line of passwd(5) for this name. */
bool owner_parse_passwd(const char *line, const char *name, uid_t *ret_uid, gid_t *ret_gid);

#endif
