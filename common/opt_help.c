/* SPDX-License-Identifier: Apache-2.0 */
#include "common/opt.h"

#include <ctype.h>
#include <string.h>

#define COLUMN 28 /* where the help of an option begins */

static void print_option(const struct opt *o, FILE *out)
{
	char left[128];
	int len;

	if (o->letter)
		len = snprintf(left, sizeof(left), "  -%c, --%s", o->letter, o->name);
	else
		len = snprintf(left, sizeof(left), "      --%s", o->name);
	if (o->arg && len > 0 && (size_t)len < sizeof(left))
		len += snprintf(left + len, sizeof(left) - (size_t)len, "=%s", o->arg);
	if (len < COLUMN)
		fprintf(out, "%-*s%s\n", COLUMN, left, o->help);
	else
		fprintf(out, "%s\n%*s%s\n", left, COLUMN, "", o->help);
}

static void print_command_help(const struct program *p, const struct command *c, FILE *out)
{
	static const struct opt help = {
		.type = OPT_FLAG, .letter = 'h', .name = "help", .help = "print this help"};
	struct opt own = help;

	fprintf(out, "Usage: %s %s [OPTION]...%s%s\n%s\n\nOptions:\n", p->name, c->name,
		*c->operands ? " " : "", c->operands, c->summary);
	for (const struct opt *o = c->opts; o && o->type != OPT_END; o++) {
		print_option(o, out);
		if (o->letter == 'h')
			own.letter = 0;
	}
	print_option(&own, out);
}

void opt_print_help(const struct program *p, const struct command *c, FILE *out)
{
	int width = 0;

	if (c) {
		print_command_help(p, c, out);
		return;
	}
	for (const struct command *const *i = p->commands; *i; i++) {
		if (!(*i)->hidden && (int)strlen((*i)->name) > width)
			width = (int)strlen((*i)->name);
	}
	fprintf(out, "Usage: %s COMMAND [OPTION]... [OPERAND]...\n%s\n\nCommands:\n", p->name,
		p->purpose);
	for (const struct command *const *i = p->commands; *i; i++) {
		if (!(*i)->hidden)
			fprintf(out, "  %-*s  %s\n", width, (*i)->name, (*i)->summary);
	}
	fprintf(out,
		"\n'%s COMMAND --help' explains a command, '%s --version' prints the version.\n",
		p->name, p->name);
}

/* A shell function's name: letters, digits and underscores. */
static void print_function(const struct program *p, FILE *out)
{
	fputc('_', out);
	for (const char *s = p->name; *s; s++)
		fputc(isalnum((unsigned char)*s) ? *s : '_', out);
}

static void print_words(const struct command *c, FILE *out)
{
	for (const struct opt *o = c->opts; o && o->type != OPT_END; o++)
		fprintf(out, "--%s%s ", o->name, o->type == OPT_FLAG ? "" : "=");
	fputs("--help", out);
}

void opt_print_completion(const struct program *p, FILE *out)
{
	fprintf(out, "# bash completion, made by '%s --completion bash'\n", p->name);
	print_function(p, out);
	fputs("()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} words=\n"
	      "\tCOMPREPLY=()\n"
	      "\tif ((COMP_CWORD == 1)); then\n"
	      "\t\twords='",
		out);
	for (const struct command *const *c = p->commands; *c; c++) {
		if (!(*c)->hidden)
			fprintf(out, "%s ", (*c)->name);
	}
	fputs("help --help --version'\n"
	      "\telif [[ $cur == -* ]]; then\n"
	      "\t\tcase ${COMP_WORDS[1]} in\n",
		out);
	for (const struct command *const *c = p->commands; *c; c++) {
		if ((*c)->hidden)
			continue;
		fprintf(out, "\t\t%s) words='", (*c)->name);
		print_words(*c, out);
		fputs("' ;;\n", out);
	}
	fputs("\t\tesac\n"
	      "\tfi\n"
	      "\t[[ -n $words ]] || return 0\n"
	      "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "\t[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace\n"
	      "}\n"
	      "complete -o default -F ",
		out);
	print_function(p, out);
	fprintf(out, " %s\n", p->name);
}
