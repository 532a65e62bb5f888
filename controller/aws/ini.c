/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ini.h"

#include "common/secret.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* What Python trims of ASCII. */
#define BLANKS   " \t\n\r\v\f\x1c\x1d\x1e\x1f"
#define NO_INDEX SIZE_MAX
#define DEFAULT  "DEFAULT"
#define STEP     64

struct parse {
	struct ini *ini;
	const char *name;
	size_t line;
	size_t section;   /* index of the one we are in; NO_INDEX before the first */
	size_t defaults;  /* index of DEFAULT while we parse, or NO_INDEX */
	size_t key;       /* index of the entry that may be continued, or NO_INDEX */
	size_t indent;    /* of the line that began the value */
	struct buf value; /* of that entry, so far */
	struct err *e;
};

static int bad(const struct parse *p, const char *cause)
{
	return err_set(p->e, ERR_CONFIG, EINVAL, "%s:%zu: %s", p->name, p->line, cause);
}

static char *copy(const char *text, size_t len)
{
	char *s = malloc(len + 1);

	if (!s)
		return NULL;
	memcpy(s, text, len);
	s[len] = '\0';
	return s;
}

static size_t trimmed(const char *text, size_t len)
{
	while (len > 0 && strchr(BLANKS, text[len - 1]))
		len--;
	return len;
}

static size_t find_section(const struct ini *i, const char *name, size_t len)
{
	for (size_t s = 0; s < i->n_sections; s++) {
		if (strlen(i->section[s]) == len && memcmp(i->section[s], name, len) == 0)
			return s;
	}
	return NO_INDEX;
}

static size_t find_key(const struct ini *i, size_t section, const char *key)
{
	for (size_t n = 0; n < i->n_entries; n++) {
		if (i->entry[n].section == section && strcmp(i->entry[n].key, key) == 0)
			return n;
	}
	return NO_INDEX;
}

static int grow(void **array, size_t n, size_t size)
{
	void *more;

	if (n % STEP)
		return 0;
	more = realloc(*array, (n + STEP) * size);
	if (!more)
		return -ENOMEM;
	*array = more;
	return 0;
}

/* Takes all three strings, whatever it returns. */
static int add_entry(struct parse *p, struct ini_entry new)
{
	struct ini *i = p->ini;
	int rc = 0;

	if (!new.key || !new.value)
		rc = err_oom(p->e);
	else if (i->n_entries == INI_ENTRIES_MAX)
		rc = bad(p, "too many values");
	else if (grow((void **)&i->entry, i->n_entries, sizeof(*i->entry)) < 0)
		rc = err_oom(p->e);
	if (rc == 0) {
		i->entry[i->n_entries++] = new;
		return 0;
	}
	free(new.key);
	free(new.sub);
	free(new.value);
	return rc;
}

/* One "key = value" of a table. */
static int add_nested(
	struct parse *p, size_t section, const char *key, const char *line, size_t len)
{
	const char *equals = memchr(line, '=', len);
	const char *value = equals ? equals + 1 : "";
	size_t left = equals ? len - (size_t)(value - line) : 0;
	size_t blanks = strspn(value, " \t\v\f\r\x1c\x1d\x1e\x1f");
	struct ini_entry new = {.section = section};

	if (!equals)
		return bad(p, "a line of a table has no '='");
	blanks = blanks < left ? blanks : left;
	new.key = copy(key, strlen(key));
	new.sub = copy(line, trimmed(line, (size_t)(equals - line)));
	new.value = copy(value + blanks, trimmed(value + blanks, left - blanks));
	if (!new.sub) {
		free(new.key);
		free(new.value);
		return err_oom(p->e);
	}
	return add_entry(p, new);
}

/* text is "\nKEY = VALUE\n…". */
static int add_table(struct parse *p, size_t section, const char *key, const char *text)
{
	int rc = 0;

	for (const char *l = text; rc == 0 && *l;) {
		size_t len = strcspn(l, "\n");

		if (len > 0)
			rc = add_nested(p, section, key, l, len);
		l += len;
		l += *l == '\n';
	}
	return rc;
}

