/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/project/project.h"

#include "controller/arch.h"
#include "controller/project/project_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

const char *provider_name(enum provider p)
{
	static const char *const name[] = {
		[PROVIDER_EC2] = "ec2",
		[PROVIDER_SSH] = "ssh",
		[PROVIDER_LOCAL] = "local",
	};

	return name[p];
}

/* path itself, or the project file in it; absolute, and dir its directory. */
static int find_file(const char *path, struct project *p, struct err *e)
{
	char file[PATH_MAX], real[PATH_MAX];
	struct stat st;
	const bool is_dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode);

	if (snprintf(file, sizeof(file), "%s%s", path, is_dir ? "/" PROJECT_FILE : "") >=
		(int)sizeof(file))
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "'%.64s…' is too long a path", path);
	if (!realpath(file, real)) {
		err_errno(e, "project file '%s'", file);
		e->kind = ERR_CONFIG;
		return -e->num;
	}
	if (stat(real, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(e, ERR_CONFIG, EINVAL, "project file '%s' is not a file", file);
	p->file = strdup(real);
	*strrchr(real, '/') = '\0';
	p->dir = strdup(*real ? real : "/");
	return p->file && p->dir ? 0 : err_oom(e);
}

int project_load(const char *path, struct project *ret, struct err *e)
{
	auto_config_lines struct config_lines lines = {0};
	int rc;

	*ret = (struct project){0};
	rc = find_file(path, ret, e);
	if (rc == 0)
		rc = project_read(ret, &lines, e);
	return rc < 0 ? rc : project_check(ret, &lines, e);
}

static void free_app(struct project_app *a)
{
	free(a->name);
	free(a->source);
	free(a->script);
	config_words_free(&a->targets);
	config_words_free(&a->flags);
	config_words_free(&a->packages);
	config_words_free(&a->env);
	free(a->entry);
	free(a->version);
}

static void free_flags(struct project_flags *f)
{
	free(f->name);
	free(f->cflags);
	free(f->cxxflags);
	free(f->fcflags);
	free(f->ldflags);
	config_words_free(&f->env);
}

static void free_aws(struct project_aws *a)
{
	free(a->region);
	free(a->profile);
	free(a->base);
	free(a->kernel);
	config_words_free(&a->subnets);
	config_words_free(&a->private_subnets);
	config_words_free(&a->tags);
	free(a->caller_address);
	free(a->bastion);
	free(a->ssh_config);
	free(a->user);
}

void project_free(struct project *p)
{
	for (size_t i = 0; i < p->n_apps; i++)
		free_app(&p->app[i]);
	for (size_t i = 0; i < p->n_flags; i++)
		free_flags(&p->flags[i]);
	for (size_t i = 0; i < p->n_targets; i++) {
		free(p->target[i].name);
		free(p->target[i].march);
		config_words_free(&p->target[i].types);
	}
	for (size_t i = 0; i < p->n_hosts; i++) {
		free(p->host[i].name);
		free(p->host[i].address);
		config_words_free(&p->host[i].targets);
	}
	free(p->app);
	free(p->flags);
	free(p->target);
	free(p->host);
	free_aws(&p->aws);
	project_image_free(&p->image);
	config_words_free(&p->agent);
	free(p->dist);
	free(p->name);
	free(p->file);
	free(p->dir);
	*p = (struct project){0};
}

const struct project_app *project_app(const struct project *p, const char *name)
{
	for (size_t i = 0; i < p->n_apps; i++) {
		if (strcmp(p->app[i].name, name) == 0)
			return &p->app[i];
	}
	return NULL;
}

const struct project_flags *project_flags(const struct project *p, const char *name)
{
	for (size_t i = 0; i < p->n_flags; i++) {
		if (strcmp(p->flags[i].name, name) == 0)
			return &p->flags[i];
	}
	return NULL;
}

const struct project_target *project_target(const struct project *p, const char *name)
{
	for (size_t i = 0; i < p->n_targets; i++) {
		if (strcmp(p->target[i].name, name) == 0)
			return &p->target[i];
	}
	return NULL;
}

int project_target_find(
	const struct project *p, const char *name, struct target *ret, struct err *e)
{
	const struct project_target *t = project_target(p, name);

	return target_find(name, t ? t->march : NULL, ret, e);
}

int project_agent_arch(const char *path, const char **ret, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0) {
		err_errno(e, "agent '%s'", path);
		e->kind = ERR_CONFIG;
		return -e->num;
	}
	*ret = arch_of_program(fd);
	if (*ret && **ret)
		return 0;
	return err_set(e, ERR_CONFIG, ENOEXEC,
		"agent '%s' is not a program for x86_64 or aarch64: use a static shared-prep",
		path);
}

int project_agent(const struct project *p, const char *arch, char **ret, struct err *e)
{
	auto_free char *installed = NULL;

	for (size_t i = 0; i < p->agent.len; i++) {
		const char *found;
		int rc = project_agent_arch(p->agent.word[i], &found, e);

		if (rc < 0)
			return rc;
		if (strcmp(found, arch) != 0)
			continue;
		*ret = strdup(p->agent.word[i]);
		return *ret ? 0 : err_oom(e);
	}
	if (asprintf(&installed, PKGLIBDIR "/%s/shared-prep", arch) < 0)
		return err_oom(e);
	if (access(installed, R_OK) < 0)
		return err_set(e, ERR_CONFIG, ENOENT,
			"no agent for %s: none of agent= is for it, and there is no '%s': "
			"'packaging/static/agent DIR' makes agent=DIR/shared-prep",
			arch, installed);
	*ret = take_ptr(installed);
	return 0;
}
