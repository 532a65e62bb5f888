/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/job.h"

#include "agent/spool.h"
#include "common/num.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define CPUS_MAX  65536
#define GRACE_MAX (3600 * NSEC_PER_SEC)
#define TIME_MAX  (366 * 86400 * NSEC_PER_SEC)
#define PREFIX    "#JOB"

static const struct job_options defaults = JOB_OPTION_DEFAULTS;

struct holder {
	struct job_options job;
};

static const struct opt opts[] = {JOB_OPTION_ROWS(struct holder, job), {0}};

struct signal_name {
	const char *name;
	int number;
};

static const struct signal_name signal_names[] = {
	{"HUP", SIGHUP},
	{"INT", SIGINT},
	{"QUIT", SIGQUIT},
	{"USR1", SIGUSR1},
	{"USR2", SIGUSR2},
	{"ALRM", SIGALRM},
	{"TERM", SIGTERM},
	{"CONT", SIGCONT},
	{"WINCH", SIGWINCH},
};

static int signal_number(const char *name)
{
	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (size_t i = 0; i < ARRAY_LEN(signal_names); i++)
		if (strcmp(name, signal_names[i].name) == 0)
			return signal_names[i].number;
	return 0;
}

static int refuse(const char *option, const char *value, const char *why, struct err *e)
{
	return err_set(e, ERR_USAGE, EINVAL, "--%s: '%.100s' %s", option, value, why);
}

static int check_signal(struct job *j, struct err *e)
{
	const char *text = j->options.signal;
	const char *at = text ? strchr(text, '@') : NULL;
	char name[16];

	if (!text)
		return 0;
	if (at && (size_t)(at - text) < sizeof(name)) {
		snprintf(name, sizeof(name), "%.*s", (int)(at - text), text);
		j->signal = signal_number(name);
	}
	if (!j->signal)
		return refuse("signal", text, "is not a signal and seconds, as USR1@60", e);
	if (num_duration(at + 1, &j->signal_before, e) < 0)
		return err_ctx(e, "--signal");
	if (j->options.time && j->signal_before >= j->options.time)
		return refuse("signal", text, "is not before the end that --time sets", e);
	return 0;
}

static bool is_variable(const char *text)
{
	size_t len =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return len > 0 && text[len] == '=' && (*text < '0' || *text > '9');
}

static int check_lists(const struct job_options *o, struct err *e)
{
	for (size_t i = 0; i < o->env.n; i++)
		if (!is_variable(o->env.item[i]))
			return refuse("env", o->env.item[i], "is not NAME=VALUE", e);
	for (size_t i = 0; i < o->after.n; i++)
		if (!spool_is_id(o->after.item[i]))
			return refuse("after", o->after.item[i], "is not the ID of a job", e);
	if (o->after.n > JOB_AFTER_MAX)
		return err_set(e, ERR_USAGE, E2BIG, "--after: more than %d jobs", JOB_AFTER_MAX);
	return 0;
}

static int check_number(const char *option, uint64_t n, uint64_t min, uint64_t max, struct err *e)
{
	if (n >= min && n <= max)
		return 0;
	return err_set(e, ERR_USAGE, ERANGE, "--%s: %llu is not between %llu and %llu", option,
		(unsigned long long)n, (unsigned long long)min, (unsigned long long)max);
}

int job_check(struct job *j, struct err *e)
{
	const struct job_options *o = &j->options;
	int rc = check_number("cpus", o->cpus, 1, CPUS_MAX, e);

	if (rc == 0)
		rc = check_number("cores", o->cores, 0, CPUS_MAX, e);
	if (rc == 0)
		rc = check_number("threads-per-core", o->threads_per_core, 1, 2, e);
	if (rc == 0 && o->grace > GRACE_MAX)
		rc = err_set(e, ERR_USAGE, ERANGE, "--grace: more than 1h");
	if (rc == 0 && o->time > TIME_MAX)
		rc = err_set(e, ERR_USAGE, ERANGE, "--time: more than a year");
	if (rc == 0 && o->name && (!spool_is_name(o->name) || strlen(o->name) >= JOB_NAME))
		rc = refuse("name", o->name, "is not letters, digits, '.', '_' and '-'", e);
	if (rc == 0 && o->cwd && *o->cwd != '/')
		rc = refuse("cwd", o->cwd, "is not an absolute path", e);
	if (rc == 0)
		rc = check_lists(o, e);
	return rc == 0 ? check_signal(j, e) : rc;
}

/* The options of one #JOB line, and the command behind its "--". */
static int parse_words(struct job *j, size_t first, struct err *e)
{
	struct opt_operands operands;
	size_t n = j->n_words - first;
	auto_free char **argv = calloc(n + 2, sizeof(*argv));
	static char prefix[] = PREFIX;
	int rc;

	if (!argv)
		return err_oom(e);
	argv[0] = prefix;
	memcpy(&argv[1], &j->words[first], n * sizeof(*argv));
	rc = opt_parse(opts, (int)n + 1, argv, &j->options, &operands, e);
	if (rc < 0)
		return rc;
	/* getopt_long() has taken "--" away, if that is what ended the options. */
	if (strcmp(operands.argv[-1], "--") != 0 && operands.argc > 0)
		return err_set(e, ERR_DATA, EINVAL, "'%.100s' is no option: a command follows '--'",
			operands.argv[0]);
	if (strcmp(operands.argv[-1], "--") == 0 && operands.argc == 0)
		return err_set(e, ERR_DATA, EINVAL, "no command follows '--'");
	if (operands.argc > 0)
		j->argv = &j->words[j->n_words - (size_t)operands.argc];
	return 0;
}

