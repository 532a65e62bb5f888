/* SPDX-License-Identifier: Apache-2.0 */
#include "common/opt.h"

#include "common/near.h"
#include "common/num.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#define OPTS_MAX  64
#define HELP_CODE 255 /* what getopt_long() returns for --help; options follow */

static const char write_failed[] = "cannot write to standard output";

static const struct command *find_command(const struct program *p, const char *name)
{
	for (const struct command *const *c = p->commands; *c; c++) {
		if (strcmp((*c)->name, name) == 0)
			return *c;
	}
	return NULL;
}

static int unknown_command(const struct program *p, const char *name, struct err *e)
{
	struct near n = near_begin(name);

	for (const struct command *const *c = p->commands; *c; c++) {
		if (!(*c)->hidden)
			near_consider(&n, (*c)->name);
	}
	if (n.name)
		return err_set(e, ERR_USAGE, EINVAL,
			"unknown command '%s': did you mean '%s'? (see '%s --help')", name, n.name,
			p->name);
	return err_set(
		e, ERR_USAGE, EINVAL, "unknown command '%s' (see '%s --help')", name, p->name);
}

/* One command line on its way through getopt_long(). */
struct parse {
	const struct program *program;
	const struct command *command;
	struct option longs[OPTS_MAX + 2];
	char shorts[2 * OPTS_MAX + 5];
	bool bare; /* neither --help nor a program to hint at */
	bool help;
};

static void parse_prepare(struct parse *p)
{
	const struct opt *o = p->command->opts;
	size_t i = 0;
	/* "+": end at the first operand. ":": tell a missing argument from an unknown option, and
	 * print nothing. */
	char *s = stpcpy(p->shorts, p->command->prefix ? "+:" : ":");

	for (; o && o->type != OPT_END && i < OPTS_MAX; o++, i++) {
		p->longs[i] = (struct option){
			.name = o->name,
			.has_arg = o->type == OPT_FLAG ? no_argument : required_argument,
			.val = HELP_CODE + 1 + (int)i,
		};
		if (o->letter)
			*s++ = o->letter;
		if (o->letter && o->type != OPT_FLAG)
			*s++ = ':';
	}
	if (p->bare) {
		*s = '\0';
		return;
	}
	/* An option of the command's own with this letter comes first and is found first. */
	*s++ = 'h';
	*s = '\0';
	p->longs[i] = (struct option){.name = "help", .has_arg = no_argument, .val = HELP_CODE};
}

static const struct opt *opt_of(const struct parse *p, int code)
{
	const struct opt *o = p->command->opts;

	if (code > HELP_CODE)
		return &o[code - HELP_CODE - 1];
	while (o && o->type != OPT_END && o->letter != code)
		o++;
	return o;
}

static int add_string(struct opt_strings *list, const char *text, struct err *e)
{
	const char **item = reallocarray(list->item, list->n + 1, sizeof(*item));

	if (!item)
		return err_oom(e);
	item[list->n++] = text;
	list->item = item;
	return 0;
}

static int store(const struct parse *p, const struct opt *o, void *options, struct err *e)
{
	char *field = (char *)options + o->offset;
	int rc = 0;

	switch (o->type) {
	case OPT_FLAG:
		*(bool *)field = true;
		break;
	case OPT_STRING:
		*(const char **)(void *)field = optarg;
		break;
	case OPT_U64:
		rc = num_u64(optarg, 0, UINT64_MAX, (uint64_t *)(void *)field, e);
		break;
	case OPT_SIZE:
		rc = num_size(optarg, (uint64_t *)(void *)field, e);
		break;
	case OPT_DURATION:
		rc = num_duration(optarg, (uint64_t *)(void *)field, e);
		break;
	case OPT_STRINGS:
		rc = add_string((struct opt_strings *)(void *)field, optarg, e);
		break;
	case OPT_END:
		break;
	}
	return rc < 0 ? err_ctx(e, "%s: --%s", p->command->name, o->name) : 0;
}

/* what has the option and the reason. */
static int refuse(const struct parse *p, const char *what, struct err *e)
{
	if (p->bare)
		return err_set(e, ERR_USAGE, EINVAL, "%s: %s", p->command->name, what);
	return err_set(e, ERR_USAGE, EINVAL, "%s: %s (see '%s %s --help')", p->command->name, what,
		p->program->name, p->command->name);
}

static int unknown_option(const struct parse *p, const char *arg, struct err *e)
{
	struct near n;
	char what[256];

	if (optopt > HELP_CODE) {
		snprintf(what, sizeof(what), "option '--%s' takes no argument",
			opt_of(p, optopt)->name);
	} else if (optopt == HELP_CODE) {
		snprintf(what, sizeof(what), "option '--help' takes no argument");
	} else if (optopt) {
		snprintf(what, sizeof(what), "unknown option '-%c'", optopt);
	} else {
		n = near_begin(arg + 2);
		if (!p->bare)
			near_consider(&n, "help");
		for (const struct opt *o = p->command->opts; o && o->type != OPT_END; o++)
			near_consider(&n, o->name);
		snprintf(what, sizeof(what), "unknown option '--%.*s'%s%s%s",
			n.len > 100 ? 100 : (int)n.len, n.wrong, n.name ? ": did you mean '--" : "",
			n.name ? n.name : "", n.name ? "'?" : "");
	}
	return refuse(p, what, e);
}

