/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cpu_target.h"
#include "common/fs.h"
#include "common/instance_type.h"
#include "common/near.h"
#include "controller/project_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define TAGS_MAX  40
#define TITLE_LEN 80

struct check {
	const struct project *p;
	const struct config_lines *lines;
	struct err *e;
};

/* What is at fault: a section, "app octave", a key or "", and a word of its value or NULL. */
struct place {
	const char *section;
	const char *key;
	const char *word;
};

/* Says of the error in c->e where it is. */
static int blame(const struct check *c, struct place at)
{
	const char *equals = *at.key ? " " : "";
	int line = config_line(c->lines, at.section, at.key, at.word);
	char where[TITLE_LEN + 32];

	if (c->e->kind != ERR_SYSTEM || c->e->num != ENOMEM)
		c->e->kind = ERR_CONFIG;
	/* A key that is not there is at fault where its section begins. */
	if (!line)
		line = config_line(c->lines, at.section, "", NULL);
	snprintf(
		where, sizeof(where), "[%s]%s%s%s", at.section, equals, at.key, *at.key ? "=" : "");
	if (line)
		return err_ctx(c->e, "%s:%d: %s", c->p->file, line, where);
	return err_ctx(c->e, "%s: %s", c->p->file, where);
}

static int missing(const struct check *c, const char *section, const char *key)
{
	err_set(c->e, ERR_CONFIG, EINVAL, "%s= is missing", key);
	return blame(c, (struct place){section, "", NULL});
}

static int twice(const struct check *c, struct place at)
{
	err_set(c->e, ERR_CONFIG, EEXIST, "'%.80s' is there twice", at.word);
	return blame(c, at);
}

static bool is_before(const struct config_words *w, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (strcmp(w->word[k], w->word[i]) == 0)
			return true;
	}
	return false;
}

/* Two names of one processor would be two archives of the same. */
static bool is_same_target(const char *a, const char *b)
{
	const struct cpu_target *x = cpu_target_find(a), *y = cpu_target_find(b);

	return strcmp(x ? x->name : a, y ? y->name : b) == 0;
}

static int check_targets(const struct check *c, const char *section, const struct config_words *w)
{
	for (size_t i = 0; i < w->len; i++) {
		const struct place at = {section, "targets", w->word[i]};
		struct target t;
		size_t k = 0;

		if (is_before(w, i))
			return twice(c, at);
		while (k < i && !is_same_target(w->word[k], w->word[i]))
			k++;
		if (k < i)
			err_set(c->e, ERR_CONFIG, EEXIST, "'%.64s' and '%.64s' are the same target",
				w->word[k], w->word[i]);
		else if (i >= PROJECT_TARGETS)
			err_set(c->e, ERR_CONFIG, E2BIG, "more than %d targets", PROJECT_TARGETS);
		else if (project_target_find(c->p, w->word[i], &t, c->e) == 0)
			continue;
		return blame(c, at);
	}
	return 0;
}

static int check_flags(const struct check *c, const char *section, const struct config_words *w)
{
	for (size_t i = 0; i < w->len; i++) {
		const struct place at = {section, "flags", w->word[i]};
		struct near n = near_begin(w->word[i]);

		if (is_before(w, i))
			return twice(c, at);
		if (project_flags(c->p, w->word[i]))
			continue;
		for (size_t k = 0; k < c->p->n_flags; k++)
			near_consider(&n, c->p->flags[k].name);
		err_set(c->e, ERR_CONFIG, ENOENT, "there is no [flags %.64s]%s%s%s", w->word[i],
			n.name ? ": did you mean '" : "", n.name ? n.name : "", n.name ? "'?" : "");
		return blame(c, at);
	}
	return 0;
}

/* What an archive of this name would be read as: the app before, and a key. */
static const char *key_in(const char *app)
{
	static const char *const archs[] = {"x86_64", "aarch64"};

	for (const char *s = app; (s = strchr(s, '_')); s++) {
		const char *key = s + 1;

		if (s > app && (cpu_target_find(key) || instance_type_is_key(key) ||
				       strcmp(key, archs[0]) == 0 || strcmp(key, archs[1]) == 0))
			return key;
	}
	return NULL;
}

static int check_app_name(const struct check *c, const struct project_app *a, const char *section)
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
	return blame(c, (struct place){section, "", NULL});
}