/* A line of the head; 1: the head has ended. */
static int parse_line(struct job *j, const char *line, size_t len, struct err *e)
{
	const size_t prefix = strlen(PREFIX);
	size_t before = j->n_words;
	size_t blanks = 0;
	int rc;

	while (blanks < len && strchr(" \t\r", line[blanks]) && line[blanks])
		blanks++;
	if (blanks == len)
		return 0;
	if (line[0] != '#')
		return 1;
	if (len < prefix || memcmp(line, PREFIX, prefix) != 0 ||
		(len > prefix && !strchr(" \t\r", line[prefix])))
		return 0;
	if (++j->n_lines > JOB_LINES_MAX)
		return err_set(e, ERR_DATA, E2BIG, "more than %d " PREFIX " lines", JOB_LINES_MAX);
	rc = job_words_split(line + prefix, len - prefix, &j->words, &j->n_words, e);
	if (rc == 0 && j->n_words > before)
		rc = parse_words(j, before, e);
	return rc;
}

static bool is_white(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n", text[i]) || !text[i])
			return false;
	return true;
}

static int parse_body(struct job *j, const char *text, size_t len, struct err *e)
{
	if (j->options.input && !j->argv)
		return err_set(e, ERR_DATA, EINVAL, "--stdin needs a command behind '--'");
	if (j->argv && j->options.input) {
		j->input = text;
		j->input_len = len;
	} else if (j->argv && !is_white(text, len)) {
		return err_set(e, ERR_DATA, EINVAL,
			"what follows the command would not be used: give --stdin");
	}
	return 0;
}

int job_parse(const char *text, size_t len, struct job *ret, struct err *e)
{
	size_t at = 0;
	unsigned line = 0;
	int rc = 0;

	*ret = (struct job){.options = defaults, .shebang = len > 1 && memcmp(text, "#!", 2) == 0};
	while (rc == 0 && at < len && !ret->argv) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t n = newline ? (size_t)(newline - text) - at : len - at;

		line++;
		rc = parse_line(ret, text + at, n, e);
		if (rc == 0)
			at += n + (newline != NULL);
	}
	if (rc < 0) {
		e->kind = e->kind == ERR_USAGE ? ERR_DATA : e->kind;
		return err_ctx(e, "line %u", line);
	}
	rc = parse_body(ret, text + at, len - at, e);
	if (rc == 0)
		rc = job_check(ret, e);
	if (rc < 0 && e->kind == ERR_USAGE)
		e->kind = ERR_DATA;
	return rc;
}

void job_free(struct job *j)
{
	opt_free(opts, &j->options);
	for (size_t i = 0; i < j->n_words; i++)
		free(j->words[i]);
	free(j->words);
	*j = (struct job){0};
}

static int add_option(struct buf *out, const char *name, const char *value)
{
	auto_buf struct buf word = BUF_INIT(SPOOL_JOB_MAX);
	int rc = buf_addf(&word, "--%s=%s", name, value);

	return rc < 0 ? rc : job_words_add(out, buf_str(&word));
}

/* A value that is the default is left out. */
static int add_given(struct buf *out, const struct opt *o, const struct job_options *options)
{
	const char *field = (const char *)options + o->offset;
	const char *other = (const char *)&defaults + o->offset;
	const struct opt_strings *list = (const void *)field;
	uint64_t number = o->type == OPT_U64 || o->type == OPT_SIZE || o->type == OPT_DURATION
				  ? *(const uint64_t *)(const void *)field
				  : 0;
	const char *text = o->type == OPT_STRING ? *(const char *const *)(const void *)field : NULL;
	int rc = 0;

	switch (o->type) {
	case OPT_FLAG:
		return *(const bool *)field ? buf_addf(out, " --%s", o->name) : 0;
	case OPT_U64:
	case OPT_SIZE:
	case OPT_DURATION:
		if (number == *(const uint64_t *)(const void *)other)
			return 0;
		if (o->type == OPT_DURATION)
			return buf_addf(out, " --%s=%llums", o->name,
				(unsigned long long)(number / NSEC_PER_MSEC));
		return buf_addf(out, " --%s=%llu", o->name, (unsigned long long)number);
	case OPT_STRING:
		return text ? add_option(out, o->name, text) : 0;
	case OPT_STRINGS:
		for (size_t i = 0; rc == 0 && i < list->n; i++)
			rc = add_option(out, o->name, list->item[i]);
		return rc;
	case OPT_END:
		break;
	}
	return 0;
}

int job_compose(const struct job_options *o, char *const *argv, const struct buf *input,
	struct buf *out, struct err *e)
{
	int rc = buf_adds(out, PREFIX);

	for (const struct opt *i = opts; rc == 0 && i->type != OPT_END; i++)
		rc = add_given(out, i, o);
	if (rc == 0 && argv)
		rc = buf_adds(out, " --");
	for (size_t i = 0; rc == 0 && argv && argv[i]; i++)
		rc = job_words_add(out, argv[i]);
	if (rc == 0)
		rc = buf_adds(out, "\n");
	if (rc == 0 && input)
		rc = buf_add(out, buf_str(input), input->len);
	if (rc == -EFBIG)
		return err_set(e, ERR_USAGE, EFBIG,
			"the command and its input are longer than %zu bytes", out->max);
	return rc < 0 ? err_oom(e) : 0;
}
