/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"

#include "common/fs.h"
#include "common/near.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <string.h>

#define FILE_MAX   (1 * MIB)
#define FILES_MAX  256
#define TITLE_MAX  256
#define LINE_BYTES 4096
#define BLANKS     " \t\r\v\f"

/* Distributions make inih's limit of 200 bytes a line a variable; upstream has a constant, and then
 * this is not there. */
extern int ini_max_line __attribute__((weak));

struct reader {
	const char *path;
	const struct config_key *keys;
	const struct config_named *named; /* ends with .section = NULL */
	void *out;
	struct config_lines *lines; /* or NULL */
	const char *next;           /* the text that is not read yet */
	int line;
	char title[TITLE_MAX]; /* "app octave", whatever blanks are between */
	const char *section;   /* as the table has it: "app"; NULL before the first */
	void *base;            /* what the offsets of its keys start from */
	int rc;
	struct err *e;
};

/* A number's error is of kind usage, as on the command line. */
static void fail(struct reader *r)
{
	if (r->e->kind != ERR_SYSTEM)
		r->e->kind = ERR_CONFIG;
	r->rc = err_ctx(r->e, "%s:%d", r->path, r->line);
}

static int unknown_key(const struct reader *r, const char *name)
{
	struct near n = near_begin(name);

	for (const struct config_key *k = r->keys; k->section; k++) {
		if (strcmp(k->section, r->section) == 0)
			near_consider(&n, k->key);
	}
	return err_set(r->e, ERR_CONFIG, EINVAL, "unknown key '%s=' in [%s]%s%s%s", name, r->title,
		n.name ? ": did you mean '" : "", n.name ? n.name : "", n.name ? "='?" : "");
}

static int take_key(struct reader *r, const char *name, const char *value)
{
	const struct config_key *k = r->keys;
	int rc;

	if (!r->section)
		return err_set(
			r->e, ERR_CONFIG, EINVAL, "'%s=' stands before the first [Section]", name);
	while (k->section && (strcmp(k->section, r->section) != 0 || strcmp(k->key, name) != 0))
		k++;
	if (!k->section)
		return unknown_key(r, name);
	rc = k->parse(value, (char *)r->base + k->offset, r->e);
	if (rc < 0)
		return err_ctx(r->e, "[%s] %s=", r->title, name);
	return r->lines ? config_lines_add(r->lines,
				  &(struct config_line){r->title, name, value, r->line}, r->e)
			: 0;
}

static int on_key(void *data, const char *section, const char *name, const char *value)
{
	struct reader *r = data;

	(void)section; /* which inih cuts where it is long */
	if (take_key(r, name, value) == 0)
		return 1;
	fail(r);
	return 0;
}

static const struct config_named *named_find(const struct reader *r, const char *section)
{
	const struct config_named *c = r->named;

	while (c->section && strcmp(c->section, section) != 0)
		c++;
	return c->section ? c : NULL;
}

static int unknown_section(const struct reader *r, const char *word)
{
	struct near n = near_begin(word);

	for (const struct config_key *k = r->keys; k->section; k++)
		near_consider(&n, k->section);
	return err_set(r->e, ERR_CONFIG, EINVAL, "unknown section [%s]%s%s%s%s", r->title,
		n.name ? ": did you mean [" : "", n.name ? n.name : "",
		n.name && named_find(r, n.name) ? " NAME" : "", n.name ? "]?" : "");
}

static bool is_there(const struct reader *r, const struct config_named *c, const char *name)
{
	const char *items = *(char **)((char *)r->out + c->items);
	size_t n = *(size_t *)((char *)r->out + c->n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(*(char *const *)(items + i * c->size), name) == 0)
			return true;
	}
	return false;
}

static int add_item(struct reader *r, const struct config_named *c, const char *name)
{
	char **items = (char **)((char *)r->out + c->items);
	size_t *n = (size_t *)((char *)r->out + c->n);
	char *grown;
	int rc;

	if (!*name)
		return err_set(r->e, ERR_CONFIG, EINVAL, "[%s] needs a name: [%s NAME]", r->title,
			c->section);
	if (is_there(r, c, name))
		return err_set(r->e, ERR_CONFIG, EEXIST, "there is a [%s] already", r->title);
	if (*n >= c->max)
		return err_set(r->e, ERR_CONFIG, E2BIG, "more than %zu sections like [%s]", c->max,
			r->title);
	grown = reallocarray(*items, *n + 1, c->size);
	if (!grown)
		return err_oom(r->e);
	*items = grown;
	r->base = memset(grown + *n * c->size, 0, c->size);
	++*n;
	rc = c->name(name, r->base, r->e);
	return rc < 0 ? err_ctx(r->e, "[%s]", r->title) : c->init ? c->init(r->base, r->e) : 0;
}

static int open_section(struct reader *r)
{
	const struct config_key *k = r->keys;
	const size_t len = strcspn(r->title, BLANKS);
	const char *name = r->title + len + strspn(r->title + len, BLANKS);
	const struct config_named *c;
	char word[TITLE_MAX];
	int rc = 0;

	memcpy(word, r->title, len);
	word[len] = '\0';
	c = named_find(r, word);
	while (k->section && strcmp(k->section, c ? word : r->title) != 0)
		k++;
	if (!k->section)
		return unknown_section(r, word);
	r->section = k->section;
	r->base = r->out;
	if (c && *name) {
		r->title[len] = ' ';
		name = memmove(r->title + len + 1, name, strlen(name) + 1);
	}
	if (c)
		rc = add_item(r, c, name);
	if (rc < 0 || !r->lines)
		return rc;
	return config_lines_add(r->lines, &(struct config_line){r->title, "", "", r->line}, r->e);
}

