/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/money.h"

#include "common/num.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define DIGITS "0123456789"

#define NSEC_PER_HOUR (3600 * NSEC_PER_SEC)

static int refuse(const char *text, struct err *e)
{
	return err_set(e, ERR_DATA, EINVAL,
		"'%.40s' is not an amount: use US dollars, as 5 or 0.25", text);
}

static bool add_digit(uint64_t *n, unsigned digit)
{
	return !__builtin_mul_overflow(*n, 10U, n) && !__builtin_add_overflow(*n, digit, n);
}

int money_parse(const char *text, uint64_t *ret, struct err *e)
{
	size_t whole = strspn(text, DIGITS);
	const char *point = text + whole;
	size_t decimals = *point == '.' ? strspn(point + 1, DIGITS) : 0;
	const char *end = point + (*point == '.') + decimals;
	uint64_t n = 0;
	bool fits = true;

	if (whole == 0 || *end || (*point == '.' && decimals == 0))
		return refuse(text, e);
	for (size_t i = 0; i < whole && fits; i++)
		fits = add_digit(&n, (unsigned)(text[i] - '0'));
	for (size_t i = 0; i < 6 && fits; i++)
		fits = add_digit(&n, i < decimals ? (unsigned)(point[1 + i] - '0') : 0);
	if (fits && decimals > 6 && strspn(point + 7, "0") < decimals - 6)
		fits = !__builtin_add_overflow(n, 1U, &n);
	if (!fits)
		return err_set(e, ERR_DATA, ERANGE, "'%.40s' is too large an amount", text);
	*ret = n;
	return 0;
}

const char *money_text(uint64_t amount, char out[static MONEY_TEXT])
{
	int len = snprintf(out, MONEY_TEXT, "$%" PRIu64 ".%06" PRIu64, amount / MONEY_DOLLAR,
		amount % MONEY_DOLLAR);

	for (int keep = len - 4; len > keep && out[len - 1] == '0'; len--)
		out[len - 1] = '\0';
	return out;
}

uint64_t money_for(uint64_t hourly, uint64_t ns)
{
	unsigned __int128 n = (unsigned __int128)hourly * ns;

	n = (n + NSEC_PER_HOUR - 1) / NSEC_PER_HOUR;
	return n > UINT64_MAX ? UINT64_MAX : (uint64_t)n;
}
