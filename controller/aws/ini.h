/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files ~/.aws/config and ~/.aws/credentials, read as botocore reads them, that is as Python's
 * RawConfigParser does ("Supported INI File Structure") with one level of nesting on top:
 *
 *   - '#' or ';' begins a comment at the start of a line only, so that a value may hold either;
 *   - '=' or ':', whichever is first, ends a key; keys are case-blind, here in lower case;
 *   - a line that is indented deeper than the key continues its value, empty lines within it count;
 *   - a value whose own line is empty and that is continued is a table of "key = value" lines;
 *   - what stands in [DEFAULT] holds in every section;
 *   - a section twice, a key twice in one, a key before any section and a line that is neither are
 *     errors of the whole file.
 *
 * Only ASCII blanks are trimmed. Values may be secrets: ini_free() wipes them, and no message
 * quotes a line.
 */
#ifndef CONTROLLER_AWS_INI_H
#define CONTROLLER_AWS_INI_H

#include "common/buf.h"
#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>

#define INI_FILE_MAX    (1024 * 1024) /* bytes */
#define INI_ENTRIES_MAX 4096

struct ini_entry {
	size_t section; /* index */
	char *key;
	char *sub; /* the key within the table; NULL: value is that of key itself */
	char *value;
};

struct ini {
	char **section; /* in the order of the file, without DEFAULT */
	size_t n_sections;
	struct ini_entry *entry;
	size_t n_entries;
};

/* name is what messages call the file: kind config, "NAME:LINE: …". */
must_check int ini_parse(const struct buf *text, const char *name, struct ini *ret, struct err *e);

/* NULL where it is not there, or is a table. */
const char *ini_get(const struct ini *i, size_t section, const char *key);
const char *ini_get_sub(const struct ini *i, size_t section, const char *key, const char *sub);

void ini_free(struct ini *i);

#define auto_ini __attribute__((cleanup(ini_free)))

#endif
