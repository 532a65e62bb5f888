/* SPDX-License-Identifier: Apache-2.0 */
#include "common/date.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define DIGITS "0123456789"

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char weekdays[] = "SunMonTueWedThuFriSat";

/* Moves *p behind so many digits; -1: they are not there. */
static int take_number(const char **p, size_t least, size_t most)
{
	size_t n = strspn(*p, DIGITS);
	int value = 0;

	if (n < least || n > most)
		return -1;
	for (; n > 0; n--)
		value = value * 10 + *(*p)++ - '0';
	return value;
}

static bool take_text(const char **p, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*p, text, len) != 0)
		return false;
	*p += len;
	return true;
}

/* The place among names of three letters; -1: none of them. */
static int take_name(const char **p, const char *names)
{
	for (int i = 0; names[3 * i]; i++) {
		if (strncmp(*p, names + 3 * i, 3) == 0) {
			*p += 3;
			return i;
		}
	}
	return -1;
}

static bool take_clock(const char **p, struct tm *t)
{
	t->tm_hour = take_number(p, 2, 2);
	if (!take_text(p, ":"))
		return false;
	t->tm_min = take_number(p, 2, 2);
	if (!take_text(p, ":"))
		return false;
	t->tm_sec = take_number(p, 2, 2);
	return true;
}

static bool take_iso(const char *p, struct tm *t)
{
	t->tm_year = take_number(&p, 4, 4) - 1900;
	if (!take_text(&p, "-"))
		return false;
	t->tm_mon = take_number(&p, 2, 2) - 1;
	if (!take_text(&p, "-"))
		return false;
	t->tm_mday = take_number(&p, 2, 2);
	if (!take_text(&p, "T") || !take_clock(&p, t))
		return false;
	if (take_text(&p, ".") && take_number(&p, 1, 9) < 0)
		return false;
	return strcmp(p, "Z") == 0;
}

static bool take_http(const char *p, struct tm *t)
{
	if (take_name(&p, weekdays) >= 0 && !take_text(&p, ", "))
		return false;
	t->tm_mday = take_number(&p, 1, 2);
	if (!take_text(&p, " "))
		return false;
	t->tm_mon = take_name(&p, months);
	if (!take_text(&p, " "))
		return false;
	t->tm_year = take_number(&p, 4, 4) - 1900;
	return take_text(&p, " ") && take_clock(&p, t) && strcmp(p, " GMT") == 0;
}

/* timegm() carries what is too large over, so that the date comes back changed; a leap second does
 * too. */
static bool is_date(const struct tm *t, int64_t *ret)
{
	struct tm copy = *t;
	time_t seconds;

	if (t->tm_year < 70)
		return false;
	seconds = timegm(&copy);
	if (copy.tm_mon != t->tm_mon || copy.tm_mday != t->tm_mday || copy.tm_hour != t->tm_hour ||
		copy.tm_min != t->tm_min || copy.tm_sec != t->tm_sec)
		return false;
	*ret = seconds;
	return true;
}

int date_parse(const char *text, int64_t *ret, struct err *e)
{
	struct tm iso = {0}, http = {0};

	if (take_iso(text, &iso) && is_date(&iso, ret))
		return 0;
	if (take_http(text, &http) && is_date(&http, ret))
		return 0;
	return err_set(e, ERR_DATA, EINVAL, "'%.40s' is no date", text);
}

const char *date_text(int64_t seconds, char out[static DATE_TEXT])
{
	time_t t = (time_t)seconds;
	struct tm parts;

	if (!gmtime_r(&t, &parts) || strftime(out, DATE_TEXT, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		out[0] = '\0';
	return out;
}

int64_t date_now(void)
{
	return (int64_t)time(NULL);
}
