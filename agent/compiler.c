/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/compiler.h"

#include "common/clock.h"
#include "common/num.h"
#include "common/proc.h"
#include "common/words.h"

#include <errno.h>
#include <string.h>

#define OUTPUT_MAX (1 * MIB)
#define TIME_MAX   (60 * NSEC_PER_SEC)

struct question {
	const struct words *cc;
	const struct words *flags;
	const char *only; /* instead of the flags of kind FLAG_MACHINE; NULL: those */
};

enum flag_kind { FLAG_OTHER, FLAG_TARGET, FLAG_MACHINE };

/* Which flags go along: the first row that fits, by the whole word or by its beginning. */
static const struct flag_row {
	const char *text;
	bool whole;
	size_t words;
	enum flag_kind kind;
} flag_rows[] = {
	{"-target", true, 2, FLAG_TARGET},
	{"--target=", false, 1, FLAG_TARGET},
	{"-Xclang", true, 2, FLAG_MACHINE},
	{"-mllvm", true, 2, FLAG_MACHINE},
	{"-m", false, 1, FLAG_MACHINE},
	{"", false, 1, FLAG_OTHER},
};

static bool has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static const struct flag_row *flag_row(const char *word)
{
	const struct flag_row *r = flag_rows;

	while (r->whole ? strcmp(word, r->text) != 0 : !has_prefix(word, r->text))
		r++;
	return r;
}

#define ARGS_MAX (2 * WORDS_MAX + 16)

struct command_line {
	const char *argv[ARGS_MAX + 1];
	size_t n;
};

static void add(struct command_line *c, const char *arg)
{
	if (c->n < ARGS_MAX)
		c->argv[c->n++] = arg;
}

static void add_flags(struct command_line *c, const struct question *q)
{
	const struct words *f = q->flags;
	const struct flag_row *r;

	for (size_t i = 0; i < f->n; i += r->words) {
		r = flag_row(f->word[i]);
		if (r->kind == FLAG_OTHER || (r->kind == FLAG_MACHINE && q->only))
			continue;
		for (size_t k = i; k < i + r->words && k < f->n; k++)
			add(c, f->word[k]);
	}
	if (q->only)
		add(c, q->only);
}

static int run(const struct question *q, const char *const *what, struct buf *out, struct err *e)
{
	struct command_line c = {.n = 0};
	struct proc_request r = {.argv = c.argv, .deadline = clock_deadline(TIME_MAX)};
	int status;
	int rc;

	for (size_t i = 0; i < q->cc->n; i++)
		add(&c, q->cc->word[i]);
	add_flags(&c, q);
	for (size_t i = 0; what[i]; i++)
		add(&c, what[i]);
	rc = proc_run(&r, out, &status, e);
	if (rc == 0 && status != 0)
		return err_set(e, ERR_USAGE, EINVAL,
			"'%s' refuses the flags (it ended with %d): are they for this compiler?",
			q->cc->word[0], status);
	return rc;
}

static int ask_macros(
	const struct question *q, struct buf *out, struct compiler_answer *ret, struct err *e)
{
	static const char *const what[] = {"-E", "-dM", "-x", "c", "/dev/null", NULL};
	int rc = run(q, what, out, e);

	if (rc == 0 && !compiler_macros(buf_str(out), ret))
		return err_set(e, ERR_USAGE, EINVAL,
			"'%s' compiles for neither x86 nor aarch64 with these flags",
			q->cc->word[0]);
	return rc;
}

/* The last of these options counts. */
static const char *value_of(const struct words *flags, const char *option)
{
	const char *value = "";

	for (size_t i = 0; i < flags->n; i++)
		if (has_prefix(flags->word[i], option))
			value = flags->word[i] + strlen(option);
	return value;
}

/* A name without "+crypto" and the like, if it is a target of this architecture. */
static void set_march(struct compiler_answer *a, const char *value, size_t len)
{
	char name[MANIFEST_NAME];
	const struct cpu_target *t;

	snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : 0), value);
	t = cpu_target_find(name);
	a->march[0] = '\0';
	if (t && t->arch == a->arch)
		snprintf(a->march, sizeof(a->march), "%s", t->name);
}

