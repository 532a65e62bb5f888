/* SPDX-License-Identifier: Apache-2.0 */
#include "common/num.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* Beyond nine digits a fraction of the largest unit is below one byte anyway. */
#define FRACTION_DIGITS 9

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{"", 1},
	{"B", 1},
	{"K", KIB},
	{"KB", KIB},
	{"KiB", KIB},
	{"M", MIB},
	{"MB", MIB},
	{"MiB", MIB},
	{"G", GIB},
	{"GB", GIB},
	{"GiB", GIB},
	{"T", TIB},
	{"TB", TIB},
	{"TiB", TIB},
};

static const struct unit duration_units[] = {
	{"", NSEC_PER_SEC},
	{"ms", NSEC_PER_MSEC},
	{"s", NSEC_PER_SEC},
	{"min", 60 * NSEC_PER_SEC},
	{"h", 3600 * NSEC_PER_SEC},
	{"d", 86400 * NSEC_PER_SEC},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The digits at *s, which is moved behind them; -EINVAL when there are none, -ERANGE. */
static int take_digits(const char **s, uint64_t *ret)
{
	const char *p = *s;
	uint64_t n = 0;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++) {
		if (__builtin_mul_overflow(n, 10U, &n) ||
			__builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return -ERANGE;
	}
	*s = p;
	*ret = n;
	return 0;
}

static const struct unit *find_unit(const struct unit *units, size_t len, const char *name)
{
	for (size_t i = 0; i < len; i++) {
		if (strcmp(units[i].name, name) == 0)
			return &units[i];
	}
	return NULL;
}

int num_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret, struct err *e)
{
	const char *p = s;
	uint64_t n = 0;
	int rc = take_digits(&p, &n);

	if (rc == -EINVAL || (rc == 0 && *p))
		return err_set(e, ERR_USAGE, EINVAL, "'%s' is not a whole number", s);
	if (rc < 0 || n < min || n > max)
		return err_set(e, ERR_USAGE, ERANGE,
			"'%s' is out of range: use %" PRIu64 " to %" PRIu64, s, min, max);
	*ret = n;
	return 0;
}

int num_size(const char *s, uint64_t *ret_bytes, struct err *e)
{
	unsigned __int128 bytes = 0, fraction = 0;
	uint64_t whole = 0, scale = 1, part;
	const struct unit *unit;
	const char *p = s;
	int rc = take_digits(&p, &whole);

	if (rc == 0 && *p == '.') {
		const char *first = ++p;

		rc = take_digits(&p, &part);
		for (const char *d = first; rc == 0 && d < p && d < first + FRACTION_DIGITS; d++) {
			fraction = fraction * 10 + (unsigned)(*d - '0');
			scale *= 10;
		}
	}
	unit = rc == 0 ? find_unit(size_units, ARRAY_LEN(size_units), p) : NULL;
	if (rc == -EINVAL || (rc == 0 && (!unit || (unit->factor == 1 && scale > 1))))
		return err_set(e, ERR_USAGE, EINVAL,
			"'%s' is not a size: use bytes, or a number with K, M, G or T", s);
	if (rc == 0)
		bytes = (unsigned __int128)whole * unit->factor + fraction * unit->factor / scale;
	if (rc < 0 || bytes > UINT64_MAX)
		return err_set(e, ERR_USAGE, ERANGE, "'%s' is too large a size", s);
	*ret_bytes = (uint64_t)bytes;
	return 0;
}

int num_duration(const char *s, uint64_t *ret_ns, struct err *e)
{
	const struct unit *unit;
	const char *p = s;
	uint64_t n = 0, ns;
	int rc = take_digits(&p, &n);

	unit = rc == 0 ? find_unit(duration_units, ARRAY_LEN(duration_units), p) : NULL;
	if (rc == -EINVAL || (rc == 0 && !unit))
		return err_set(e, ERR_USAGE, EINVAL,
			"'%s' is not a duration: use seconds, or a number with ms, s, min, h or d",
			s);
	if (rc < 0 || __builtin_mul_overflow(n, unit->factor, &ns))
		return err_set(e, ERR_USAGE, ERANGE, "'%s' is too long a duration", s);
	*ret_ns = ns;
	return 0;
}

int num_bool(const char *s, bool *ret, struct err *e)
{
	static const char *const yes[] = {"yes", "true", "on", "1", "y", "t"};
	static const char *const no[] = {"no", "false", "off", "0", "n", "f"};

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (strcasecmp(s, yes[i]) == 0) {
			*ret = true;
			return 0;
		}
		if (strcasecmp(s, no[i]) == 0) {
			*ret = false;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, EINVAL, "'%s' is neither yes nor no", s);
}

const char *num_size_text(uint64_t bytes, char out[static NUM_TEXT])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double n = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < KIB) {
		snprintf(out, NUM_TEXT, "%" PRIu64 " B", bytes);
		return out;
	}
	/* 1023.96 would be printed as 1024.0 of the smaller unit. */
	for (; n >= 1023.95 && i + 1 < ARRAY_LEN(units); i++)
		n /= 1024;
	snprintf(out, NUM_TEXT, "%.1f %s", n, units[i]);
	return out;
}

const char *num_duration_text(uint64_t ns, char out[static NUM_TEXT])
{
	uint64_t s = ns / NSEC_PER_SEC;

	if (ns < 1000)
		snprintf(out, NUM_TEXT, "%" PRIu64 " ns", ns);
	else if (ns < NSEC_PER_MSEC)
		snprintf(out, NUM_TEXT, "%.1f us", (double)ns / 1e3);
	else if (ns < NSEC_PER_SEC)
		snprintf(out, NUM_TEXT, "%.1f ms", (double)ns / 1e6);
	else if (s < 60)
		snprintf(out, NUM_TEXT, "%.3f s", (double)ns / 1e9);
	else if (s < 3600)
		snprintf(out, NUM_TEXT, "%" PRIu64 " min %02" PRIu64 " s", s / 60, s % 60);
	else
		snprintf(out, NUM_TEXT, "%" PRIu64 " h %02" PRIu64 " min", s / 3600, s / 60 % 60);
	return out;
}
