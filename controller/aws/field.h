/* SPDX-License-Identifier: Apache-2.0 */
/* The members of an XML element that are wanted, taken into a struct by a table. */
#ifndef CONTROLLER_AWS_FIELD_H
#define CONTROLLER_AWS_FIELD_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>

struct _xmlNode;

enum field_kind {
	FIELD_TEXT,   /* char [N]: longer is an error */
	FIELD_NUMBER, /* uint64_t */
	FIELD_PORT,   /* int; -1: all */
	FIELD_BOOL,   /* bool */
	FIELD_DATE,   /* int64_t: seconds since 1970 */
	FIELD_MONEY,  /* uint64_t: money.h */
};

struct field {
	const char *path; /* of elements: "placement/availabilityZone" */
	enum field_kind kind;
	bool must; /* its absence is an error; else it leaves the zero that is there */
	size_t offset, size;
};

#define FIELD(type, member, kind, path, must)                                                      \
	{                                                                                          \
		path, kind, must, offsetof(type, member), sizeof(((type *)0)->member)              \
	}

/* Fills *ret, which is zeroed. Kind data, naming the member: it is absent, too long, or not what it
 * should be. */
must_check int field_take(const struct _xmlNode *node, const struct field *fields, size_t n,
	void *ret, struct err *e);

/* The element at a path of first children, and its text; NULL: there is none. */
const struct _xmlNode *field_node(const struct _xmlNode *node, const char *path);
const char *field_text(const struct _xmlNode *node, const char *path);

#endif
