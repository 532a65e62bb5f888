/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts for those who start later: /run/shared-prep/facts.json and environment, and the same under
 * PATH/.shared-prep/, so that a container needs no metadata service. The members are a contract
 * (ARCHITECTURE, facts).
 */
#ifndef AGENT_PUBLISH_H
#define AGENT_PUBLISH_H

#include "agent/cpu.h"
#include "agent/host.h"
#include "agent/identity.h"
#include "agent/manifest.h"
#include "agent/mnt.h"
#include "agent/plan.h"
#include "common/json.h"

#define PUBLISH_RUN "/run/shared-prep"

/* An app that stands ready. */
struct published_app {
	char name[MANIFEST_NAME];
	char key[MANIFEST_NAME];
	char path[512];
	char digest[DIGEST_TEXT]; /* "" for an archive without a manifest */
};

struct facts {
	const struct identity *identity;
	const struct host *host;
	const struct cpu *cpu;
	const struct tmpfs_plan *plan; /* NULL: no reserve (the verb facts) */
	const char *shared_path;
	const struct mnt_live *live;       /* NULL: not mounted */
	const struct mnt_options *options; /* NULL: none known */
	const struct published_app *app;
	size_t n_apps;
};

/* A new reference, NULL on no memory. */
json_t *facts_json(const struct facts *f);

/* The scalars as SHARED_PREP_UPPER_CASE="value", for EnvironmentFile= and shells. */
must_check int facts_environment(const json_t *facts, struct buf *out, struct err *e);

/* Writes both files into both folders, each by rename. */
must_check int publish_facts(int rootfd, const struct facts *f, struct err *e);

#endif
