/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unit_name.h"

#include <stdio.h>
#include <string.h>

#define ESCAPED 4 /* \xNN */

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

void unit_name_of(const char *id, char ret[static UNIT_NAME])
{
	size_t n = (size_t)snprintf(ret, UNIT_NAME, "%s", UNIT_PREFIX);

	for (size_t left = SPOOL_ID - 1; *id && left > 0; id++, left--) {
		if (is_plain(*id))
			ret[n++] = *id;
		else
			n += (size_t)snprintf(
				ret + n, UNIT_NAME - n, "\\x%02x", (unsigned char)*id);
	}
	snprintf(ret + n, UNIT_NAME - n, "%s", UNIT_SUFFIX);
}

static int digit(char c)
{
	const char *at = c ? strchr("0123456789abcdef", c) : NULL;

	return at ? (int)(at - "0123456789abcdef") : -1;
}

/* One character of the ID; returns what it takes, 0 for none. */
static size_t take(const char *s, size_t len, char *ret)
{
	int high, low;

	*ret = *s;
	if (is_plain(*s))
		return 1;
	if (len < ESCAPED || s[0] != '\\' || s[1] != 'x')
		return 0;
	high = digit(s[2]);
	low = digit(s[3]);
	if (high < 0 || low < 0)
		return 0;
	*ret = (char)(high * 16 + low);
	/* One name for each ID. */
	return !*ret || is_plain(*ret) ? 0 : ESCAPED;
}

bool unit_name_parse(const char *unit, char ret_id[static SPOOL_ID])
{
	const size_t prefix = strlen(UNIT_PREFIX), suffix = strlen(UNIT_SUFFIX);
	size_t len = strlen(unit), n = 0, step;
	const char *s = unit + prefix;
	char id[SPOOL_ID];

	if (len <= prefix + suffix || strncmp(unit, UNIT_PREFIX, prefix) != 0 ||
		strcmp(unit + len - suffix, UNIT_SUFFIX) != 0)
		return false;
	for (len -= prefix + suffix; len > 0; s += step, len -= step) {
		if (n == sizeof(id) - 1)
			return false;
		step = take(s, len, &id[n++]);
		if (step == 0)
			return false;
	}
	id[n] = '\0';
	if (!spool_is_id(id))
		return false;
	memcpy(ret_id, id, n + 1);
	return true;
}

int unit_name_quote(struct buf *out, const char *arg)
{
	int rc = 0;

	for (; rc == 0 && *arg; arg++)
		rc = buf_add(out, *arg == '$' ? "$$" : arg, *arg == '$' ? 2 : 1);
	return rc;
}
