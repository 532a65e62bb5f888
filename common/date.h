/* SPDX-License-Identifier: Apache-2.0 */
/* Instants of the calendar (UTC) as text, whatever the locale and the time zone are. */
#ifndef COMMON_DATE_H
#define COMMON_DATE_H

#include "common/err.h"

#include <stdint.h>

#define DATE_TEXT 32

/*
 * Seconds since 1970, of the years 1970 to 9999: "2026-01-31T08:22:00Z" (RFC 3339; a fraction is
 * dropped, no other zone), or "31 Jan 2026 08:22:00 GMT" with or without "Sat, " before it (RFC
 * 9110, a day of one digit too). Anything else is of kind data.
 */
must_check int date_parse(const char *text, int64_t *ret, struct err *e);

/* "2026-01-31T08:22:00Z", returns out. */
const char *date_text(int64_t seconds, char out[static DATE_TEXT]);

int64_t date_now(void);

#endif
