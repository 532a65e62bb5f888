/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/bake.h"

#include "common/cpu_target.h"
#include "controller/arch.h"
#include "controller/build/artifact.h"

#include <errno.h>
#include <string.h>

/* What a name may be made of that stands in Copy= of shared-prep.conf, and in the data directory.
 */
#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+@=,:%~-"

static int choose(const struct project *p, struct matrix *ret, struct err *e)
{
	const char *flags = p->image.flags;
	const struct matrix_choice choice = {
		.app = (const char *const *)p->image.apps.word,
		.n_apps = p->image.apps.len,
		.flags = &flags,
		.n_flags = 1,
	};
	int rc = matrix_make(p, &choice, ret, e);

	if (rc < 0 && e->kind == ERR_USAGE) {
		(void)err_set(e, ERR_CONFIG, ENOENT,
			"%s: [image]: no app of apps= is built with flags=%s: no archive would be "
			"in the image",
			p->file, flags);
		return -e->num;
	}
	return rc;
}

int bake_archs(const struct project *p, const char *ret[static ARCHS + 1], struct err *e)
{
	auto_matrix struct matrix m = {0};
	size_t n = 0;
	int rc = choose(p, &m, e);

	for (size_t i = 0; i < ARCHS && rc == 0; i++) {
		size_t k = 0;

		while (k < m.n && strcmp(m.build[k].target.arch, arch_names[i]) != 0)
			k++;
		if (k < m.n)
			ret[n++] = arch_names[i];
	}
	ret[n] = NULL;
	return rc;
}

/* --- archives */

static int add_archive(struct bake *b, const struct build *build, struct err *e)
{
	struct bake_archive *a = &b->archive[b->n_archives++];
	char path[PATH_MAX];
	int rc;

	a->app = build->app;
	a->target = build->target;
	artifact_path(b->project->dist, build, ".tar.zst", path);
	rc = bake_file_read(path, "archive ", &a->file, e);
	if (rc == -ENOENT)
		return err_set(e, ERR_CONFIG, ENOENT,
			"archive '%s' is not there: 'controller build --app %s --target %s "
			"--flags %s' makes it",
			path, build->app->name, build->target.name, build->flags->name);
	/* Under that on the machine, and of no meaning here. */
	a->file.mode = S_IFREG | 0644;
	return rc < 0 ? rc : bake_archive_check(a, e);
}

static int gather_archives(struct bake *b, struct err *e)
{
	auto_matrix struct matrix m = {0};
	int rc = choose(b->project, &m, e);

	if (rc < 0)
		return rc;
	b->archive = calloc(m.n, sizeof(*b->archive));
	if (!b->archive)
		return err_oom(e);
	for (size_t i = 0; i < m.n && rc == 0; i++) {
		if (strcmp(m.build[i].target.arch, b->arch) == 0)
			rc = add_archive(b, &m.build[i], e);
	}
	return rc;
}

/* --- the agent */

static int take_rpm(struct bake *b, const char *path, struct err *e)
{
	struct bake_package p = {0};
	const char *arch = "";
	int rc = bake_file_read(path, "rpm=", &p.file, e);

	if (rc == 0)
		rc = bake_rpm_read(&p, &arch, e);
	if (rc < 0 || strcmp(arch, b->arch) != 0 || b->rpm.file.path) {
		if (rc == 0 && strcmp(arch, b->arch) == 0)
			rc = err_set(e, ERR_CONFIG, EEXIST, "rpm='%s': '%s' is for %s too", path,
				b->rpm.file.path, arch);
		free(p.file.path);
		return rc;
	}
	b->rpm = p;
	return 0;
}

