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
config_parse_fn config_list;   /* struct config_words: blank-separated words, each assignment adds,
				* an empty one clears */
config_parse_fn config_quoted; /* the same, as a shell splits words (words.h) */

struct config_words {
	char **word; /* malloc'd strings */
	size_t len;
};

/* One more word, of len bytes. */
must_check int config_words_add(struct config_words *w, const char *s, size_t len, struct err *e);
void config_words_free(struct config_words *w);

/* One file; absent is success when may_be_absent. The table ends with .section = NULL. */
must_check int config_load(int rootfd, const char *path, const struct config_key *keys, void *out,
	bool may_be_absent, struct err *e);

/* All *.conf files of a directory in the order of the C locale; an absent directory is success. */
must_check int config_load_dir(
	int rootfd, const char *path, const struct config_key *keys, void *out, struct err *e);

/*
 * Sections that have a name and may be there several times, [app NAME]: in the table of keys their
 * section is "app", and offsets are those in an item. The items are an array that the struct
 * points to, one for each name in the order of the file; the owner of the struct frees them.
 */
struct config_named {
	const char *section; /* "app" */
	size_t items;        /* offset of the pointer to the first item */
	size_t n;            /* offset of the size_t that counts them */
	size_t size;         /* of an item, whose first member is char *name */
	size_t max;
	config_parse_fn *name;                  /* takes NAME into that member */
	int (*init)(void *item, struct err *e); /* from zeroes and the name; or NULL */
};

struct config_schema {
	const struct config_key *keys;
	const struct config_named *named; /* ends with .section = NULL */
};

/* Where what was read stands, for errors that show later. */
struct config_lines {
	struct config_lines_entry *entry;
	size_t n;
};

/* One file, with such sections; its lines are added to ret_lines, in every case, until an error. */
must_check int config_load_named(const char *path, const struct config_schema *schema, void *out,
	struct config_lines *ret_lines, struct err *e);

/* The line of the last assignment of a key ("" for the section's own line, "app octave"), or of the
 * first whose value has this word; 0: there is none. */
int config_line(
	const struct config_lines *l, const char *section, const char *key, const char *word);
void config_lines_free(struct config_lines *l);

#define auto_config_lines __attribute__((cleanup(config_lines_free)))

/* For config.c. */
struct config_line {
	const char *section;
	const char *key;
	const char *value;
	int line;
};

must_check int config_lines_add(struct config_lines *l, const struct config_line *c, struct err *e);

#endif
