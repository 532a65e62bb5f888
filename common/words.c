/* SPDX-License-Identifier: Apache-2.0 */
#include "common/words.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define BLANKS  " \t\n"
#define SPECIAL ";&|<>()*?[]"

struct splitter {
	const char *p;
	char *out;
	char quote;  /* ', " or 0 */
	bool inside; /* a word has begun */
};

static int refuse(struct err *e, char c)
{
	return err_set(e, ERR_USAGE, EINVAL,
		"'%c' means something to a shell, and none is asked: quote it or leave it out", c);
}

static void put(struct splitter *s, char c)
{
	*s->out++ = c;
	s->inside = true;
}

/* In "…" a backslash stands for itself before other characters than these. */
static int escaped(struct splitter *s, struct err *e)
{
	const char c = s->p[1];

	if (c == '\0' || c == '\n')
		return err_set(e, ERR_USAGE, EINVAL, "nothing follows a backslash");
	if (s->quote == '"' && !strchr("\\\"$`", c))
		put(s, '\\');
	put(s, c);
	s->p += 2;
	return 0;
}

static int step(struct splitter *s, struct err *e)
{
	const char c = *s->p;

	if (c == '\\' && s->quote != '\'')
		return escaped(s, e);
	if (s->quote ? c == s->quote : c == '\'' || c == '"') {
		s->quote = s->quote ? '\0' : c;
		s->inside = true;
	} else if (s->quote != '\'' && strchr("$`", c)) {
		return refuse(e, c);
	} else if (!s->quote && strchr(s->inside ? SPECIAL : SPECIAL "~#", c)) {
		return refuse(e, c);
	} else {
		put(s, c);
	}
	s->p++;
	return 0;
}

static int one_word(struct splitter *s, struct words *w, struct err *e)
{
	const char *begin = s->out;

	s->inside = false;
	while (*s->p && (s->quote || !strchr(BLANKS, *s->p))) {
		int rc = step(s, e);

		if (rc < 0)
			return rc;
	}
	if (s->quote)
		return err_set(e, ERR_USAGE, EINVAL, "a %c has no end", s->quote);
	if (!s->inside)
		return 0;
	if (w->n == WORDS_MAX)
		return err_set(e, ERR_USAGE, E2BIG, "more than %d words", WORDS_MAX);
	*s->out++ = '\0';
	w->word[w->n++] = begin;
	return 0;
}

int words_split(const char *line, struct words *ret, struct err *e)
{
	auto_words struct words w = {0};
	struct splitter s = {.p = line};

	if (strlen(line) >= WORDS_LEN)
		return err_set(e, ERR_USAGE, E2BIG, "longer than %d bytes", WORDS_LEN);
	/* Never longer than the line: a word's NUL takes the place of its blank or of the end. */
	w.text = malloc(strlen(line) + 1);
	if (!w.text)
		return err_oom(e);
	s.out = w.text;
	while (*s.p) {
		int rc = one_word(&s, &w, e);

		if (rc < 0)
			return rc;
		s.p += strspn(s.p, BLANKS);
	}
	*ret = w;
	w.text = NULL;
	return 0;
}

void words_free(struct words *w)
{
	free(w->text);
	w->text = NULL;
}
