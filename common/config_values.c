/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"

#include "common/num.h"
#include "common/words.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define CONFIG_WORDS 4096
#define BLANKS       " \t\r\v\f"

static int set_string(char **field, char *value, struct err *e)
{
	if (!value)
		return err_oom(e);
	free(*field);
	*field = value;
	return 0;
}

int config_string(const char *value, void *field, struct err *e)
{
	if (!*value)
		return err_set(e, ERR_CONFIG, EINVAL, "the value is empty");
	return set_string(field, strdup(value), e);
}

int config_path(const char *value, void *field, struct err *e)
{
	auto_free char *path = NULL;
	const char *p = value;
	size_t len = 0;

	if (*value != '/')
		return err_set(e, ERR_CONFIG, EINVAL, "'%s' is not an absolute path", value);
	if (strlen(value) >= PATH_MAX)
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "the path is too long");
	path = calloc(1, strlen(value) + 1);
	if (!path)
		return err_oom(e);
	while (*(p += strspn(p, "/"))) {
		size_t n = strcspn(p, "/");

		if (n == 2 && memcmp(p, "..", 2) == 0)
			return err_set(e, ERR_CONFIG, EINVAL, "'%s' holds '..'", value);
		if (n != 1 || *p != '.') {
			path[len] = '/';
			memcpy(path + len + 1, p, n);
			len += n + 1;
		}
		p += n;
	}
	if (len == 0)
		path[0] = '/';
	return set_string(field, take_ptr(path), e);
}

int config_size(const char *value, void *field, struct err *e)
{
	return num_size(value, field, e);
}

int config_duration(const char *value, void *field, struct err *e)
{
	return num_duration(value, field, e);
}

int config_bool(const char *value, void *field, struct err *e)
{
	return num_bool(value, field, e);
}

static void drop_words(struct config_words *w, size_t len)
{
	while (w->len > len)
		free(w->word[--w->len]);
}

void config_words_free(struct config_words *w)
{
	drop_words(w, 0);
	free(w->word);
	w->word = NULL;
}

int config_words_add(struct config_words *w, const char *s, size_t len, struct err *e)
{
	char **word;

	if (w->len >= CONFIG_WORDS)
		return err_set(e, ERR_CONFIG, E2BIG, "more than %d words", CONFIG_WORDS);
	word = reallocarray(w->word, w->len + 1, sizeof(*word));
	if (!word)
		return err_oom(e);
	w->word = word;
	word[w->len] = strndup(s, len);
	if (!word[w->len])
		return err_oom(e);
	w->len++;
	return 0;
}

int config_list(const char *value, void *field, struct err *e)
{
	struct config_words *w = field;
	size_t before = w->len;

	if (!*value)
		config_words_free(w);
	while (*(value += strspn(value, BLANKS))) {
		size_t len = strcspn(value, BLANKS);
		int rc = config_words_add(w, value, len, e);

		if (rc < 0) {
			drop_words(w, before);
			return rc;
		}
		value += len;
	}
	return 0;
}

int config_quoted(const char *value, void *field, struct err *e)
{
	struct config_words *w = field;
	auto_words struct words split = {0};
	size_t before = w->len;
	int rc = words_split(value, &split, e);

	if (!*value)
		config_words_free(w);
	for (size_t i = 0; i < split.n && rc == 0; i++)
		rc = config_words_add(w, split.word[i], strlen(split.word[i]), e);
	if (rc < 0)
		drop_words(w, before);
	return rc;
}