/* The value that was read is whole. A table's entry keeps its place with a value of NULL, so that a
 * second one is found; one of DEFAULT is read when a section gets it. */
static int end_value(struct parse *p)
{
	size_t section, len = trimmed(buf_str(&p->value), p->value.len);
	struct ini_entry *entry;
	auto_free char *key = NULL;
	int rc = 0;

	if (p->key == NO_INDEX)
		return 0;
	entry = &p->ini->entry[p->key];
	section = entry->section;
	p->value.len = len;
	if (len > 0)
		p->value.data[len] = '\0';
	free(entry->value);
	entry->value = NULL;
	if (len > 0 && p->value.data[0] == '\n' && section != p->defaults) {
		key = copy(entry->key, strlen(entry->key));
		rc = key ? add_table(p, section, key, buf_str(&p->value)) : err_oom(p->e);
	} else {
		entry->value = copy(buf_str(&p->value), len);
		rc = entry->value ? 0 : err_oom(p->e);
	}
	p->key = NO_INDEX;
	buf_reset(&p->value);
	return rc;
}

static int begin_section(struct parse *p, const char *name, size_t len)
{
	struct ini *i = p->ini;
	size_t old = find_section(i, name, len);

	if (old != NO_INDEX && old != p->defaults)
		return bad(p, "this section is there already");
	if (old == NO_INDEX) {
		if (grow((void **)&i->section, i->n_sections, sizeof(*i->section)) < 0)
			return err_oom(p->e);
		i->section[i->n_sections] = copy(name, len);
		if (!i->section[i->n_sections])
			return err_oom(p->e);
		old = i->n_sections++;
		if (strcmp(i->section[old], DEFAULT) == 0)
			p->defaults = old;
	}
	p->section = old;
	return 0;
}

static int begin_value(struct parse *p, const char *line, size_t len)
{
	size_t key_len = strcspn(line, "=:");
	const char *value = line + key_len + 1;
	struct ini_entry new = {.section = p->section};
	size_t at;

	if (key_len >= len)
		return bad(p, "neither a section nor 'key = value'");
	if (trimmed(line, key_len) == 0)
		return bad(p, "no key before the '='");
	new.key = copy(line, trimmed(line, key_len));
	new.value = copy("", 0);
	for (char *c = new.key; c &&*c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
	if (new.key && find_key(p->ini, p->section, new.key) != NO_INDEX) {
		free(new.key);
		free(new.value);
		return bad(p, "this key is there already");
	}
	at = p->ini->n_entries;
	if (add_entry(p, new) < 0)
		return -p->e->num;
	p->key = at;
	len -= key_len + 1;
	at = strspn(value, BLANKS);
	if (at < len && buf_add(&p->value, value + at, len - at) < 0)
		return err_oom(p->e);
	return 0;
}

/* line is without the blanks around it. */
static int take_line(struct parse *p, const char *line, size_t len, size_t indent)
{
	const char *end = memrchr(line, ']', len);
	int rc;

	if (p->key != NO_INDEX && indent > p->indent) {
		if (buf_adds(&p->value, "\n") < 0 || buf_add(&p->value, line, len) < 0)
			return err_oom(p->e);
		return 0;
	}
	rc = end_value(p);
	if (rc < 0)
		return rc;
	p->indent = indent;
	if (line[0] == '[' && end && end > line + 1)
		return begin_section(p, line + 1, (size_t)(end - line) - 1);
	if (p->section == NO_INDEX)
		return bad(p, "this stands before the first [section]");
	return begin_value(p, line, len);
}

static int take_lines(struct parse *p, const char *text)
{
	int rc = 0;

	for (const char *l = text; rc == 0 && *l;) {
		size_t len = strcspn(l, "\r\n");
		size_t indent = strspn(l, " \t\v\f\x1c\x1d\x1e\x1f");
		size_t end = trimmed(l, len);

		p->line++;
		if (indent >= end) {
			/* An empty line within a value counts, once something follows it. */
			if (p->key != NO_INDEX && buf_adds(&p->value, "\n") < 0)
				rc = err_oom(p->e);
		} else if (l[indent] != '#' && l[indent] != ';') {
			rc = take_line(p, l + indent, end - indent, indent);
		}
		l += len;
		if (*l)
			l += l[0] == '\r' && l[1] == '\n' ? 2 : 1;
	}
	return rc == 0 ? end_value(p) : rc;
}

static bool is_utf8(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c;) {
		size_t more = *c < 0x80 ? 0 : *c < 0xc2 ? 9 : *c < 0xe0 ? 1 : *c < 0xf0 ? 2 : 3;

		if (more == 9 || *c > 0xf4 || (*c == 0xe0 && c[1] < 0xa0) ||
			(*c == 0xed && c[1] > 0x9f) || (*c == 0xf0 && c[1] < 0x90) ||
			(*c == 0xf4 && c[1] > 0x8f))
			return false;
		for (c++; more > 0; more--, c++) {
			if ((*c & 0xc0) != 0x80)
				return false;
		}
	}
	return true;
}

