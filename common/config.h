/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files in the form systemd uses (sections, CamelCase= keys), read by inih into a
 * struct by a table of keys. Later files override earlier ones key by key; a repeatable key adds.
 * An unknown section, an unknown key or a bad value is an error of kind config: "FILE:LINE: …".
 * Comments are lines that begin with '#' or ';', and what follows a blank and a ';' in a line, so
 * that no value can hold " ;". On an error the struct may hold what stands before that line.
 */
#ifndef COMMON_CONFIG_H
#define COMMON_CONFIG_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Parses value into *field; the error needs only the cause, file and line are added. */
typedef int config_parse_fn(const char *value, void *field, struct err *e);

struct config_key {
	const char *section;
	const char *key;
	config_parse_fn *parse;
	size_t offset; /* of the field in the struct that is filled */
};

/* Ready-made parsers. A char* field is replaced by a new malloc'd string, owned by the struct. */
config_parse_fn config_string;   /* char *: not empty */
config_parse_fn config_path;     /* char *: absolute, normalised, no ".." */
config_parse_fn config_size;     /* uint64_t bytes */
config_parse_fn config_duration; /* uint64_t nanoseconds */
config_parse_fn config_bool;     /* bool */
config_parse_fn config_list; /* struct config_words: blank-separated words, each assignment adds,
			      * an empty one clears */

struct config_words {
	char **word; /* malloc'd strings */
	size_t len;
};

void config_words_free(struct config_words *w);

/* One file; absent is success when may_be_absent. The table ends with .section = NULL. */
must_check int config_load(int rootfd, const char *path, const struct config_key *keys, void *out,
	bool may_be_absent, struct err *e);

/* All *.conf files of a directory in the order of the C locale; an absent directory is success. */
must_check int config_load_dir(
	int rootfd, const char *path, const struct config_key *keys, void *out, struct err *e);

#endif
