/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/project/matrix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_wanted(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return n == 0;
}

static bool has_word(const struct config_words *w, const char *name)
{
	for (size_t i = 0; i < w->len; i++) {
		if (strcmp(w->word[i], name) == 0)
			return true;
	}
	return false;
}

static bool is_target(const struct project *p, const char *name)
{
	for (size_t i = 0; i < p->n_apps; i++) {
		if (has_word(&p->app[i].targets, name))
			return true;
	}
	return false;
}

static int check_choice(const struct project *p, const struct matrix_choice *c, struct err *e)
{
	for (size_t i = 0; i < c->n_apps; i++) {
		if (!project_app(p, c->app[i]))
			return err_set(e, ERR_USAGE, ENOENT, "app '%s': %s has no [app %s]",
				c->app[i], p->file, c->app[i]);
	}
	for (size_t i = 0; i < c->n_targets; i++) {
		if (!is_target(p, c->target[i]))
			return err_set(e, ERR_USAGE, ENOENT,
				"target '%s': no app in %s is built for it", c->target[i], p->file);
	}
	for (size_t i = 0; i < c->n_flags; i++) {
		if (!project_flags(p, c->flags[i]))
			return err_set(e, ERR_USAGE, ENOENT, "flags '%s': %s has no [flags %s]",
				c->flags[i], p->file, c->flags[i]);
	}
	return 0;
}

static int add_build(struct matrix *m, const struct build *b, struct err *e)
{
	struct build *grown;

	if (m->n == MATRIX_MAX)
		return err_set(e, ERR_CONFIG, E2BIG, "more than %d archives", MATRIX_MAX);
	grown = reallocarray(m->build, m->n + 1, sizeof(*grown));
	if (!grown)
		return err_oom(e);
	m->build = grown;
	m->build[m->n++] = *b;
	return 0;
}

static int add_target(struct matrix *m, const struct project *p, const struct project_app *app,
	const char *name, const struct matrix_choice *c, struct err *e)
{
	const struct project_target *more = project_target(p, name);
	struct build b = {.app = app, .named = more};
	int rc = project_target_find(p, name, &b.target, e);

	if (rc < 0)
		return err_ctx(e, "[app %s]", app->name);
	snprintf(b.key, sizeof(b.key), "%s_%s", app->name, b.target.name);
	for (size_t i = 0; i < app->flags.len && rc == 0; i++) {
		b.flags = project_flags(p, app->flags.word[i]);
		if (b.flags && is_wanted(c->flags, c->n_flags, b.flags->name))
			rc = add_build(m, &b, e);
	}
	return rc;
}

const struct project_target *build_types(const struct build *b)
{
	return b->named && b->named->types.len > 0 ? b->named : NULL;
}

static bool is_together(const struct project *p, const struct build *a, const struct build *b)
{
	/* A [host] takes targets by their names. */
	if (p->provider == PROVIDER_SSH && strcmp(a->target.name, b->target.name) != 0)
		return false;
	return a->app == b->app && strcmp(a->target.arch, b->target.arch) == 0 &&
	       strcmp(a->target.march, b->target.march) == 0 && build_types(a) == build_types(b);
}

/* Once all builds are there: their addresses stay. */
static int make_crews(struct matrix *m, const struct project *p, struct err *e)
{
	m->crew = calloc(m->n, sizeof(*m->crew));
	if (!m->crew)
		return err_oom(e);
	for (size_t i = 0; i < m->n; i++) {
		struct crew *c = m->crew;

		while (c < m->crew + m->n_crews && !is_together(p, c->build[0], &m->build[i]))
			c++;
		if (c == m->crew + m->n_crews) {
			c->build = calloc(m->n - i, sizeof(struct build *));
			if (!c->build)
				return err_oom(e);
			m->n_crews++;
		}
		c->build[c->n++] = &m->build[i];
	}
	return 0;
}

int matrix_make(
	const struct project *p, const struct matrix_choice *c, struct matrix *ret, struct err *e)
{
	int rc;

	*ret = (struct matrix){0};
	rc = check_choice(p, c, e);
	for (size_t a = 0; a < p->n_apps && rc == 0; a++) {
		const struct project_app *app = &p->app[a];

		if (!is_wanted(c->app, c->n_apps, app->name))
			continue;
		for (size_t t = 0; t < app->targets.len && rc == 0; t++) {
			if (is_wanted(c->target, c->n_targets, app->targets.word[t]))
				rc = add_target(ret, p, app, app->targets.word[t], c, e);
		}
	}
	if (rc < 0)
		return rc;
	if (ret->n == 0)
		return err_set(e, ERR_USAGE, ENOENT,
			"nothing to build: no app has such targets and flags together");
	return make_crews(ret, p, e);
}

void matrix_free(struct matrix *m)
{
	for (size_t i = 0; i < m->n_crews; i++)
		free(m->crew[i].build);
	free(m->crew);
	free(m->build);
	*m = (struct matrix){0};
}

size_t matrix_count(const struct matrix *m, enum build_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += m->build[i].state == state;
	return n;
}

size_t crew_count(const struct crew *c, enum build_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->build[i]->state == state;
	return n;
}

const char *build_name(const struct build *b, char *out, size_t size)
{
	if (strcmp(b->flags->name, "default") == 0)
		snprintf(out, size, "%s", b->key);
	else
		snprintf(out, size, "%s (%s)", b->key, b->flags->name);
	return out;
}

int matrix_verdict(const struct matrix *m, const char *dist, struct err *e)
{
	const struct build *first = NULL;
	size_t failed = matrix_count(m, BUILD_FAILED);
	bool same = true;

	for (size_t i = 0; i < m->n; i++) {
		if (m->build[i].state != BUILD_FAILED)
			continue;
		if (!first)
			first = &m->build[i];
		same &= m->build[i].kind == first->kind;
	}
	if (!first)
		return 0;
	if (same && first->kind != ERR_NONE)
		return err_set(e, first->kind, EIO, "%zu of %zu builds failed: %s", failed, m->n,
			first->why);
	return err_set(e, ERR_SYSTEM, EIO, "%zu of %zu builds failed: see their logs in '%s'",
		failed, m->n, dist);
}
