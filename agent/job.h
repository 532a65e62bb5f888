/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a job asks for: the options of `submit`, which are those of a job file's #JOB lines too.
 *
 * A job file begins with lines that are empty or begin with '#'. Those that begin with "#JOB " hold
 * options, as words (job_words.c): blanks separate, '…' is literal, \n outside of quotes is a
 * newline, another \c is c itself. Where such a line holds "--", what follows is the command and
 * its arguments, run without a shell, and no #JOB line comes after it; with --stdin all that
 * follows the line is its standard input. Without a command the file itself is run: by what its
 * "#!" names, else by /bin/sh.
 */
#ifndef AGENT_JOB_H
#define AGENT_JOB_H

#include "common/buf.h"
#include "common/num.h"
#include "common/opt.h"

#include <stdint.h>

#define JOB_NAME      48 /* of --name, with its NUL */
#define JOB_WORDS_MAX 16384
#define JOB_GRACE     (10 * NSEC_PER_SEC)
#define JOB_AFTER_MAX 64
#define JOB_LINES_MAX 256 /* #JOB */

/* A notice gives two minutes: of these the signal before the end gets at most this. */
#define JOB_CHECKPOINT_MAX (60 * NSEC_PER_SEC)

/* All pointers lead into the job's own text, or into argv. */
struct job_options {
	uint64_t cpus;    /* 1 or more; with cores it is taken from those */
	uint64_t mem;     /* bytes, 0: the share of its CPUs */
	uint64_t scratch; /* bytes, 0: the share of its slot */
	uint64_t time;    /* ns, 0: no limit */
	uint64_t grace;   /* ns from SIGTERM to SIGKILL */
	uint64_t cores;   /* whole cores on one NUMA node, 0: not pinned */
	uint64_t threads_per_core;
	const char *name;         /* NULL: none */
	const char *cwd;          /* absolute, NULL: run/ID/work */
	const char *signal;       /* "USR1@60", NULL: none */
	struct opt_strings env;   /* NAME=VALUE */
	struct opt_strings after; /* IDs of jobs that must be done */
	bool input;               /* --stdin */
	bool requeue;
};

/* Rows for a table of options whose struct has a member of type struct job_options. */
#define JOB_OPTION_ROWS(type, member)                                                              \
	{OPT_U64, 'c', "cpus", offsetof(type, member.cpus), "N", "CPUs (default: 1)"},             \
		{OPT_SIZE, 'm', "mem", offsetof(type, member.mem), "SIZE",                         \
			"memory (default: 175M for each CPU)"},                                    \
		{OPT_SIZE, 0, "scratch", offsetof(type, member.scratch), "SIZE",                   \
			"space in /shared (default: an equal share)"},                             \
		{OPT_DURATION, 't', "time", offsetof(type, member.time), "TIME",                   \
			"end it after this long (default: never)"},                                \
		{OPT_STRING, 0, "signal", offsetof(type, member.signal), "SIG@SECONDS",            \
			"send a signal that long before it is ended"},                             \
		{OPT_DURATION, 0, "grace", offsetof(type, member.grace), "TIME",                   \
			"from SIGTERM to SIGKILL (default: 10s)"},                                 \
		{OPT_U64, 0, "cores", offsetof(type, member.cores), "N",                           \
			"pin it to N whole cores of one NUMA node"},                               \
		{OPT_U64, 0, "threads-per-core", offsetof(type, member.threads_per_core), "N",     \
			"of each, use 1 or 2 threads (default: 1)"},                               \
		{OPT_STRING, 'n', "name", offsetof(type, member.name), "NAME", "call it so"},      \
		{OPT_STRINGS, 'e', "env", offsetof(type, member.env), "NAME=VALUE",                \
			"set a variable; may be repeated"},                                        \
		{OPT_STRING, 0, "cwd", offsetof(type, member.cwd), "DIR",                          \
			"start there (default: a folder of its own)"},                             \
		{OPT_STRINGS, 0, "after", offsetof(type, member.after), "ID",                      \
			"start when that job is done; may be repeated"},                           \
		{OPT_FLAG, 0, "stdin", offsetof(type, member.input), NULL,                         \
			"give it standard input"},                                                 \
	{                                                                                          \
		OPT_FLAG, 0, "requeue", offsetof(type, member.requeue), NULL,                      \
			"queue it again when the machine interrupts it"                            \
	}

#define JOB_OPTION_DEFAULTS                                                                        \
	{                                                                                          \
		.cpus = 1, .grace = JOB_GRACE, .threads_per_core = 1                               \
	}

struct job {
	struct job_options options;
	int signal;             /* before the end, 0: none */
	uint64_t signal_before; /* ns */
	char **argv;            /* ends with NULL; NULL: the file itself is run */
	bool shebang;           /* the file begins with "#!" */
	const char *input;      /* in the text that was parsed */
	size_t input_len;
	char **words; /* own */
	size_t n_words;
	unsigned n_lines; /* of options */
};

/* Checks what the options table cannot (ranges, names, the signal) and fills the derived members.
 * Kind usage. */
must_check int job_check(struct job *j, struct err *e);

/* Parses a job file; text must outlive the job. Kind data. The caller frees in every case. */
must_check int job_parse(const char *text, size_t len, struct job *ret, struct err *e);

/* Makes a job file of options, argv (NULL: none) and standard input (NULL: none): job_parse() gives
 * them back. Kind usage when it would be longer than out->max. */
must_check int job_compose(const struct job_options *o, char *const *argv, const struct buf *input,
	struct buf *out, struct err *e);

void job_free(struct job *j);

#define auto_job __attribute__((cleanup(job_free)))

/* job_words.c. Splits one line into malloc'd words, added to (*words)[*n], a growing array. Kind
 * data. */
must_check int job_words_split(
	const char *line, size_t len, char ***words, size_t *n, struct err *e);

/* Adds a blank and the word, quoted where it must be; 0, -ENOMEM or -EFBIG. */
must_check int job_words_add(struct buf *out, const char *word);

#endif