static int gather_rpm(struct bake *b, struct err *e)
{
	const struct config_words *words = &b->project->image.rpm;
	char path[PATH_MAX];
	int rc = 0;

	for (size_t i = 0; i < words->len && rc == 0; i++)
		rc = take_rpm(b, words->word[i], e);
	if (rc < 0 || b->rpm.file.path)
		return rc;
	snprintf(path, sizeof(path), PKGLIBDIR "/%s/shared-prep.rpm", b->arch);
	rc = take_rpm(b, path, e);
	if (rc == -ENOENT || (rc == 0 && !b->rpm.file.path))
		return err_set(e, ERR_CONFIG, ENOENT,
			"no RPM of the agent for %s: %s of rpm= is for it, and there is no '%s': "
			"'packaging/rpm/build' makes one",
			b->arch, words->len ? "none" : "nothing", path);
	return rc;
}

static int gather_agent(struct bake *b, struct err *e)
{
	auto_free char *path = NULL;
	int rc = project_agent(b->project, b->arch, &path, e);

	return rc < 0 ? rc : bake_file_read(path, "agent=", &b->agent, e);
}

/* --- what is copied */

static bool is_taken(const struct bake *b, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(b->copy[i].name, name) == 0)
			return true;
	}
	for (size_t i = 0; i < b->n_archives; i++) {
		if (strcmp(b->archive[i].file.name, name) == 0)
			return true;
	}
	return false;
}

/* As it is written, without slashes at its end; where it leads, for who reads it. */
static int take_copy(const char *path, struct bake_file *ret, struct err *e)
{
	auto_free char *plain = strdup(path);
	struct stat st;
	size_t len = plain ? strlen(plain) : 0;
	int rc;

	if (!plain)
		return err_oom(e);
	while (len > 1 && plain[len - 1] == '/')
		plain[--len] = '\0';
	if (stat(plain, &st) < 0 || !S_ISDIR(st.st_mode))
		return bake_file_read(plain, "copy=", ret, e);
	rc = bake_tree_read(plain, "copy=", ret, e);
	if (rc == 0) {
		char *real = realpath(plain, NULL);

		if (!real)
			return err_errno(e, "copy='%s'", plain);
		free(ret->path);
		ret->path = real;
	}
	return rc;
}

static int gather_copies(struct bake *b, struct err *e)
{
	const struct config_words *words = &b->project->image.copy;
	int rc = 0;

	b->copy = calloc(words->len + 1, sizeof(*b->copy));
	if (!b->copy)
		return err_oom(e);
	for (size_t i = 0; i < words->len && rc == 0; i++) {
		struct bake_file *c = &b->copy[i];

		if ((rc = take_copy(words->word[i], c, e)) < 0)
			break;
		if (c->name[0] == '.' || c->name[strspn(c->name, NAME_CHARS)])
			rc = err_set(e, ERR_CONFIG, EINVAL,
				"copy='%s': a name in the data directory begins with no dot and "
				"has no blanks, quotes or the like: rename it",
				words->word[i]);
		else if (is_taken(b, i, c->name))
			rc = err_set(e, ERR_CONFIG, EEXIST,
				"copy='%s': another '%s' is copied already: rename one",
				words->word[i], c->name);
	}
	return rc;
}

static int gather_repositories(struct bake *b, struct err *e)
{
	static const char *const kinds[] = {".repo", ".list", ".sources"};
	const struct config_words *words = &b->project->image.repositories;

	b->repository = calloc(words->len + 1, sizeof(*b->repository));
	if (!b->repository)
		return err_oom(e);
	for (size_t i = 0; i < words->len; i++) {
		struct bake_file *f = &b->repository[i];
		int rc = bake_file_read(words->word[i], "repositories=", f, e);
		const char *dot = strrchr(f->name, '.');
		size_t k = 0;

		if (rc < 0)
			return rc;
		while (k < ARRAY_LEN(kinds) && (!dot || strcmp(dot, kinds[k]) != 0))
			k++;
		if (k == ARRAY_LEN(kinds))
			return err_set(e, ERR_CONFIG, EINVAL,
				"repositories='%s': its name ends with neither .repo, .list nor "
				".sources",
				words->word[i]);
	}
	return 0;
}

