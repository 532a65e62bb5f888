/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A project: shared-prep.ini(5), read, checked and with every path made absolute. The man page is
 * the contract; each field here is the key of the same name there. Errors are of kind config:
 * "FILE:LINE: …" where one line is at fault, "FILE: [SECTION] …" where several are. Nothing is
 * fetched and no program is run to read it.
 */
#ifndef CONTROLLER_PROJECT_H
#define CONTROLLER_PROJECT_H

#include "common/config.h"
#include "common/err.h"
#include "controller/project/image_spec.h"
#include "controller/project/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROJECT_FILE "shared-prep.ini"

enum provider { PROVIDER_EC2, PROVIDER_SSH, PROVIDER_LOCAL };

enum market {
	MARKET_SPOT_FIRST, /* spot, then on-demand under max_price */
	MARKET_SPOT,       /* spot or nothing */
	MARKET_ON_DEMAND,
};

/* [flags NAME]: a named set of compiler flags; the archive goes to DIST/NAME/. */
struct project_flags {
	char *name;
	char *cflags;            /* not set: "-O2" */
	char *cxxflags;          /* not set: cflags */
	char *fcflags;           /* not set: cflags */
	char *ldflags;           /* not set: "" */
	struct config_words env; /* NAME=VALUE for the build script */
};

/* [target NAME]: where a name alone (c5n, c7g.16xlarge, znver4, x86-64-v3) does not say enough. */
struct project_target {
	char *name;
	char *march;               /* "": what the name implies */
	struct config_words types; /* instance types to build on, best first; none: by the CPU */
};

/* [app NAME] */
struct project_app {
	char *name;
	char *source;                 /* absolute path of a directory */
	char *script;                 /* relative to source */
	struct config_words targets;  /* names, each known by its [target] or by itself */
	struct config_words flags;    /* names of [flags]; none: that called "default" */
	struct config_words packages; /* of the worker's distribution, installed before */
	struct config_words env;      /* NAME=VALUE */
	char *entry;                  /* of the manifest; or "" */
	char *version;                /* of the manifest; or "" */
	uint64_t timeout;             /* ns, of one run of the script */
	unsigned level;               /* zstd */
};

/* [host NAME]: a machine for provider=ssh. */
struct project_host {
	char *name;
	char *address; /* [USER@]HOST[:PORT], or a Host of the user's ssh configuration */
	struct config_words targets; /* what may be built there; none: all of its architecture */
};

/* [aws] */
struct project_aws {
	char *region;  /* "": of the environment or profile */
	char *profile; /* "" */
	char *base;    /* al2, al2023, al2-ecs, al2023-ecs, or ami-…; of the workers */
	char *kernel;  /* line of the base's kernel that is expected, "6.1"; "": any, reported */
	struct config_words subnets;         /* none: those of the default VPC */
	struct config_words private_subnets; /* the same, whose workers get no public address */
	struct config_words tags;            /* KEY=VALUE */
	char *caller_address; /* an address, or an https:// URL that answers with ours */
	char *bastion;        /* [USER@]HOST[:PORT]; or "" */
	char *ssh_config;     /* the user's own, instead of ours; or "" */
	char *user;           /* who logs in; "": by the base */
	enum market market;
	uint64_t max_price; /* money.h, for an hour of a worker; 0: no limit */
	uint64_t max_cost;  /* money.h, for a run; 0: no limit */
	uint64_t volume;    /* bytes of the root volume */
	uint64_t lifetime;  /* ns until a worker that hears nothing ends itself */
	unsigned vcpus;     /* at least, of a worker whose type is not named */
};

struct project {
	char *file; /* absolute */
	char *dir;  /* of the file: what relative paths start from */

	/* [project] */
	char *name;
	enum provider provider;
	unsigned parallel; /* workers at a time */
	char *dist;
	struct config_words
		agent; /* paths of static agents, one for each architecture; may be none */

	struct project_aws aws;
	struct image_spec image;
	struct project_app *app;
	size_t n_apps;
	struct project_flags *flags; /* "default" is always there */
	size_t n_flags;
	struct project_target *target;
	size_t n_targets;
	struct project_host *host;
	size_t n_hosts;
};

const char *provider_name(enum provider p);

/* path: a file, or a directory that has a shared-prep.ini. The caller calls project_free() in every
 * case. */
must_check int project_load(const char *path, struct project *ret, struct err *e);
void project_free(struct project *p);

#define auto_project __attribute__((cleanup(project_free)))

/* NULL: there is none of that name. */
const struct project_app *project_app(const struct project *p, const char *name);
const struct project_flags *project_flags(const struct project *p, const char *name);
const struct project_target *project_target(const struct project *p, const char *name);

/* What a name in targets= is, with what its [target] says. */
must_check int project_target_find(
	const struct project *p, const char *name, struct target *ret, struct err *e);

/* The static agent for "x86_64" or "aarch64": what [project] agent= names (its ELF header tells
 * which it is), else PKGLIBDIR/ARCH/shared-prep. Kind config, naming what was looked for. *ret is
 * malloc'd. */
must_check int project_agent(const struct project *p, const char *arch, char **ret, struct err *e);

#endif
