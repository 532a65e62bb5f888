/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/match.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MATCH_ENTRIES 4096 /* names in the data directory */
#define MATCH_PATH    4096

static bool is_listed(const struct config_words *words, const char *name)
{
	for (size_t i = 0; i < words->len; i++) {
		size_t len = strlen(words->word[i]);

		while (len > 0 && words->word[i][len - 1] == '/')
			len--;
		if (strlen(name) == len && memcmp(words->word[i], name, len) == 0)
			return true;
	}
	return false;
}

static int data_path(const struct settings *s, const char *name, struct buf *out, struct err *e)
{
	buf_reset(out);
	if (buf_addf(out, "%s/%s", s->data, name) < 0)
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "'%s': the path is too long", s->data);
	return 0;
}

/* A file, or a link within the root that leads to one; opened by path only, so that a fifo does
 * not hold us. */
static bool is_file(int rootfd, const char *path)
{
	auto_close int fd = -1;
	struct err ignored = ERR_INIT;
	struct stat st;

	/* What cannot be looked at stays a candidate: reading it will say why. */
	if (fs_open(rootfd, path, O_PATH, 0, &fd, &ignored) < 0 || fstat(fd, &st) < 0)
		return true;
	return S_ISREG(st.st_mode);
}

static int add(struct match *m, size_t *cap, const struct candidate *c, struct err *e)
{
	if (m->n == *cap) {
		size_t more = *cap ? *cap * 2 : 16;
		struct candidate *grown = reallocarray(m->candidate, more, sizeof(*m->candidate));

		if (!grown)
			return err_oom(e);
		m->candidate = grown;
		*cap = more;
	}
	m->candidate[m->n++] = *c;
	return 0;
}

/* Every archive by its name alone. */
static int list(int rootfd, const struct settings *s, const struct match_machine *machine,
	struct match *m, struct err *e)
{
	auto_buf struct buf path = BUF_INIT(MATCH_PATH);
	auto_close int fd = -1;
	auto_dir DIR *dir = NULL;
	size_t cap = 0, entries = 0;
	const struct dirent *d;
	int rc = fs_open(rootfd, s->data, O_RDONLY | O_DIRECTORY, 0, &fd, e);

	if (rc < 0)
		return rc == -ENOENT ? 0 : err_ctx(e, "match");
	dir = fdopendir(fd);
	if (!dir)
		return err_errno(e, "match: '%s'", s->data);
	take_fd(&fd);
	while (rc == 0 && (errno = 0, d = readdir(dir))) {
		struct candidate c;

		if (++entries > MATCH_ENTRIES + 2)
			return err_set(e, ERR_CONFIG, E2BIG,
				"match: '%s' holds more than %d names: is Data= right?", s->data,
				MATCH_ENTRIES);
		if (is_listed(&s->copy, d->d_name) || !match_split(d->d_name, machine, &c))
			continue;
		rc = data_path(s, d->d_name, &path, e);
		if (rc == 0 && is_file(rootfd, path.data))
			rc = add(m, &cap, &c, e);
	}
	if (rc == 0 && errno)
		return err_errno(e, "match: list '%s'", s->data);
	return rc;
}

static int by_app_rank_name(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int order = strcmp(x->app, y->app);

	if (order == 0 && x->rank != y->rank)
		order = x->rank > y->rank ? -1 : 1;
	return order ? order : strcmp(x->file, y->file);
}

static void sort(struct match *m)
{
	if (m->n > 1)
		qsort(m->candidate, m->n, sizeof(*m->candidate), by_app_rank_name);
}

/* Index behind the last candidate of the app that starts at i. */
static size_t app_end(const struct match *m, size_t i)
{
	size_t end = i;

	while (end < m->n && strcmp(m->candidate[end].app, m->candidate[i].app) == 0)
		end++;
	return end;
}

static int missing_app(
	const struct settings *s, const struct match *m, const char *app, struct err *e)
{
	auto_buf struct buf there = BUF_INIT(256);

	for (size_t i = 0; i < m->n; i = app_end(m, i)) {
		/* A list too long for the message is cut. */
		if (buf_addf(&there, "%s%s", there.len ? ", " : "", m->candidate[i].app) < 0)
			break;
	}
	if (m->n == 0)
		return err_set(e, ERR_CONFIG, ENOENT,
			"match: Apps= names '%s', but '%s' holds no archive", app, s->data);
	return err_set(e, ERR_CONFIG, ENOENT,
		"match: Apps= names '%s', but '%s' holds no archive of it (only of: %s)", app,
		s->data, buf_str(&there));
}