static int gather_files(struct bake *b, struct err *e)
{
	const struct {
		const char *what, *path;
		struct bake_file *file;
	} rows[] = {
		{"config=", b->project->image.config, &b->config},
		{"before=", b->project->image.before, &b->before},
		{"after=", b->project->image.after, &b->after},
		{"login=", b->project->image.login, &b->login},
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows) && rc == 0; i++) {
		if (rows[i].path && *rows[i].path)
			rc = bake_file_read(rows[i].path, rows[i].what, rows[i].file, e);
	}
	return rc;
}

/* --- types */

bool bake_suits(const struct bake_archive *a, const char *type)
{
	char family[TARGET_NAME];
	struct err ignored = ERR_INIT;
	const struct cpu_target *has, *wants;
	struct target t;

	target_family(type, family);
	if (strcmp(a->target.name, type) == 0 || strcmp(a->target.name, family) == 0)
		return true;
	/* Another machine's. */
	if (target_find(type, NULL, &t, &ignored) < 0 || strcmp(t.arch, a->target.arch) != 0)
		return false;
	if (strcmp(a->target.name, t.arch) == 0)
		return true;
	has = cpu_target_find(t.march);
	wants = cpu_target_find(a->target.name);
	return has && wants && cpu_has(&has->needs, &wants->needs);
}

bool bake_has_type(const struct bake *b, const char *type)
{
	struct err ignored = ERR_INIT;
	struct target t;

	return target_find(type, NULL, &t, &ignored) == 0 && strcmp(t.arch, b->arch) == 0;
}

static int check_app(
	const struct bake *b, const struct project_app *app, const char *type, struct err *e)
{
	for (size_t i = 0; i < b->n_archives; i++) {
		if (b->archive[i].app == app && bake_suits(&b->archive[i], type))
			return 0;
	}
	return err_set(e, ERR_NO_FIT, ENOENT,
		"types=%s: no archive of app '%s' is for it: give [app %s] a target that is, or leave "
		"the type out",
		type, app->name, app->name);
}

static bool is_wanted(const struct config_words *apps, const char *name)
{
	size_t i = 0;

	while (i < apps->len && strcmp(apps->word[i], name) != 0)
		i++;
	return apps->len == 0 || i < apps->len;
}

static int check_types(const struct bake *b, struct err *e)
{
	const struct project *p = b->project;
	int rc = 0;

	for (size_t i = 0; i < p->image.types.len && rc == 0; i++) {
		const char *type = p->image.types.word[i];
		struct target t;

		if ((rc = target_find(type, NULL, &t, e)) < 0)
			return err_ctx(e, "types=%s", type);
		for (size_t a = 0; a < p->n_apps && rc == 0; a++) {
			if (bake_has_type(b, type) && is_wanted(&p->image.apps, p->app[a].name))
				rc = check_app(b, &p->app[a], type, e);
		}
	}
	return rc;
}

int bake_gather(const struct project *p, const char *arch, struct bake *ret, struct err *e)
{
	static int (*const parts[])(struct bake *, struct err *) = {gather_archives, gather_rpm,
		gather_agent, gather_copies, gather_repositories, gather_files};
	int rc = 0;

	*ret = (struct bake){.project = p};
	snprintf(ret->arch, sizeof(ret->arch), "%s", arch);
	for (size_t i = 0; i < ARRAY_LEN(parts) && rc == 0; i++)
		rc = parts[i](ret, e);
	return rc < 0 ? rc : check_types(ret, e);
}

void bake_free(struct bake *b)
{
	for (size_t i = 0; i < b->n_archives; i++)
		free(b->archive[i].file.path);
	for (size_t i = 0; b->copy && i < b->project->image.copy.len; i++)
		free(b->copy[i].path);
	for (size_t i = 0; b->repository && i < b->project->image.repositories.len; i++)
		free(b->repository[i].path);
	free(b->archive);
	free(b->copy);
	free(b->repository);
	free(b->rpm.file.path);
	free(b->agent.path);
	free(b->config.path);
	free(b->before.path);
	free(b->after.path);
	free(b->login.path);
	*b = (struct bake){0};
}
