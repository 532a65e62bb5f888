/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cpu_target.h"
#include "common/fs.h"
#include "common/instance_type.h"
#include "common/near.h"
#include "controller/arch.h"
#include "controller/project/project_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static int check_flags(
	const struct project_checking *c, const char *section, const struct config_words *w)
{
	for (size_t i = 0; i < w->len; i++) {
		const struct project_place at = {section, "flags", w->word[i]};
		struct near n = near_begin(w->word[i]);

		if (project_is_before(w, i))
			return project_twice(c, at);
		if (project_flags(c->p, w->word[i]))
			continue;
		for (size_t k = 0; k < c->p->n_flags; k++)
			near_consider(&n, c->p->flags[k].name);
		err_set(c->e, ERR_CONFIG, ENOENT, "there is no [flags %.64s]%s%s%s", w->word[i],
			n.name ? ": did you mean '" : "", n.name ? n.name : "", n.name ? "'?" : "");
		return project_blame(c, at);
	}
	return 0;
}

/* What an archive of this name would be read as: the app before, and a key. */
static const char *key_in(const char *app)
{
	for (const char *s = app; (s = strchr(s, '_')); s++) {
		const char *key = s + 1;

		if (s > app &&
			(cpu_target_find(key) || instance_type_is_key(key) || arch_find(key)))
			return key;
	}
	return NULL;
}

static int check_app_name(
	const struct project_checking *c, const struct project_app *a, const char *section)
{
	const char *key = key_in(a->name);

	if (strcmp(a->name, "jobs") == 0 || strcmp(a->name, "bin") == 0)
		err_set(c->e, ERR_CONFIG, EINVAL,
			"'/shared/%s' is there already: name the app otherwise", a->name);
	else if (key)
		err_set(c->e, ERR_CONFIG, EINVAL,
			"'%s' reads as the app '%.*s' built for '%s': name the app otherwise",
			a->name, (int)(key - a->name - 1), a->name, key);
	else
		return 0;
	return project_blame(c, (struct project_place){section, "", NULL});
}

static int check_script(
	const struct project_checking *c, const struct project_app *a, const char *section)
{
	auto_close int root = -1, script = -1;
	struct stat st = {0};
	int rc = fs_open(AT_FDCWD, a->source, O_PATH | O_DIRECTORY, 0, &root, c->e);

	if (rc < 0)
		return project_blame(c, (struct project_place){section, "source", NULL});
	rc = fs_open(root, a->script, O_PATH, 0, &script, c->e);
	if (rc == 0 && fstat(script, &st) < 0)
		rc = err_errno(c->e, "'%s'", a->script);
	if (rc == 0 && !S_ISREG(st.st_mode))
		rc = err_set(c->e, ERR_CONFIG, EINVAL, "'%s' is not a file", a->script);
	else if (rc == 0 && !(st.st_mode & S_IXUSR))
		rc = err_set(
			c->e, ERR_CONFIG, EACCES, "'%s' is not executable: chmod +x", a->script);
	return rc < 0 ? project_blame(c, (struct project_place){section, "script", NULL}) : 0;
}

static bool is_inside(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 &&
	       (!path[len] || path[len] == '/' || dir[len - 1] == '/');
}

/* What is built must not become part of what is sent, and an archive must not replace a source.
 * dist need not be there yet: the last directory on its way that is there counts. */
static int check_dist(const struct project_checking *c, const struct project_app *a)
{
	char source[PATH_MAX], path[PATH_MAX], dist[PATH_MAX] = "/";
	bool whole;

	if (!realpath(a->source, source))
		return 0;
	snprintf(path, sizeof(path), "%s", c->p->dist);
	whole = realpath(path, dist) != NULL;
	while (strrchr(path, '/') > path && !realpath(path, dist))
		*strrchr(path, '/') = '\0';
	if (!is_inside(dist, source) && !(whole && is_inside(source, dist)))
		return 0;
	err_set(c->e, ERR_CONFIG, EINVAL,
		"'%s' is inside the source of [app %s], or above it: use a folder beside it",
		c->p->dist, a->name);
	return project_blame(c, (struct project_place){"project", "dist", NULL});
}

int project_check_app(const struct project_checking *c, const struct project_app *a)
{
	char section[PROJECT_TITLE];
	int rc;

	snprintf(section, sizeof(section), "app %s", a->name);
	rc = check_app_name(c, a, section);
	if (rc < 0)
		return rc;
	if (!a->source)
		return project_missing(c, section, "source");
	if (!a->script)
		return project_missing(c, section, "script");
	if (a->targets.len == 0)
		return project_missing(c, section, "targets");
	rc = project_check_targets(c, section, &a->targets);
	if (rc == 0)
		rc = check_flags(c, section, &a->flags);
	if (rc == 0)
		rc = check_script(c, a, section);
	if (rc == 0)
		rc = check_dist(c, a);
	if (rc == 0 && a->packages.len > 0 && c->p->provider == PROVIDER_LOCAL) {
		err_set(c->e, ERR_CONFIG, EINVAL,
			"nothing is installed with provider=local: install them on this machine");
		rc = project_blame(c, (struct project_place){section, "packages", NULL});
	}
	return rc;
}
