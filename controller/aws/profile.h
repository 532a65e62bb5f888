/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's profiles: what ~/.aws/config and ~/.aws/credentials hold together, or the files that
 * AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name. AWS SDKs and Tools Reference Guide, "Shared
 * config and credentials files". The environment is an argument, so that a test has its own.
 */
#ifndef CONTROLLER_AWS_PROFILE_H
#define CONTROLLER_AWS_PROFILE_H

#include "common/err.h"
#include "controller/aws/ini.h"

#include <limits.h>
#include <stdbool.h>

#define PROFILE_NAME_MAX 256

/* env is "NAME=value", …, NULL. NULL where it is not set, or empty. */
const char *profile_getenv(const char *const *env, const char *name);

struct profile_file {
	struct ini ini; /* empty where there is no such file */
	char path[PATH_MAX];
};

struct profiles {
	struct profile_file config;
	struct profile_file credentials;
	char name[PROFILE_NAME_MAX]; /* of the one that is used */
};

/*
 * The name is chosen, if not NULL, else AWS_PROFILE, else AWS_DEFAULT_PROFILE, else "default". Kind
 * config: a file that is wrong, or a name that was given and is in neither.
 */
must_check int profiles_load(
	const char *const *env, const char *chosen, struct profiles *ret, struct err *e);
void profiles_free(struct profiles *p);

#define auto_profiles __attribute__((cleanup(profiles_free)))

bool profiles_have(const struct profiles *p, const char *name);

/* A key of a profile: what the credentials file says goes before what the other says. NULL: it has
 * none. */
const char *profiles_get(const struct profiles *p, const char *name, const char *key);

/* The same of one file, which is &p->config or &p->credentials. */
const char *profiles_get_of(const struct profiles *p, const struct profile_file *file,
	const char *name, const char *key);

/* Of [sso-session NAME]; and whether there is such a section. */
const char *profiles_get_session(const struct profiles *p, const char *name, const char *key);
bool profiles_have_session(const struct profiles *p, const char *name);

/* Of the table service in [services NAME]. */
const char *profiles_get_service(
	const struct profiles *p, const char *name, const char *service, const char *key);
bool profiles_have_services(const struct profiles *p, const char *name);

/* path with a leading "~/" put where HOME is; -EINVAL, kind config: too long, or no HOME. */
must_check int profile_path(
	const char *const *env, const char *path, char ret[static PATH_MAX], struct err *e);

#endif
