/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"

#include <string.h>

#define BOUNDARY " \t\"'"

struct config_lines_entry {
	char *section;
	char *key;
	char *value;
	int line;
};

int config_lines_add(struct config_lines *l, const struct config_line *c, struct err *e)
{
	struct config_lines_entry *entry = reallocarray(l->entry, l->n + 1, sizeof(*entry));
	struct config_lines_entry *new;

	if (!entry)
		return err_oom(e);
	l->entry = entry;
	new = &entry[l->n++];
	*new = (struct config_lines_entry){
		strdup(c->section), strdup(c->key), strdup(c->value), c->line};
	return new->section &&new->key &&new->value ? 0 : err_oom(e);
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; len > 0 && (p = strstr(p, word)); p++) {
		if ((p == text || strchr(BOUNDARY, p[-1])) && strchr(BOUNDARY, p[len]))
			return true;
	}
	return false;
}

int config_line(
	const struct config_lines *l, const char *section, const char *key, const char *word)
{
	int line = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct config_lines_entry *c = &l->entry[i];

		if (strcmp(c->section, section) != 0 || strcmp(c->key, key) != 0)
			continue;
		line = c->line;
		if (word && has_word(c->value, word))
			break;
	}
	return line;
}

void config_lines_free(struct config_lines *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->entry[i].section);
		free(l->entry[i].key);
		free(l->entry[i].value);
	}
	free(l->entry);
	*l = (struct config_lines){0};
}
