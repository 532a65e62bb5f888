/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of project. */
#ifndef CONTROLLER_PROJECT_PRIVATE_H
#define CONTROLLER_PROJECT_PRIVATE_H

#include "controller/project/project.h"

#define PROJECT_APPS     64
#define PROJECT_FLAGS    64
#define PROJECT_TARGETS  256
#define PROJECT_HOSTS    256
#define PROJECT_ARCHIVES 4096

#define PROJECT_DEFAULT_FLAGS "default"

/* project_take.c, project_take_aws.c, project_take_image.c: each takes one kind of value, as the
 * man page has it. */
config_parse_fn project_take_accounts;   /* struct config_words */
config_parse_fn project_take_address;    /* char *: [user@]host[:port] */
config_parse_fn project_take_base;       /* char * */
config_parse_fn project_take_caller;     /* char * */
config_parse_fn project_take_containers; /* struct config_words */
config_parse_fn project_take_deprecate;  /* uint64_t ns */
config_parse_fn project_take_ecs;        /* struct config_words */
config_parse_fn project_take_env;        /* struct config_words */
config_parse_fn project_take_file;       /* struct config_words: one more path */
config_parse_fn project_take_flags;      /* char *: words of a command line, or "" */
config_parse_fn project_take_format;     /* enum image_format */
config_parse_fn project_take_image_base; /* char * */
config_parse_fn project_take_inner;      /* char *: a path beneath another */
config_parse_fn project_take_iops;       /* unsigned */
config_parse_fn project_take_kernel;     /* char * */
config_parse_fn project_take_level;      /* unsigned */
config_parse_fn project_take_lifetime;   /* uint64_t ns */
config_parse_fn project_take_market;     /* enum market */
config_parse_fn project_take_name;       /* char * */
config_parse_fn project_take_packages;   /* struct config_words */
config_parse_fn project_take_parallel;   /* unsigned */
config_parse_fn project_take_parameter;  /* char * */
config_parse_fn project_take_path;       /* char * */
config_parse_fn project_take_price;      /* uint64_t, money.h */
config_parse_fn project_take_provider;   /* enum provider */
config_parse_fn project_take_regions;    /* struct config_words */
config_parse_fn project_take_size;       /* uint64_t bytes */
config_parse_fn project_take_subnets;    /* struct config_words */
config_parse_fn project_take_tags;       /* struct config_words */
config_parse_fn project_take_text;       /* char *: printable */
config_parse_fn project_take_throughput; /* unsigned, MiB/s */
config_parse_fn project_take_timeout;    /* uint64_t ns */
config_parse_fn project_take_types;      /* struct config_words */
config_parse_fn project_take_units;      /* struct config_words */
config_parse_fn project_take_user;       /* char * */
config_parse_fn project_take_vcpus;      /* unsigned */
config_parse_fn project_take_volume;     /* uint64_t bytes */
config_parse_fn project_take_word;       /* char *: without blanks */
config_parse_fn project_take_yes;        /* bool */

/* For these. */
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* "'VALUE' CAUSE", of kind config. */
int project_bad(const char *value, const char *cause, struct err *e);
must_check int project_set(void *field, const char *value, struct err *e);
/* 1 to max of the characters in rest, beginning with one of first. */
bool project_is_of(const char *s, const char *first, const char *rest, size_t max);
must_check int project_one_of(
	const char *value, const char *const *word, unsigned *ret, struct err *e);

/* From min to max, both of them; text says so: "is not between 1s and 7d". */
struct project_range {
	uint64_t min, max;
	const char *text;
};

must_check int project_number(
	const char *value, uint64_t min, uint64_t max, unsigned *ret, struct err *e);
must_check int project_duration(
	const char *value, const struct project_range *r, uint64_t *ret, struct err *e);
must_check int project_size(
	const char *value, const struct project_range *r, uint64_t *ret, struct err *e);

/* A list each word of which must be good. */
struct project_taken {
	config_parse_fn *list;
	int (*check)(const char *word, struct err *e);
};

must_check int project_take_each(
	const struct project_taken *t, const char *value, void *field, struct err *e);

/* project_read.c: the file as it is, in a project of zeroes, with p->file and p->dir set; then
 * defaults, and paths made absolute. */
must_check int project_read(struct project *p, struct config_lines *lines, struct err *e);
must_check int project_make_absolute(const struct project *p, char **path, struct err *e);

/* project_check.c: what more than one value, or the file system, says. */
must_check int project_check(
	const struct project *p, const struct config_lines *lines, struct err *e);

#define PROJECT_TITLE 80 /* of a section, with its NUL */

struct project_checking {
	const struct project *p;
	const struct config_lines *lines;
	struct err *e;
};

/* What is at fault: a section, "app octave", a key or "", and a word of its value or NULL. */
struct project_place {
	const char *section;
	const char *key;
	const char *word;
};

/* project_check.c: says of the error in c->e where it is; returns it. */
int project_blame(const struct project_checking *c, struct project_place at);
int project_missing(const struct project_checking *c, const char *section, const char *key);
int project_twice(const struct project_checking *c, struct project_place at);
/* Is word i there before, too? */
bool project_is_before(const struct config_words *w, size_t i);
must_check int project_check_targets(
	const struct project_checking *c, const char *section, const struct config_words *w);

/* A path before it was made absolute. */
const char *project_as_written(const struct project_checking *c, const char *path);

/* project_check_app.c */
must_check int project_check_app(const struct project_checking *c, const struct project_app *a);

/* project_image.c: of [image]. */
must_check int project_image_defaults(struct project *p, struct err *e);
must_check int project_image_paths(struct project *p, struct err *e);
must_check int project_image_check(const struct project_checking *c);
void project_image_free(struct image_spec *i);

/* project.c: the architecture of an agent by its ELF header: "x86_64", "aarch64". */
must_check int project_agent_arch(const char *path, const char **ret, struct err *e);

#endif
