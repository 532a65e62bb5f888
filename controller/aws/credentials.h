/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are to AWS. Providers are asked in the order of the table in credentials.c, which is that
 * of the AWS CLI; the first that is configured decides, and its failure is an error, not a reason
 * to ask the next. AWS SDKs and Tools Reference Guide, "Standardized credential providers".
 *
 * Errors are one line that names the provider, the file or address, the cause and what helps; no
 * secret is ever in one.
 */
#ifndef CONTROLLER_AWS_CREDENTIALS_H
#define CONTROLLER_AWS_CREDENTIALS_H

#include "common/err.h"
#include "common/secret.h"
#include "controller/aws/profile.h"

#include <stdbool.h>
#include <stdint.h>

#define CREDENTIALS_ID_MAX 129
#define CREDENTIALS_AHEAD  300 /* seconds before their end in which they are not used any more */

struct credentials {
	char id[CREDENTIALS_ID_MAX]; /* of the access key: no secret */
	struct secret secret;
	struct secret token;  /* not set for long-lived keys */
	int64_t expires;      /* seconds since 1970; 0: never */
	const char *provider; /* its name in the table */
};

void credentials_free(struct credentials *c);

#define auto_credentials __attribute__((cleanup(credentials_free)))

/* A role to be assumed. */
struct credentials_role {
	const char *arn;
	const char *session;            /* name of the session */
	const char *external_id;        /* or NULL */
	const char *duration;           /* seconds as text, or NULL */
	const struct secret *web_token; /* AssumeRoleWithWebIdentity; or NULL: AssumeRole */
	uint64_t deadline;              /* clock.h */
};

/* STS: signs with what it is given (not with web_token), fills *ret but for provider. */
struct credentials_sts {
	int (*assume)(void *ctx, const struct credentials_role *role,
		const struct credentials *with, struct credentials *ret, struct err *e);
	void *ctx;
};

/* What providers may look at. */
struct credentials_source {
	const char *const *env;
	const struct profiles *profiles;
	bool chosen; /* the profile was named by an option: keys in the environment do not count */
	const struct credentials_sts *sts;
};

/* Kind config when none is configured; the kinds of the providers otherwise. The caller calls
 * credentials_free() in every case. */
must_check int credentials_find(const struct credentials_source *s, uint64_t deadline,
	struct credentials *ret, struct err *e);

/* The last ones found, as long as they live. One thread at a time. */
struct credentials_cache {
	const struct credentials_source *source;
	struct credentials current; /* of the cache; id "" at first */
};

/* *ret is the cache's, until the next call: found anew within CREDENTIALS_AHEAD of their end. */
must_check int credentials_get(struct credentials_cache *c, int64_t now, uint64_t deadline,
	const struct credentials **ret, struct err *e);

#endif