/* Keeps only what Apps= names, if it names any. */
static int select_apps(const struct settings *s, struct match *m, struct err *e)
{
	size_t kept = 0;

	for (size_t w = 0; w < s->apps.len; w++) {
		size_t i = 0;

		while (i < m->n && strcmp(m->candidate[i].app, s->apps.word[w]) != 0)
			i++;
		if (i == m->n)
			return missing_app(s, m, s->apps.word[w], e);
	}
	for (size_t i = 0; s->apps.len > 0 && i < m->n; i++) {
		if (is_listed(&s->apps, m->candidate[i].app))
			m->candidate[kept++] = m->candidate[i];
	}
	if (s->apps.len > 0)
		m->n = kept;
	return 0;
}

/* A key this version does not know is in no table; the manifest tells it from the app's name. */
static void adopt_key(struct candidate *c)
{
	const struct manifest *f = &c->manifest;
	size_t len = strlen(f->app);

	if (!f->present || c->kind != KEY_NONE || !f->key[0])
		return;
	if (strncmp(c->app, f->app, len) == 0 && c->app[len] == '_' &&
		strcmp(c->app + len + 1, f->key) == 0) {
		memcpy(c->app, f->app, sizeof(c->app));
		memcpy(c->key, f->key, sizeof(c->key));
		c->kind = KEY_FOREIGN;
	}
}

static int judge_all(int rootfd, const struct settings *s, const struct match_machine *machine,
	struct match *m, struct err *e)
{
	auto_buf struct buf path = BUF_INIT(MATCH_PATH);

	for (size_t i = 0; i < m->n; i++) {
		struct candidate *c = &m->candidate[i];
		struct err why = ERR_INIT;
		int rc = data_path(s, c->file, &path, e);

		if (rc < 0)
			return rc;
		if (manifest_read(rootfd, path.data, &c->manifest, &why) < 0) {
			snprintf(c->why_not, sizeof(c->why_not), "%.255s", why.msg);
			continue;
		}
		adopt_key(c);
		match_judge(machine, c);
	}
	return 0;
}

/* The first of each app is the best; it says why the others are not. */
static void choose(struct match *m)
{
	for (size_t i = 0; i < m->n; i = app_end(m, i)) {
		struct candidate *best = &m->candidate[i];

		best->chosen = best->rank > 0;
		for (size_t j = i + 1; j < app_end(m, i); j++) {
			struct candidate *c = &m->candidate[j];

			if (c->rank == 0)
				continue;
			snprintf(c->why_not, sizeof(c->why_not),
				strcmp(c->key, best->key) == 0
					? "%.180s has the same key and unpacks faster"
					: "less specific than %.180s",
				best->file);
		}
	}
}

int match_scan(int rootfd, const struct settings *s, const struct match_machine *m,
	struct match *ret, struct err *e)
{
	auto_match struct match found = {0};
	int rc = list(rootfd, s, m, &found, e);

	if (rc < 0)
		return rc;
	sort(&found);
	rc = select_apps(s, &found, e);
	if (rc == 0)
		rc = judge_all(rootfd, s, m, &found, e);
	if (rc < 0)
		return rc;
	sort(&found);
	choose(&found);
	*ret = found;
	found = (struct match){0};
	return 0;
}

/* The refused candidate that came nearest: this machine's by kind of key before other machines'. */
static const struct candidate *nearest(const struct match *m, size_t from, size_t to)
{
	const struct candidate *best = NULL;

	for (size_t i = from; i < to; i++) {
		const struct candidate *c = &m->candidate[i];

		if (!best || (best->kind == KEY_FOREIGN && c->kind != KEY_FOREIGN) ||
			(c->kind != KEY_FOREIGN && c->kind > best->kind))
			best = c;
	}
	return best;
}

int match_check(const struct match *m, struct err *e)
{
	for (size_t i = 0; i < m->n; i = app_end(m, i)) {
		size_t end = app_end(m, i);
		const struct candidate *c = nearest(m, i, end);

		if (m->candidate[i].chosen)
			continue;
		return err_set(e, ERR_NO_FIT, ENOEXEC,
			"match: none of %zu archive(s) of '%s' fits this machine; nearest is '%s': %s",
			end - i, c->app, c->file, c->why_not);
	}
	return 0;
}

void match_free(struct match *m)
{
	free(m->candidate);
	m->candidate = NULL;
	m->n = 0;
}
