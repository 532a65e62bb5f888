/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cpu_target.h"
#include "common/instance_type.h"
#include "controller/project/project_private.h"

#include <errno.h>
#include <string.h>

#define TAGS_MAX 40

/* Says of the error in c->e where it is. */
int project_blame(const struct project_checking *c, struct project_place at)
{
	const char *equals = *at.key ? " " : "";
	int line = config_line(c->lines, at.section, at.key, at.word);
	char where[PROJECT_TITLE + 32];

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

int project_missing(const struct project_checking *c, const char *section, const char *key)
{
	err_set(c->e, ERR_CONFIG, EINVAL, "%s= is missing", key);
	return project_blame(c, (struct project_place){section, "", NULL});
}

int project_twice(const struct project_checking *c, struct project_place at)
{
	err_set(c->e, ERR_CONFIG, EEXIST, "'%.80s' is there twice", at.word);
	return project_blame(c, at);
}

bool project_is_before(const struct config_words *w, size_t i)
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

int project_check_targets(
	const struct project_checking *c, const char *section, const struct config_words *w)
{
	for (size_t i = 0; i < w->len; i++) {
		const struct project_place at = {section, "targets", w->word[i]};
		struct target t;
		size_t k = 0;

		if (project_is_before(w, i))
			return project_twice(c, at);
		while (k < i && !is_same_target(w->word[k], w->word[i]))
			k++;
		if (k < i)
			err_set(c->e, ERR_CONFIG, EEXIST, "'%.64s' and '%.64s' are the same target",
				w->word[k], w->word[i]);
		else if (i >= PROJECT_TARGETS)
			err_set(c->e, ERR_CONFIG, E2BIG, "more than %d targets", PROJECT_TARGETS);
		else if (project_target_find(c->p, w->word[i], &t, c->e) == 0)
			continue;
		return project_blame(c, at);
	}
	return 0;
}

static int check_target_section(const struct project_checking *c, const struct project_target *own)
{
	char section[PROJECT_TITLE];
	struct target t, type;
	int rc = target_find(own->name, own->march, &t, c->e);

	snprintf(section, sizeof(section), "target %s", own->name);
	if (rc < 0)
		return project_blame(
			c, (struct project_place){section, *own->march ? "march" : "", NULL});
	for (size_t i = 0; i < own->types.len; i++) {
		const char *name = own->types.word[i];
		const struct project_place at = {section, "types", name};

		if (project_is_before(&own->types, i))
			return project_twice(c, at);
		if (!strchr(name, '.') || !instance_type_is_key(name))
			rc = err_set(c->e, ERR_CONFIG, EINVAL,
				"'%.64s' is no instance type: use c7a.4xlarge or the like", name);
		else if (t.march[0])
			rc = target_find(name, t.march, &type, c->e);
		else if (target_find(name, NULL, &type, c->e) == 0 &&
			 strcmp(type.arch, t.arch) != 0)
			rc = err_set(c->e, ERR_CONFIG, EINVAL, "'%.64s' is not %s", name, t.arch);
		if (rc < 0)
			return project_blame(c, at);
	}
	return 0;
}

static int check_host(const struct project_checking *c, const struct project_host *h)
{
	char section[PROJECT_TITLE];

	snprintf(section, sizeof(section), "host %s", h->name);
	return h->address ? project_check_targets(c, section, &h->targets)
			  : project_missing(c, section, "address");
}

static bool takes(const struct project_host *h, const char *target)
{
	for (size_t i = 0; i < h->targets.len; i++) {
		if (is_same_target(h->targets.word[i], target))
			return true;
	}
	return h->targets.len == 0;
}

static int check_host_for(const struct project_checking *c, const struct project_app *a)
{
	const struct project *p = c->p;
	char section[PROJECT_TITLE];

	snprintf(section, sizeof(section), "app %s", a->name);
	for (size_t i = 0; i < a->targets.len; i++) {
		const char *target = a->targets.word[i];
		size_t h = 0;

		while (h < p->n_hosts && !takes(&p->host[h], target))
			h++;
		if (h < p->n_hosts)
			continue;
		err_set(c->e, ERR_CONFIG, ENOENT, "no [host NAME] takes '%.64s'", target);
		return project_blame(c, (struct project_place){section, "targets", target});
	}
	return 0;
}

static int check_hosts(const struct project_checking *c)
{
	const struct project *p = c->p;
	int rc = 0;

	for (size_t i = 0; i < p->n_hosts && rc == 0; i++)
		rc = check_host(c, &p->host[i]);
	if (rc < 0 || p->provider != PROVIDER_SSH)
		return rc;
	if (p->n_hosts == 0) {
		err_set(c->e, ERR_CONFIG, EINVAL, "ssh needs a [host NAME]");
		return project_blame(c, (struct project_place){"project", "provider", NULL});
	}
	for (size_t i = 0; i < p->n_apps && rc == 0; i++)
		rc = check_host_for(c, &p->app[i]);
	return rc;
}

static int check_tags(const struct project_checking *c)
{
	const struct config_words *tags = &c->p->aws.tags;

	if (tags->len > TAGS_MAX) {
		err_set(c->e, ERR_CONFIG, E2BIG, "more than %d tags", TAGS_MAX);
		return project_blame(c, (struct project_place){"aws", "tags", NULL});
	}
	for (size_t i = 0; i < tags->len; i++) {
		size_t len = strcspn(tags->word[i], "=") + 1;

		for (size_t k = 0; k < i; k++) {
			if (strncmp(tags->word[i], tags->word[k], len) == 0)
				return project_twice(
					c, (struct project_place){"aws", "tags", tags->word[i]});
		}
	}
	return 0;
}

static int check_aws(const struct project_checking *c)
{
	const struct project_aws *a = &c->p->aws;

	if (a->subnets.len > 0 && a->private_subnets.len > 0) {
		err_set(c->e, ERR_CONFIG, EINVAL, "subnets= are given too: use one of both");
		return project_blame(c, (struct project_place){"aws", "private_subnets", NULL});
	}
	if (*a->bastion && *a->ssh_config) {
		err_set(c->e, ERR_CONFIG, EINVAL,
			"ssh_config= is given too, and says how hosts are reached: use one of both");
		return project_blame(c, (struct project_place){"aws", "bastion", NULL});
	}
	if (*a->ssh_config && access(a->ssh_config, R_OK) < 0) {
		err_errno(c->e, "'%s'", a->ssh_config);
		return project_blame(c, (struct project_place){"aws", "ssh_config", NULL});
	}
	return check_tags(c);
}

const char *project_as_written(const struct project_checking *c, const char *path)
{
	size_t len = strlen(c->p->dir);

	return strncmp(path, c->p->dir, len) == 0 && path[len] == '/' ? path + len + 1 : path;
}

static int check_agents(const struct project_checking *c)
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
			return project_blame(c, (struct project_place){"project", "agent",
							project_as_written(c, agent->word[i])});
		arch[i] = found;
	}
	return 0;
}

int project_check(const struct project *p, const struct config_lines *lines, struct err *e)
{
	const struct project_checking c = {p, lines, e};
	auto_free char *name = NULL;
	size_t archives = 0;
	int rc = project_take_name(p->name, &name, e);

	if (rc < 0)
		return project_blame(&c, (struct project_place){"project", "name", NULL});
	if (p->n_apps == 0)
		return err_set(e, ERR_CONFIG, EINVAL, "%s: there is no [app NAME]", p->file);
	for (size_t i = 0; i < p->n_targets && rc == 0; i++)
		rc = check_target_section(&c, &p->target[i]);
	for (size_t i = 0; i < p->n_apps && rc == 0; i++) {
		rc = project_check_app(&c, &p->app[i]);
		archives += p->app[i].targets.len * p->app[i].flags.len;
	}
	if (rc == 0 && archives > PROJECT_ARCHIVES)
		return err_set(e, ERR_CONFIG, E2BIG, "%s: more than %d archives", p->file,
			PROJECT_ARCHIVES);
	if (rc == 0)
		rc = check_hosts(&c);
	if (rc == 0)
		rc = check_aws(&c);
	if (rc == 0)
		rc = project_image_check(&c);
	return rc < 0 ? rc : check_agents(&c);
}