static int parse_options(struct parse *p, int argc, char **argv, void *options, struct err *e)
{
	char what[256];
	int code, rc = 0;

	optind = 0; /* glibc: begin anew */
	opterr = 0;
	while (rc == 0 && (code = getopt_long(argc, argv, p->shorts, p->longs, NULL)) != -1) {
		if (code == '?')
			return unknown_option(p, argv[optind - 1], e);
		if (code == ':') {
			snprintf(what, sizeof(what), "option '--%s' needs an argument",
				opt_of(p, optopt)->name);
			return refuse(p, what, e);
		}
		if (code == HELP_CODE || (code == 'h' && opt_of(p, 'h')->type == OPT_END))
			p->help = true;
		else
			rc = store(p, opt_of(p, code), options, e);
	}
	return rc;
}

static int check_operands(const struct parse *p, int count, struct err *e)
{
	const struct command *c = p->command;
	char what[256];

	if (count >= c->min_operands && (c->max_operands < 0 || count <= c->max_operands))
		return 0;
	if (!*c->operands)
		snprintf(what, sizeof(what), "takes no operands");
	else
		snprintf(what, sizeof(what), "%s operands: it takes %s",
			count < c->min_operands ? "missing" : "too many", c->operands);
	return refuse(p, what, e);
}

static int flush_output(struct err *e)
{
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		/* So that exit() does not try once more. */
		clearerr(stdout);
		return err_errno(e, "%s", write_failed);
	}
	return 0;
}

int opt_parse(const struct opt *opts, int argc, char **argv, void *options,
	struct opt_operands *ret, struct err *e)
{
	const struct command c = {.name = argv[0], .opts = opts, .prefix = true};
	struct parse p = {.command = &c, .bare = true};
	int rc;

	parse_prepare(&p);
	rc = parse_options(&p, argc, argv, options, e);
	if (rc == 0)
		*ret = (struct opt_operands){.argc = argc - optind, .argv = argv + optind};
	return rc;
}

void opt_free(const struct opt *opts, void *options)
{
	for (const struct opt *o = opts; o && o->type != OPT_END; o++) {
		struct opt_strings *list = (void *)((char *)options + o->offset);

		if (o->type != OPT_STRINGS)
			continue;
		free(list->item);
		*list = (struct opt_strings){0};
	}
}

static int run_parsed(const struct program *program, const struct command *c, int argc, char **argv,
	void *options, struct err *e)
{
	struct parse p = {.program = program, .command = c};
	struct opt_operands operands;
	int rc;

	parse_prepare(&p);
	rc = parse_options(&p, argc, argv, options, e);
	if (rc < 0)
		return rc;
	if (p.help) {
		opt_print_help(program, c, stdout);
		return flush_output(e);
	}
	operands = (struct opt_operands){.argc = argc - optind, .argv = argv + optind};
	rc = check_operands(&p, operands.argc, e);
	if (rc == 0)
		rc = c->run(options, &operands, e);
	/* What was printed stands before the message, wherever both go. */
	if (rc < 0) {
		fflush(stdout);
		return rc;
	}
	return flush_output(e) < 0 ? -e->num : rc;
}

static int run_command(const struct program *program, const struct command *c, int argc,
	char **argv, struct err *e)
{
	auto_free void *options = calloc(1, c->options_size ? c->options_size : 1);
	int rc;

	if (!options)
		return err_oom(e);
	if (c->defaults)
		memcpy(options, c->defaults, c->options_size);
	rc = run_parsed(program, c, argc, argv, options, e);
	opt_free(c->opts, options);
	return rc < 0 && c->failed ? c->failed(e) : rc;
}

static int print_completion(const struct program *p, const char *shell, struct err *e)
{
	if (!shell || strcmp(shell, "bash") != 0)
		return err_set(
			e, ERR_USAGE, EINVAL, "--completion: use '%s --completion bash'", p->name);
	opt_print_completion(p, stdout);
	return flush_output(e);
}

static int print_help(const struct program *p, const char *name, struct err *e)
{
	const struct command *c = name ? find_command(p, name) : NULL;

	if (name && !c)
		return unknown_command(p, name, e);
	opt_print_help(p, c, stdout);
	return flush_output(e);
}

int opt_dispatch(const struct program *p, int argc, char **argv, struct err *e)
{
	const char *first = argc > 1 ? argv[1] : NULL;
	const char *second = argc > 2 ? argv[2] : NULL;
	const struct command *c;

	if (!first)
		return err_set(e, ERR_USAGE, EINVAL, "no command (see '%s --help')", p->name);
	if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0)
		return print_help(p, NULL, e);
	if (strcmp(first, "help") == 0)
		return print_help(p, second, e);
	if (strcmp(first, "--version") == 0) {
		printf("%s %s\n", p->name, p->version);
		return flush_output(e);
	}
	if (strcmp(first, "--completion") == 0)
		return print_completion(p, second, e);
	if (first[0] == '-')
		return err_set(e, ERR_USAGE, EINVAL,
			"unknown option '%s': the command comes first (see '%s --help')", first,
			p->name);
	c = find_command(p, first);
	return c ? run_command(p, c, argc - 1, argv + 1, e) : unknown_command(p, first, e);
}