static int check_script(const struct check *c, const struct project_app *a, const char *section)
{
	auto_close int root = -1, script = -1;
	struct stat st = {0};
	int rc = fs_open(AT_FDCWD, a->source, O_PATH | O_DIRECTORY, 0, &root, c->e);

	if (rc < 0)
		return blame(c, (struct place){section, "source", NULL});
	rc = fs_open(root, a->script, O_PATH, 0, &script, c->e);
	if (rc == 0 && fstat(script, &st) < 0)
		rc = err_errno(c->e, "'%s'", a->script);
	if (rc == 0 && !S_ISREG(st.st_mode))
		rc = err_set(c->e, ERR_CONFIG, EINVAL, "'%s' is not a file", a->script);
	else if (rc == 0 && !(st.st_mode & S_IXUSR))
		rc = err_set(
			c->e, ERR_CONFIG, EACCES, "'%s' is not executable: chmod +x", a->script);
	return rc < 0 ? blame(c, (struct place){section, "script", NULL}) : 0;
}

static bool is_inside(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 &&
	       (!path[len] || path[len] == '/' || dir[len - 1] == '/');
}

/* What is built must not become part of what is sent, and an archive must not replace a source.
 * dist need not be there yet: the last directory on its way that is there counts. */
static int check_dist(const struct check *c, const struct project_app *a)
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
	return blame(c, (struct place){"project", "dist", NULL});
}

static int check_app(const struct check *c, const struct project_app *a)
{
	char section[TITLE_LEN];
	int rc;

	snprintf(section, sizeof(section), "app %s", a->name);
	rc = check_app_name(c, a, section);
	if (rc < 0)
		return rc;
	if (!a->source)
		return missing(c, section, "source");
	if (!a->script)
		return missing(c, section, "script");
	if (a->targets.len == 0)
		return missing(c, section, "targets");
	rc = check_targets(c, section, &a->targets);
	if (rc == 0)
		rc = check_flags(c, section, &a->flags);
	if (rc == 0)
		rc = check_script(c, a, section);
	if (rc == 0)
		rc = check_dist(c, a);
	if (rc == 0 && a->packages.len > 0 && c->p->provider == PROVIDER_LOCAL) {
		err_set(c->e, ERR_CONFIG, EINVAL,
			"nothing is installed with provider=local: install them on this machine");
		rc = blame(c, (struct place){section, "packages", NULL});
	}
	return rc;
}

static int check_target_section(const struct check *c, const struct project_target *own)
{
	char section[TITLE_LEN];
	struct target t, type;
	int rc = target_find(own->name, own->march, &t, c->e);

	snprintf(section, sizeof(section), "target %s", own->name);
	if (rc < 0)
		return blame(c, (struct place){section, *own->march ? "march" : "", NULL});
	for (size_t i = 0; i < own->types.len; i++) {
		const char *name = own->types.word[i];
		const struct place at = {section, "types", name};

		if (is_before(&own->types, i))
			return twice(c, at);
		if (!strchr(name, '.') || !instance_type_is_key(name))
			rc = err_set(c->e, ERR_CONFIG, EINVAL,
				"'%.64s' is no instance type: use c7a.4xlarge or the like", name);
		else if (t.march[0])
			rc = target_find(name, t.march, &type, c->e);
		else if (target_find(name, NULL, &type, c->e) == 0 &&
			 strcmp(type.arch, t.arch) != 0)
			rc = err_set(c->e, ERR_CONFIG, EINVAL, "'%.64s' is not %s", name, t.arch);
		if (rc < 0)
			return blame(c, at);
	}
	return 0;
}

static int check_host(const struct check *c, const struct project_host *h)
{
	char section[TITLE_LEN];

	snprintf(section, sizeof(section), "host %s", h->name);
	return h->address ? check_targets(c, section, &h->targets) : missing(c, section, "address");
}

static bool takes(const struct project_host *h, const char *target)
{
	for (size_t i = 0; i < h->targets.len; i++) {
		if (is_same_target(h->targets.word[i], target))
			return true;
	}
	return h->targets.len == 0;
}

static int check_host_for(const struct check *c, const struct project_app *a)
{
	const struct project *p = c->p;
	char section[TITLE_LEN];

	snprintf(section, sizeof(section), "app %s", a->name);
	for (size_t i = 0; i < a->targets.len; i++) {
		const char *target = a->targets.word[i];
		size_t h = 0;

		while (h < p->n_hosts && !takes(&p->host[h], target))
			h++;
		if (h < p->n_hosts)
			continue;
		err_set(c->e, ERR_CONFIG, ENOENT, "no [host NAME] takes '%.64s'", target);
		return blame(c, (struct place){section, "targets", target});
	}
	return 0;
}

