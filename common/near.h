/* SPDX-License-Identifier: Apache-2.0 */
/* The name that was probably meant by one that is none, for messages. */
#ifndef COMMON_NEAR_H
#define COMMON_NEAR_H

#include <stddef.h>

struct near {
	const char *wrong;
	size_t len;
	const char *name; /* the best so far, NULL: none is near enough */
	size_t distance;
};

/* wrong ends at its NUL or its '='. */
struct near near_begin(const char *wrong);

/* Takes name if it is nearer than those before. */
void near_consider(struct near *n, const char *name);

#endif
