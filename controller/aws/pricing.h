/* SPDX-License-Identifier: Apache-2.0 */
/* The price list: what an instance costs on demand. AWS Price List Query API, GetProducts; it is
 * asked in us-east-1 for all regions. */
#ifndef CONTROLLER_AWS_PRICING_H
#define CONTROLLER_AWS_PRICING_H

#include "controller/aws/call.h"

/* Of Linux with shared tenancy, in the client's region; money.h, for an hour. Kind remote, -ENOENT:
 * the list does not have it. */
must_check int pricing_on_demand(struct call_client *client, const char *type, uint64_t deadline,
	uint64_t *ret, struct err *e);

/* One text of the PriceList, which is JSON: its hourly price in US dollars. Kind data: it has none.
 */
must_check int pricing_read(const char *text, uint64_t *ret, struct err *e);

#endif