static int check_hosts(const struct check *c)
{
	const struct project *p = c->p;
	int rc = 0;

	for (size_t i = 0; i < p->n_hosts && rc == 0; i++)
		rc = check_host(c, &p->host[i]);
	if (rc < 0 || p->provider != PROVIDER_SSH)
		return rc;
	if (p->n_hosts == 0) {
		err_set(c->e, ERR_CONFIG, EINVAL, "ssh needs a [host NAME]");
		return blame(c, (struct place){"project", "provider", NULL});
	}
	for (size_t i = 0; i < p->n_apps && rc == 0; i++)
		rc = check_host_for(c, &p->app[i]);
	return rc;
}

static int check_tags(const struct check *c)
{
	const struct config_words *tags = &c->p->aws.tags;

	if (tags->len > TAGS_MAX) {
		err_set(c->e, ERR_CONFIG, E2BIG, "more than %d tags", TAGS_MAX);
		return blame(c, (struct place){"aws", "tags", NULL});
	}
	for (size_t i = 0; i < tags->len; i++) {
		size_t len = strcspn(tags->word[i], "=") + 1;

		for (size_t k = 0; k < i; k++) {
			if (strncmp(tags->word[i], tags->word[k], len) == 0)
				return twice(c, (struct place){"aws", "tags", tags->word[i]});
		}
	}
	return 0;
}

static int check_aws(const struct check *c)
{
	const struct project_aws *a = &c->p->aws;

	if (a->subnets.len > 0 && a->private_subnets.len > 0) {
		err_set(c->e, ERR_CONFIG, EINVAL, "subnets= are given too: use one of both");
		return blame(c, (struct place){"aws", "private_subnets", NULL});
	}
	if (*a->bastion && *a->ssh_config) {
		err_set(c->e, ERR_CONFIG, EINVAL,
			"ssh_config= is given too, and says how hosts are reached: use one of both");
		return blame(c, (struct place){"aws", "bastion", NULL});
	}
	if (*a->ssh_config && access(a->ssh_config, R_OK) < 0) {
		err_errno(c->e, "'%s'", a->ssh_config);
		return blame(c, (struct place){"aws", "ssh_config", NULL});
	}
	return check_tags(c);
}

static int check_agents(const struct check *c)
{
	const struct config_words *agent = &c->p->agent;
	const char *arch[2] = {0};

	for (size_t i = 0; i < agent->len; i++) {
		const char *found;
		int rc = project_agent_arch(agent->word[i], &found, c->e);

		for (size_t k = 0; k < ARRAY_LEN(arch) && k < i && rc == 0; k++) {
			if (strcmp(arch[k], found) == 0)
				rc = err_set(c->e, ERR_CONFIG, EEXIST,
					"'%s' is a second one for %s", agent->word[i], found);
		}
		if (rc < 0)
			return blame(c, (struct place){"project", "agent",
						strrchr(agent->word[i], '/') + 1});
		arch[i] = found;
	}
	return 0;
}

int project_check(const struct project *p, const struct config_lines *lines, struct err *e)
{
	const struct check c = {p, lines, e};
	auto_free char *name = NULL;
	size_t archives = 0;
	int rc = project_take_name(p->name, &name, e);

	if (rc < 0)
		return blame(&c, (struct place){"project", "name", NULL});
	if (p->n_apps == 0)
		return err_set(e, ERR_CONFIG, EINVAL, "%s: there is no [app NAME]", p->file);
	for (size_t i = 0; i < p->n_targets && rc == 0; i++)
		rc = check_target_section(&c, &p->target[i]);
	for (size_t i = 0; i < p->n_apps && rc == 0; i++) {
		rc = check_app(&c, &p->app[i]);
		archives += p->app[i].targets.len * p->app[i].flags.len;
	}
	if (rc == 0 && archives > PROJECT_ARCHIVES)
		return err_set(e, ERR_CONFIG, E2BIG, "%s: more than %d archives", p->file,
			PROJECT_ARCHIVES);
	if (rc == 0)
		rc = check_hosts(&c);
	if (rc == 0)
		rc = check_aws(&c);
	return rc < 0 ? rc : check_agents(&c);
}
