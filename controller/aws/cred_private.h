/* SPDX-License-Identifier: Apache-2.0 */
/* One provider of credentials a file; credentials.c has the table. */
#ifndef CONTROLLER_AWS_CRED_PRIVATE_H
#define CONTROLLER_AWS_CRED_PRIVATE_H

#include "common/http.h"
#include "common/json.h"
#include "controller/aws/credentials.h"

#define CRED_ANSWER_MAX 65536 /* bytes of any answer */

/* One question: of whose profile, and what else may be asked. */
struct cred_ask {
	const struct credentials_source *source;
	const char *profile;
	bool env; /* the environment counts too */
	uint64_t deadline;
};

/* 1: *ret is filled; 0: this provider is not configured; else -errno. */
typedef int cred_provider_fn(const struct cred_ask *a, struct credentials *ret, struct err *e);

cred_provider_fn cred_environment, cred_role, cred_web_identity, cred_sso, cred_credentials_file,
	cred_process, cred_config_file, cred_container, cred_instance;

/* The providers that read a profile alone, for the source of a role; and the one that
 * credential_source= names (-EINVAL, kind config: none). */
must_check int cred_profile(const struct cred_ask *a, struct credentials *ret, struct err *e);
must_check int cred_named(
	const struct cred_ask *a, const char *name, struct credentials *ret, struct err *e);

/* id, secret and token (may be NULL) as copies. */
must_check int cred_set(const char *id, const char *secret, const char *token,
	struct credentials *ret, struct err *e);

/* RFC 3339 with any offset, or "UTC" at its end. */
must_check int cred_time(const char *text, int64_t *ret, struct err *e);

/* Names of the members that hold them. */
struct cred_members {
	const char *id, *secret, *token, *expires;
	bool may_last;     /* token and expires may be absent */
	bool milliseconds; /* expires is a number */
};

/* The strings in j are wiped when they have been copied. Kind data: a member is missing. */
must_check int cred_from_json(
	json_t *j, const struct cred_members *m, struct credentials *ret, struct err *e);

/* json_parse() with a message that quotes nothing of the text. */
must_check int cred_parse(const struct buf *text, const char *name, json_t **ret, struct err *e);

/* A GET that is tried up to three times where trying again may help; no answer but 200 is success:
 * -EACCES, kind remote. */
must_check int cred_fetch(const struct http_request *r, struct http_response *ret, struct err *e);

/* A small file with a token, without the blanks at its end. */
must_check int cred_read_token(
	const char *const *env, const char *path, struct secret *ret, struct err *e);

#endif