/* inih cuts long section names, takes whatever follows the ']', says nothing of a section without
 * keys, and takes "Key: value". */
static int check_line(struct reader *r, const char *line)
{
	size_t len = strcspn(line, "]");
	const char *rest = line + len + (line[len] == ']');

	if (!*line || strchr("#;", *line))
		return 0;
	if (*line != '[' && line[strcspn(line, "=:")] == '=')
		return 0;
	rest += strspn(rest, BLANKS);
	if (*line != '[' || line[len] != ']' || (*rest && !strchr("#;", *rest)))
		return err_set(
			r->e, ERR_CONFIG, EINVAL, "neither [Section] nor Key=value nor # comment");
	if (len > TITLE_MAX)
		return err_set(r->e, ERR_CONFIG, EINVAL, "unknown section [%.32s…]", line + 1);
	memcpy(r->title, line + 1, len - 1);
	r->title[len - 1] = '\0';
	return open_section(r);
}

/* As fgets, but counts, refuses what does not fit, and takes the indentation away, which inih would
 * read as the continuation of the line before. */
static char *read_line(char *out, int size, void *stream)
{
	struct reader *r = stream;
	const char *line = r->next + strspn(r->next, BLANKS);
	size_t len = strcspn(line, "\n");

	if (r->rc < 0 || !*r->next)
		return NULL;
	r->line++;
	r->next = line + len + (line[len] == '\n');
	if (len + 2 > (size_t)size) {
		err_set(r->e, ERR_CONFIG, EFBIG, "the line is longer than %d bytes", size - 2);
		fail(r);
		return NULL;
	}
	memcpy(out, line, len);
	out[len] = '\0';
	if (check_line(r, out) < 0) {
		fail(r);
		return NULL;
	}
	out[len] = '\n';
	out[len + 1] = '\0';
	return out;
}

static int parse(struct reader *r)
{
	int rc;

	if (&ini_max_line)
		ini_max_line = LINE_BYTES;
	if (strncmp(r->next, "\xef\xbb\xbf", 3) == 0)
		r->next += 3;
	rc = ini_parse_stream(read_line, r, on_key, r);
	if (r->rc == 0 && rc > 0) {
		r->line = rc;
		err_set(r->e, ERR_CONFIG, EINVAL, "neither [Section] nor Key=value nor # comment");
		fail(r);
	} else if (r->rc == 0 && rc < 0) {
		r->rc = err_oom(r->e);
	}
	return r->rc;
}

static int load(int rootfd, struct reader *r)
{
	auto_buf struct buf text = BUF_INIT(FILE_MAX);
	int rc = fs_read(rootfd, r->path, &text, r->e);

	if (rc < 0) {
		r->e->kind = ERR_CONFIG;
		return rc;
	}
	r->next = buf_str(&text);
	if (strlen(r->next) != text.len)
		return err_set(r->e, ERR_CONFIG, EINVAL, "%s: not a text file", r->path);
	return parse(r);
}

int config_load(int rootfd, const char *path, const struct config_key *keys, void *out,
	bool may_be_absent, struct err *e)
{
	static const struct config_named none = {0};
	struct reader r = {.path = path, .keys = keys, .named = &none, .out = out, .e = e};
	int rc = load(rootfd, &r);

	return rc == -ENOENT && may_be_absent && r.line == 0 ? 0 : rc;
}

int config_load_named(const char *path, const struct config_schema *schema, void *out,
	struct config_lines *ret_lines, struct err *e)
{
	struct reader r = {.path = path,
		.keys = schema->keys,
		.named = schema->named,
		.out = out,
		.lines = ret_lines,
		.e = e};

	return load(AT_FDCWD, &r);
}

static int is_conf(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot && strcmp(dot, ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_names(int rootfd, const char *path, struct dirent *const *names, int len,
	const struct config_key *keys, void *out, struct err *e)
{
	int rc = 0;

	if (len > FILES_MAX)
		return err_set(
			e, ERR_CONFIG, E2BIG, "%s: more than %d *.conf files", path, FILES_MAX);
	for (int i = 0; i < len && rc == 0; i++) {
		char file[PATH_MAX];

		if (snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name) >= PATH_MAX)
			return err_set(
				e, ERR_CONFIG, ENAMETOOLONG, "%s: the path is too long", path);
		rc = config_load(rootfd, file, keys, out, false, e);
	}
	return rc;
}

int config_load_dir(
	int rootfd, const char *path, const struct config_key *keys, void *out, struct err *e)
{
	auto_free struct dirent **names = NULL;
	auto_close int fd = -1;
	int rc = fs_open(rootfd, path, O_RDONLY | O_DIRECTORY, 0, &fd, e);
	int len;

	if (rc < 0) {
		e->kind = ERR_CONFIG;
		return rc == -ENOENT ? 0 : rc;
	}
	len = scandirat(fd, ".", &names, is_conf, by_bytes);
	if (len < 0)
		return err_errno(e, "cannot read '%s'", path);
	rc = load_names(rootfd, path, names, len, keys, out, e);
	for (int i = 0; i < len; i++)
		free(names[i]);
	return rc;
}
