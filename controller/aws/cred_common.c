/* SPDX-License-Identifier: Apache-2.0 */
/* What several providers do alike. */
#include "common/clock.h"
#include "common/date.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/aws/cred_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define TRIES 3
#define PAUSE (400 * NSEC_PER_MSEC) /* at most, doubled each time */

int cred_set(const char *id, const char *secret, const char *token, struct credentials *ret,
	struct err *e)
{
	size_t len = strlen(id);
	int rc;

	/* It goes into a header. */
	if (len == 0 || len >= sizeof(ret->id) ||
		strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") !=
			len)
		return err_set(e, ERR_CONFIG, EINVAL,
			"the access key's ID is none: letters and digits are expected");
	if (!*secret)
		return err_set(e, ERR_CONFIG, EINVAL, "the secret access key is empty");
	if (token && strpbrk(token, "\r\n"))
		return err_set(e, ERR_CONFIG, EINVAL, "the session token has a line break");
	rc = secret_set(&ret->secret, secret, strlen(secret), e);
	if (rc == 0 && token && *token)
		rc = secret_set(&ret->token, token, strlen(token), e);
	if (rc == 0)
		memcpy(ret->id, id, len + 1);
	return rc;
}

int cred_time(const char *text, int64_t *ret, struct err *e)
{
	size_t len = strlen(text);
	char plain[40];
	int64_t offset = 0;
	int rc;

	if (len >= sizeof(plain) - 1 || len < 6)
		return date_parse(text, ret, e);
	memcpy(plain, text, len + 1);
	if (strcmp(plain + len - 3, "UTC") == 0) {
		memcpy(plain + len - 3, "Z", 2);
	} else if (strchr("+-", plain[len - 6]) && plain[len - 3] == ':') {
		const char *o = text + len - 6;

		if (strspn(o + 1, "0123456789") != 2 || strspn(o + 4, "0123456789") != 2)
			return date_parse(text, ret, e);
		offset = ((o[1] - '0') * 10 + o[2] - '0') * 3600 +
			 ((o[4] - '0') * 10 + o[5] - '0') * 60;
		offset = *o == '-' ? -offset : offset;
		memcpy(plain + len - 6, "Z", 2);
	}
	rc = date_parse(plain, ret, e);
	if (rc == 0)
		*ret -= offset;
	return rc;
}

static int take_expires(
	const json_t *value, const struct cred_members *m, struct credentials *ret, struct err *e)
{
	if (m->milliseconds) {
		if (!json_is_integer(value) || json_integer_value(value) <= 0)
			return err_set(e, ERR_DATA, EINVAL, "member '%s' is no time", m->expires);
		ret->expires = json_integer_value(value) / 1000;
		return 0;
	}
	return cred_time(json_string_value(value), &ret->expires, e);
}

static void wipe(json_t *j, const char *key)
{
	const json_t *value = json_object_get(j, key);

	if (json_is_string(value))
		explicit_bzero((char *)json_string_value(value), json_string_length(value));
}

int cred_from_json(json_t *j, const struct cred_members *m, struct credentials *ret, struct err *e)
{
	const json_t *expires = json_object_get(j, m->expires);
	const char *id, *secret, *token = NULL;
	int rc = json_get_string(j, m->id, &id, e);

	if (rc == 0)
		rc = json_get_string(j, m->secret, &secret, e);
	if (rc == 0 && (!m->may_last || json_is_string(json_object_get(j, m->token))))
		rc = json_get_string(j, m->token, &token, e);
	if (rc == 0)
		rc = cred_set(id, secret, token, ret, e);
	if (rc == 0 && (!m->may_last || (expires && !json_is_null(expires)))) {
		const char *text;

		rc = m->milliseconds ? 0 : json_get_string(j, m->expires, &text, e);
		if (rc == 0)
			rc = take_expires(expires, m, ret, e);
	}
	wipe(j, m->secret);
	wipe(j, m->token);
	return rc;
}

int cred_parse(const struct buf *text, const char *name, json_t **ret, struct err *e)
{
	int rc = json_parse(buf_str(text), text->len, name, ret, e);

	if (rc == 0 || e->kind != ERR_DATA)
		return rc;
	return err_set(e, ERR_DATA, EINVAL, "%s is no JSON", name);
}

/* Too many requests, and what is wrong on the other side. */
static bool may_help(int rc, const struct http_response *r)
{
	return rc < 0 ? rc != -ECANCELED : r->status == 429 || r->status >= 500;
}

int cred_fetch(const struct http_request *r, struct http_response *ret, struct err *e)
{
	for (unsigned n = 1;; n++) {
		int rc = http_call(r, ret, e);

		if (rc == 0 && ret->status == 200) {
			*e = (struct err)ERR_INIT;
			return 0;
		}
		if ((rc < 0 && e->kind != ERR_TRANSIENT) || !may_help(rc, ret) || n == TRIES ||
			clock_left(r->deadline) == 0) {
			if (rc < 0)
				return rc;
			return err_set(e, ret->status >= 500 ? ERR_TRANSIENT : ERR_REMOTE, EACCES,
				"the answer is status %u", ret->status);
		}
		http_response_free(ret);
		clock_sleep(clock_jitter(PAUSE << n), r->deadline);
	}
}

int cred_read_token(const char *const *env, const char *path, struct secret *ret, struct err *e)
{
	auto_secret_buf struct buf text = BUF_INIT(SECRET_MAX);
	char full[PATH_MAX];
	int rc = profile_path(env, path, full, e);

	if (rc == 0 && buf_reserve(&text, SECRET_MAX) < 0)
		return err_oom(e);
	if (rc == 0)
		rc = fs_read(AT_FDCWD, full, &text, e);
	if (rc < 0)
		return rc;
	while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]))
		text.data[--text.len] = '\0';
	if (text.len == 0 || strpbrk(text.data, "\r\n"))
		return err_set(e, ERR_CONFIG, EINVAL, "'%s' holds no token", full);
	secret_take(ret, &text);
	return 0;
}
