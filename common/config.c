/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"

#include "common/fs.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <string.h>

#define FILE_MAX   (1 * MIB)
#define FILES_MAX  256
#define WORDS_MAX  4096
#define LINE_BYTES 4096
#define BLANKS     " \t\r\v\f"

/* Distributions make inih's limit of 200 bytes a line a variable; upstream has a constant, and then
 * this is not there. */
extern int ini_max_line __attribute__((weak));

struct reader {
	const char *path;
	const struct config_key *keys;
	void *out;
	const char *next; /* the text that is not read yet */
	int line;
	int rc;
	struct err *e;
};

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

static int add_word(struct config_words *w, const char *s, size_t len, struct err *e)
{
	char **word;

	if (w->len >= WORDS_MAX)
		return err_set(e, ERR_CONFIG, E2BIG, "more than %d words", WORDS_MAX);
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
		int rc = add_word(w, value, len, e);

		if (rc < 0) {
			drop_words(w, before);
			return rc;
		}
		value += len;
	}
	return 0;
}

/* A number's error is of kind usage, as on the command line. */
static void fail(struct reader *r)
{
	if (r->e->kind != ERR_SYSTEM)
		r->e->kind = ERR_CONFIG;
	r->rc = err_ctx(r->e, "%s:%d", r->path, r->line);
}

static int on_key(void *data, const char *section, const char *name, const char *value)
{
	struct reader *r = data;
	const struct config_key *k = r->keys;

	while (k->section && (strcmp(k->section, section) != 0 || strcmp(k->key, name) != 0))
		k++;
	if (!*section)
		err_set(r->e, ERR_CONFIG, EINVAL, "'%s=' stands before the first [Section]", name);
	else if (!k->section)
		err_set(r->e, ERR_CONFIG, EINVAL, "unknown key '%s=' in [%s]", name, section);
	else if (k->parse(value, (char *)r->out + k->offset, r->e) < 0)
		err_ctx(r->e, "[%s] %s=", section, name);
	else
		return 1;
	fail(r);
	return 0;
}

/* inih cuts long section names, takes whatever follows the ']', says nothing of a section without
 * keys, and takes "Key: value". */
static bool is_good_line(struct reader *r, const char *line)
{
	const struct config_key *k = r->keys;
	size_t len = strcspn(line, "]");
	const char *rest = line + len + (line[len] == ']');

	if (!*line || strchr("#;", *line))
		return true;
	if (*line != '[' && line[strcspn(line, "=:")] == '=')
		return true;
	rest += strspn(rest, BLANKS);
	if (*line != '[' || line[len] != ']' || (*rest && !strchr("#;", *rest))) {
		err_set(r->e, ERR_CONFIG, EINVAL, "neither [Section] nor Key=value nor # comment");
		return false;
	}
	while (k->section &&
		(strlen(k->section) != len - 1 || memcmp(k->section, line + 1, len - 1) != 0))
		k++;
	if (!k->section)
		err_set(r->e, ERR_CONFIG, EINVAL, "unknown section %.*s", (int)len + 1, line);
	return k->section != NULL;
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
	if (!is_good_line(r, out)) {
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

int config_load(int rootfd, const char *path, const struct config_key *keys, void *out,
	bool may_be_absent, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(FILE_MAX);
	struct reader r = {.path = path, .keys = keys, .out = out, .e = e};
	int rc = fs_read(rootfd, path, &text, e);

	if (rc == -ENOENT && may_be_absent)
		return 0;
	if (rc < 0) {
		e->kind = ERR_CONFIG;
		return rc;
	}
	r.next = buf_str(&text);
	if (strlen(r.next) != text.len)
		return err_set(e, ERR_CONFIG, EINVAL, "%s: not a text file", path);
	return parse(&r);
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
