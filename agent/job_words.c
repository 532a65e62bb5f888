/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/job.h"

#include <errno.h>
#include <string.h>

/* More is no command line that execve(2) would take. */
#define WORDS_MAX 65536

#define PLAIN                                                                                      \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"                           \
	"@%+=:,./_-^~"

/* A line on its way into words. */
struct split {
	const char *p, *end;
	struct buf word;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Behind the opening quote; -errno only, with *why. */
static int take_quoted(struct split *s, const char **why)
{
	const char *close = memchr(s->p, '\'', (size_t)(s->end - s->p));
	int rc;

	if (!close) {
		*why = "a quote is not closed";
		return -EINVAL;
	}
	rc = buf_add(&s->word, s->p, (size_t)(close - s->p));
	s->p = close + 1;
	return rc;
}

static int take_escaped(struct split *s, const char **why)
{
	char c;

	if (s->p == s->end) {
		*why = "a backslash stands at the end";
		return -EINVAL;
	}
	c = *s->p++;
	return buf_add(&s->word, c == 'n' ? "\n" : &c, 1);
}

static int take_word(struct split *s, const char **why)
{
	int rc = 0;

	while (rc == 0 && s->p < s->end && !is_blank(*s->p)) {
		const char *c = s->p++;

		if (*c == '\'') {
			rc = take_quoted(s, why);
		} else if (*c == '\\') {
			rc = take_escaped(s, why);
		} else if (*c == '"') {
			*why = "'\"' has no meaning here: use single quotes";
			rc = -EINVAL;
		} else {
			rc = buf_add(&s->word, c, 1);
		}
	}
	return rc;
}

static int keep(struct split *s, char ***words, size_t *n)
{
	char **more = reallocarray(*words, *n + 2, sizeof(*more));

	if (!more)
		return -ENOMEM;
	*words = more;
	more[*n] = buf_take(&s->word);
	if (!more[*n])
		return -ENOMEM;
	more[++*n] = NULL;
	return 0;
}

int job_words_split(const char *line, size_t len, char ***words, size_t *n, struct err *e)
{
	struct split s = {.p = line, .end = line + len, .word = BUF_INIT(len + 1)};
	const char *why = NULL;
	int rc = 0;

	if (memchr(line, '\0', len))
		return err_set(e, ERR_DATA, EINVAL, "there is a NUL byte in it");
	for (;;) {
		while (s.p < s.end && is_blank(*s.p))
			s.p++;
		if (rc < 0 || s.p == s.end)
			break;
		if (*n >= WORDS_MAX)
			return err_set(e, ERR_DATA, E2BIG, "more than %d words", WORDS_MAX);
		rc = take_word(&s, &why);
		if (rc == 0)
			rc = keep(&s, words, n);
		if (rc < 0)
			break;
	}
	buf_free(&s.word);
	if (why)
		return err_set(e, ERR_DATA, EINVAL, "%s", why);
	return rc < 0 ? err_oom(e) : 0;
}

static int add_quoted(struct buf *out, const char *word)
{
	int rc = 0;

	while (rc == 0 && *word) {
		size_t len = strcspn(word, "'\n");

		if (len > 0) {
			rc = buf_addf(out, "'%.*s'", (int)len, word);
			word += len;
		} else {
			rc = buf_adds(out, *word == '\n' ? "\\n" : "\\'");
			word++;
		}
	}
	return rc;
}

int job_words_add(struct buf *out, const char *word)
{
	int rc = buf_adds(out, " ");

	if (rc < 0)
		return rc;
	if (!*word)
		return buf_adds(out, "''");
	if (!word[strspn(word, PLAIN)])
		return buf_adds(out, word);
	return add_quoted(out, word);
}