/* GCC prints "  -march=   	znver3" among others. */
static int ask_gcc_native(
	const struct question *q, const char *option, struct compiler_answer *a, struct err *e)
{
	static const char *const what[] = {"-Q", "--help=target", NULL};
	auto_buf struct buf out = BUF_INIT(OUTPUT_MAX);
	int rc = run(q, what, &out, e);
	const char *p = rc < 0 ? NULL : strstr(buf_str(&out), option);

	if (p) {
		p += strlen(option);
		p += strspn(p, " \t");
		set_march(a, p, strcspn(p, " \t\n+"));
	}
	return rc;
}

/* Clang defines __znver3__, but nothing of the kind for newer Intel cores and for aarch64. */
static void native_by_macro(const char *macros, struct compiler_answer *a)
{
	for (const char *p = macros; (p = strstr(p, "#define __")); p++) {
		char name[64];
		const char *from = p + strlen("#define __");
		size_t len = strcspn(from, " \n");
		const struct cpu_target *t;

		if (len < 3 || len - 2 >= sizeof(name) || memcmp(from + len - 2, "__", 2) != 0)
			continue;
		memcpy(name, from, len - 2);
		name[len - 2] = '\0';
		for (char *c = name; *c; c++)
			if (*c == '_')
				*c = '-';
		t = cpu_target_find(name);
		/* Not __x86_64__, nor a synonym: __corei7__ is there for all of Intel's. */
		if (t && !t->level && strcmp(t->name, name) == 0)
			set_march(a, name, strlen(name));
	}
}

static int name_march(
	const struct question *q, const char *macros, struct compiler_answer *a, struct err *e)
{
	const bool arm = a->arch == CPU_AARCH64;
	const char *option = arm ? "-mcpu=" : "-march=";
	const char *value = value_of(q->flags, option);
	auto_buf struct buf out = BUF_INIT(OUTPUT_MAX);
	char only[MANIFEST_NAME + 8];
	struct compiler_answer plain;
	const struct question again = {.cc = q->cc, .flags = q->flags, .only = only};
	int rc = 0;

	set_march(a, value, strcspn(value, "+"));
	if (strcmp(value, "native") == 0 && strstr(macros, "#define __clang__ "))
		native_by_macro(macros, a);
	else if (strcmp(value, "native") == 0)
		rc = ask_gcc_native(q, option, a, e);
	if (rc < 0 || !a->march[0])
		return rc;
	/* Its needs would count besides the features: not where other flags turn some off. */
	snprintf(only, sizeof(only), "%s%s", option, a->march);
	rc = ask_macros(&again, &out, &plain, e);
	if (rc == 0 && !cpu_has(&a->features, &plain.features))
		a->march[0] = '\0';
	return rc;
}

/* "@file" would bring flags that are not seen here. */
static int check_flags(const struct words *flags, struct err *e)
{
	for (size_t i = 0; i < flags->n; i++)
		if (flags->word[i][0] == '@')
			return err_set(e, ERR_USAGE, EINVAL,
				"'%.80s': give the flags themselves, not a file of them",
				flags->word[i]);
	return 0;
}

int compiler_ask(const char *cc, const char *cflags, struct compiler_answer *ret, struct err *e)
{
	auto_buf struct buf macros = BUF_INIT(OUTPUT_MAX);
	auto_words struct words program = {0}, flags = {0};
	const struct question q = {.cc = &program, .flags = &flags};
	struct compiler_answer a = {0};
	int rc = words_split(cc, &program, e);

	if (rc < 0)
		return err_ctx(e, "--cc");
	if (program.n == 0 || !program.word[0][0])
		return err_set(e, ERR_USAGE, EINVAL, "--cc: no compiler is named");
	rc = words_split(cflags, &flags, e);
	if (rc == 0)
		rc = check_flags(&flags, e);
	if (rc == 0)
		rc = ask_macros(&q, &macros, &a, e);
	if (rc == 0)
		rc = name_march(&q, buf_str(&macros), &a, e);
	if (rc < 0)
		return err_ctx(e, "--cflags");
	*ret = a;
	return 0;
}
