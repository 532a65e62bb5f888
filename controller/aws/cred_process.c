/* SPDX-License-Identifier: Apache-2.0 */
/* credential_process=: a program that prints them. AWS SDKs and Tools Reference Guide, "Process
 * credential provider". */
#include "common/clock.h"
#include "common/num.h"
#include "common/proc.h"
#include "common/words.h"
#include "controller/aws/cred_private.h"

#include <errno.h>

/* It may ask somebody to confirm. */
#define TIME_MAX (300 * NSEC_PER_SEC)

static int take(json_t *j, struct credentials *ret, struct err *e)
{
	static const struct cred_members members = {
		.id = "AccessKeyId",
		.secret = "SecretAccessKey",
		.token = "SessionToken",
		.expires = "Expiration",
		.may_last = true,
	};
	const json_t *version = json_object_get(j, "Version");

	if (!json_is_integer(version) || json_integer_value(version) != 1)
		return err_set(e, ERR_DATA, EPROTO, "what it prints is not of \"Version\": 1");
	return cred_from_json(j, &members, ret, e);
}

static int ask(
	const struct cred_ask *a, const struct words *w, struct credentials *ret, struct err *e)
{
	auto_secret_buf struct buf out = BUF_INIT(CRED_ANSWER_MAX);
	uint64_t limit = clock_deadline(TIME_MAX);
	auto_json json_t *j = NULL;
	int status = 0, rc;

	if (buf_reserve(&out, CRED_ANSWER_MAX) < 0)
		return err_oom(e);
	rc = proc_run(&(struct proc_request){.argv = w->word,
			      .deadline = a->deadline < limit ? a->deadline : limit},
		&out, &status, e);
	if (rc == 0 && status != 0)
		return err_set(e, ERR_REMOTE, EACCES,
			"it ended with status %d: run it by hand to see why", status);
	if (rc == 0)
		rc = cred_parse(&out, "what it prints", &j, e);
	return rc == 0 ? take(j, ret, e) : rc;
}

int cred_process(const struct cred_ask *a, struct credentials *ret, struct err *e)
{
	const char *line = profiles_get(a->source->profiles, a->profile, "credential_process");
	auto_words struct words w = {0};
	int rc;

	if (!line)
		return 0;
	rc = words_split(line, &w, e);
	if (rc < 0)
		e->kind = ERR_CONFIG;
	if (rc == 0 && w.n == 0)
		rc = err_set(e, ERR_CONFIG, EINVAL, "no program is named");
	if (rc == 0)
		rc = ask(a, &w, ret, e);
	if (rc < 0)
		return err_ctx(e, "profile '%s': credential_process", a->profile);
	return 1;
}
