/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands and their options live once, in these tables: they feed getopt_long, --help, and the
 * shell completion, and a check compares them with the man page.
 */
#ifndef COMMON_OPT_H
#define COMMON_OPT_H

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What the field at the option's offset is. */
enum opt_type {
	OPT_END = 0,
	OPT_FLAG,     /* bool, set to true */
	OPT_STRING,   /* const char *, points into argv */
	OPT_U64,      /* uint64_t */
	OPT_SIZE,     /* uint64_t bytes, num_size() */
	OPT_DURATION, /* uint64_t nanoseconds, num_duration() */
	OPT_STRINGS,  /* struct opt_strings, one more each time it is given */
};

/* The items point into argv. */
struct opt_strings {
	const char **item;
	size_t n;
};

struct opt {
	enum opt_type type;
	char letter; /* 0: no short form */
	const char *name;
	size_t offset;
	const char *arg;  /* what --help calls the argument, NULL for a flag */
	const char *help; /* one line */
};

/* What a command gets: its own options struct, filled, and the operands. */
struct opt_operands {
	int argc;
	char **argv;
};

struct command {
	const char *name;
	const char *operands;   /* as in the synopsis: "ARCHIVE DIR", or "" */
	const char *summary;    /* one line */
	const struct opt *opts; /* ends with OPT_END */
	size_t options_size;
	const void *defaults; /* options_size bytes, or NULL for zeroes */
	int min_operands;
	int max_operands; /* -1: any number */
	bool hidden;      /* not in --help: called by units */
	bool prefix;      /* options end at the first operand: the rest is a command line */
	int (*run)(const void *options, const struct opt_operands *operands, struct err *e);
	/* Of a command with exit codes of its own: says what went wrong, with the arguments too,
	 * and returns the code. NULL: that is left to the caller of opt_dispatch(). */
	int (*failed)(const struct err *e);
};

struct program {
	const char *name;
	const char *version;
	const char *purpose;                   /* one line */
	const struct command *const *commands; /* ends with NULL */
};

/*
 * Parses argv (argv[0] is the program, argv[1] the command), handles --help, --version and the
 * completion generator (`--completion bash`), runs the command. Returns what the command's run
 * returned, else 0 or -errno with *e filled; output that cannot be written is of kind system; a
 * mistake in the arguments is of kind usage and hints at --help or the nearest name.
 */
must_check int opt_dispatch(const struct program *p, int argc, char **argv, struct err *e);

/* Parses argv, whose first word names it for messages, by a table alone: options stand before
 * operands. *options holds defaults before, and is freed by opt_free() in every case. */
must_check int opt_parse(const struct opt *opts, int argc, char **argv, void *options,
	struct opt_operands *ret, struct err *e);

/* What OPT_STRINGS fields hold. */
void opt_free(const struct opt *opts, void *options);

void opt_print_help(const struct program *p, const struct command *c, FILE *out);
void opt_print_completion(const struct program *p, FILE *out);

#endif
