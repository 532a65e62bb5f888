/* SPDX-License-Identifier: Apache-2.0 */
/* What the project adds to jansson: release on scope exit, strict reading with a ceiling, printing.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include "common/buf.h"
#include "common/err.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

static inline void auto_json_fn(json_t **j)
{
	json_decref(*j);
}

#define auto_json __attribute__((cleanup(auto_json_fn)))

/* One JSON value (duplicate keys, trailing bytes, NUL in strings and depth over 64 are refused),
 * kind data; name is what messages call it. */
must_check int json_parse(
	const char *data, size_t len, const char *name, json_t **ret, struct err *e);

/* Indented, keys in the order of insertion, newline at the end. */
must_check int json_print(const json_t *j, FILE *out, struct err *e);
must_check int json_text(const json_t *j, struct buf *out, struct err *e);

/* A string of text that may be anything, as a path is: what is no UTF-8 as '?'. NULL: no memory. */
json_t *json_string_lossy(const char *text);

/* Strict members: -EINVAL, kind data, when absent or of another type. */
must_check int json_get_string(const json_t *obj, const char *key, const char **ret, struct err *e);
must_check int json_get_u64(const json_t *obj, const char *key, uint64_t *ret, struct err *e);

#endif
