/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of [Interrupt] and [Persist]. */
#include "agent/settings_private.h"
#include "common/num.h"

#include <errno.h>
#include <string.h>

#define POLL_MIN NSEC_PER_SEC
#define POLL_MAX (60 * NSEC_PER_SEC)

#define S3     "s3://"
#define TO_MAX 1000

/* clang-format off */
SETTINGS_ENUM(rebalance, "stop-claims", "ignore", "interrupt")
/* clang-format on */

static int parse_poll(const char *value, void *field, struct err *e)
{
	uint64_t ns;
	int rc = num_duration(value, &ns, e);

	if (rc == 0 && ns != 0 && (ns < POLL_MIN || ns > POLL_MAX))
		return err_set(e, ERR_CONFIG, ERANGE,
			"'%s' is neither 0 nor between 1s and 60s: a notice comes two minutes "
			"ahead at most",
			value);
	if (rc == 0)
		*(uint64_t *)field = ns;
	return rc;
}

/* It becomes a word of a command line, and a part of paths. */
static int check_characters(const char *value, struct err *e)
{
	if (strlen(value) > TO_MAX)
		return err_set(
			e, ERR_CONFIG, EINVAL, "'%.40s…' is longer than %d bytes", value, TO_MAX);
	for (const char *p = value; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == 127)
			return err_set(e, ERR_CONFIG, EINVAL, "'%s' holds a blank", value);
	}
	return 0;
}

static int parse_to(const char *value, void *field, struct err *e)
{
	char **to = field;
	int rc = check_characters(value, e);

	if (rc < 0)
		return rc;
	if (!*value) {
		free(*to);
		*to = NULL;
		return 0;
	}
	if (strncmp(value, S3, strlen(S3)) == 0 && value[strlen(S3)] && value[strlen(S3)] != '/')
		return config_string(value, to, e);
	if (*value != '/')
		return err_set(e, ERR_CONFIG, EINVAL,
			"'%s' is neither an absolute path nor s3://BUCKET[/PREFIX]", value);
	return config_path(value, to, e);
}

const struct config_key settings_interrupt_keys[] = {
	{"Interrupt", "Poll", parse_poll, SETTINGS_AT(poll)},
	{"Interrupt", "Rebalance", parse_rebalance, SETTINGS_AT(rebalance)},
	{"Interrupt", "Hooks", config_bool, SETTINGS_AT(hooks)},
	{"Persist", "To", parse_to, SETTINGS_AT(persist_to)},
	{0},
};

void settings_interrupt_default(struct settings *s)
{
	s->poll = 2 * NSEC_PER_SEC;
	s->rebalance = REBALANCE_STOP_CLAIMS;
	s->hooks = true;
}
