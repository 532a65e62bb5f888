/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts of money in US dollars: a uint64_t of millionths. EC2's spot prices have four to six
 * decimals. */
#ifndef CONTROLLER_MONEY_H
#define CONTROLLER_MONEY_H

#include "common/err.h"

#include <stdint.h>

#define MONEY_DOLLAR 1000000U
#define MONEY_TEXT   24

/* "0.0253", "5", "0.0042000000" (rounded up beyond six decimals), strict, kind data. */
must_check int money_parse(const char *text, uint64_t *ret, struct err *e);

/* "$0.0253": at least two decimals, no more than needed, with a dollar sign. */
const char *money_text(uint64_t amount, char out[static MONEY_TEXT]);

/* Of ns nanoseconds at a price for an hour, rounded up; saturating. */
uint64_t money_for(uint64_t hourly, uint64_t ns);

#endif