/* One value of DEFAULT, in a section that has no such key. */
static int spread_one(struct parse *p, size_t section, size_t from)
{
	const struct ini_entry d = p->ini->entry[from];

	if (d.value[0] == '\n')
		return add_table(p, section, d.key, d.value);
	return add_entry(p, (struct ini_entry){section, copy(d.key, strlen(d.key)), NULL,
				    copy(d.value, strlen(d.value))});
}

static int spread_defaults(struct parse *p)
{
	struct ini *i = p->ini;
	size_t n = i->n_entries;
	int rc = 0;

	if (p->defaults == NO_INDEX)
		return 0;
	for (size_t s = 0; s < i->n_sections; s++) {
		for (size_t d = 0; rc == 0 && d < n && s != p->defaults; d++) {
			if (i->entry[d].section == p->defaults &&
				find_key(i, s, i->entry[d].key) == NO_INDEX)
				rc = spread_one(p, s, d);
		}
	}
	/* No lookup finds it under its name. */
	i->section[p->defaults][0] = '\0';
	return rc;
}

int ini_parse(const struct buf *text, const char *name, struct ini *ret, struct err *e)
{
	auto_ini struct ini i = {0};
	struct parse p = {
		.ini = &i,
		.name = name,
		.section = NO_INDEX,
		.defaults = NO_INDEX,
		.key = NO_INDEX,
		.value = BUF_INIT(INI_FILE_MAX),
		.e = e,
	};
	int rc;

	if (strlen(buf_str(text)) != text->len || !is_utf8(buf_str(text)))
		return err_set(e, ERR_CONFIG, EINVAL, "%s: this is no text in UTF-8", name);
	rc = take_lines(&p, buf_str(text));
	secret_buf_free(&p.value);
	if (rc == 0)
		rc = spread_defaults(&p);
	if (rc < 0)
		return rc;
	*ret = i;
	i = (struct ini){0};
	return 0;
}

const char *ini_get_sub(const struct ini *i, size_t section, const char *key, const char *sub)
{
	/* Of a table's key the last one counts. */
	for (size_t n = i->n_entries; n-- > 0;) {
		const struct ini_entry *x = &i->entry[n];

		if (x->section == section && strcmp(x->key, key) == 0 && !x->sub == !sub &&
			(!sub || strcmp(x->sub, sub) == 0))
			return x->value;
	}
	return NULL;
}

const char *ini_get(const struct ini *i, size_t section, const char *key)
{
	return ini_get_sub(i, section, key, NULL);
}

void ini_free(struct ini *i)
{
	for (size_t n = 0; n < i->n_entries; n++) {
		struct ini_entry *x = &i->entry[n];

		if (x->value)
			explicit_bzero(x->value, strlen(x->value));
		free(x->key);
		free(x->sub);
		free(x->value);
	}
	for (size_t s = 0; s < i->n_sections; s++)
		free(i->section[s]);
	free(i->entry);
	free(i->section);
	*i = (struct ini){0};
}
