/* SPDX-License-Identifier: Apache-2.0 */
#include "common/fs.h"
#include "common/json.h"
#include "common/log.h"
#include "common/num.h"
#include "controller/arch.h"
#include "controller/build/artifact.h"
#include "controller/cmd.h"
#include "controller/image/rpm_lead.h"
#include "controller/image/userdata_script.h"
#include "controller/machine/userdata.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct userdata_options {
	const char *url, *flags;
	struct opt_strings rpm, app, target;
	bool mime, json;
};

#define AT(field) offsetof(struct userdata_options, field)

/* clang-format off */
static const struct opt opts[] = {
	{OPT_STRING, 0, "url", AT(url), "URL",
		"folder that RPMs and archives are in: https:// or s3://; required"},
	{OPT_STRINGS, 0, "rpm", AT(rpm), "PATH",
		"instead of rpm= of [image]; one for each architecture"},
	{OPT_STRINGS, 0, "app", AT(app), "NAME", "only this app; may be repeated"},
	{OPT_STRINGS, 0, "target", AT(target), "NAME", "only this target; may be repeated"},
	{OPT_STRING, 0, "flags", AT(flags), "NAME", "instead of flags= of [image]"},
	{OPT_FLAG, 0, "mime", AT(mime), NULL,
		"as a MIME message, as launch templates of AWS Batch want it"},
	{OPT_FLAG, 0, "json", AT(json), NULL, "print JSON"},
	{0},
};
/* clang-format on */

struct found {
	struct project project;
	struct matrix matrix;
	struct userdata_archive *archive;
	size_t n;
	char *path[ARCHS]; /* of the RPMs */
	struct userdata_rpm rpm[ARCHS];
	size_t n_rpms;
};

static void found_free(struct found *f)
{
	for (size_t i = 0; i < f->n_rpms; i++)
		free(f->path[i]);
	free(f->archive);
	matrix_free(&f->matrix);
	project_free(&f->project);
}

static int load(const struct userdata_options *o, const char *path, struct found *f, struct err *e)
{
	const struct image_spec *i = &f->project.image;
	const char *flags;
	int rc = project_load(path, &f->project, e);

	if (rc < 0)
		return rc;
	flags = o->flags ? o->flags : i->flags;
	return matrix_make(&f->project,
		&(struct matrix_choice){
			.app = o->app.n ? o->app.item : (const char *const *)i->apps.word,
			.n_apps = o->app.n ? o->app.n : i->apps.len,
			.target = o->target.item,
			.n_targets = o->target.n,
			.flags = &flags,
			.n_flags = 1},
		&f->matrix, e);
}

static int by_key_app(const void *a, const void *b)
{
	const struct userdata_archive *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	return order ? order : strcmp(x->app, y->app);
}

static int add_archive(struct found *f, const struct build *b, struct err *e)
{
	struct userdata_archive *a = &f->archive[f->n];
	char path[PATH_MAX];
	struct err absent = ERR_INIT;
	auto_close int fd = -1;
	int rc;

	artifact_path(f->project.dist, b, ".tar.zst", path);
	rc = fs_open(AT_FDCWD, path, O_RDONLY, 0, &fd, &absent);
	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		*e = absent;
	if (rc < 0 || (rc = digest_fd(fd, path, a->digest, e)) < 0)
		return rc;
	a->app = b->app->name;
	a->key = b->target.name;
	a->arch = b->target.arch;
	a->march = b->target.march;
	f->n++;
	return 0;
}

static bool has_app(const struct found *f, const char *app)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->archive[i].app, app) == 0)
			return true;
	}
	return false;
}

/* What is built of the matrix. An app of which nothing is would be missing on every machine. */
static int find_archives(struct found *f, struct err *e)
{
	int rc = 0;

	f->archive = calloc(f->matrix.n, sizeof(*f->archive));
	if (!f->archive)
		return err_oom(e);
	for (size_t i = 0; i < f->matrix.n && rc == 0; i++)
		rc = add_archive(f, &f->matrix.build[i], e);
	for (size_t i = 0; i < f->matrix.n && rc == 0; i++) {
		const char *app = f->matrix.build[i].app->name;

		if (!has_app(f, app))
			rc = err_set(e, ERR_CONFIG, ENOENT,
				"app '%s' has no archive in '%s': 'controller build' makes them",
				app, f->project.dist);
	}
	if (rc == 0 && f->n < f->matrix.n)
		log_warning("%zu of %zu archives are not built: left out", f->matrix.n - f->n,
			f->matrix.n);
	if (rc == 0)
		qsort(f->archive, f->n, sizeof(*f->archive), by_key_app);
	return rc;
}

static size_t count_of(const struct found *f, const char *arch)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += strcmp(f->archive[i].arch, arch) == 0;
	return n;
}

static const struct userdata_rpm *rpm_of(const struct found *f, const char *arch)
{
	for (size_t i = 0; i < f->n_rpms; i++) {
		if (strcmp(f->rpm[i].arch, arch) == 0)
			return &f->rpm[i];
	}
	return NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int add_rpm(struct found *f, const char *path, struct err *e)
{
	const struct userdata_rpm *other;
	struct userdata_rpm r;
	auto_close int fd = -1;
	int rc = fs_open(AT_FDCWD, path, O_RDONLY, 0, &fd, e);

	if (rc < 0) {
		e->kind = ERR_CONFIG;
		return err_ctx(e, "RPM of the agent");
	}
	if ((rc = rpm_lead_arch(fd, path, &r.arch, e)) < 0 ||
		(rc = digest_fd(fd, path, r.digest, e)) < 0)
		return rc;
	if ((other = rpm_of(f, r.arch)))
		return err_set(e, ERR_CONFIG, EEXIST, "'%s' and '%s' are both for %s", path,
			f->path[other - f->rpm], r.arch);
	f->path[f->n_rpms] = strdup(path);
	if (!f->path[f->n_rpms])
		return err_oom(e);
	r.name = base_name(f->path[f->n_rpms]);
	f->rpm[f->n_rpms++] = r;
	if (f->n_rpms == ARCHS && strcmp(f->rpm[0].name, f->rpm[1].name) == 0)
		return err_set(e, ERR_CONFIG, EEXIST,
			"'%s' and '%s' have the same name at the URL: rename one", f->path[0],
			f->path[1]);
	return 0;
}

static int find_rpms(const struct userdata_options *o, struct found *f, struct err *e)
{
	const struct config_words *named = &f->project.image.rpm;
	char path[PATH_MAX];
	int rc = 0;

	for (size_t i = 0; i < o->rpm.n && rc == 0; i++)
		rc = add_rpm(f, o->rpm.item[i], e);
	for (size_t i = 0; o->rpm.n == 0 && i < named->len && rc == 0; i++)
		rc = add_rpm(f, named->word[i], e);
	for (size_t i = 0; i < ARCHS && rc == 0; i++) {
		if (count_of(f, arch_names[i]) == 0 || rpm_of(f, arch_names[i]))
			continue;
		snprintf(path, sizeof(path), PKGLIBDIR "/%s/shared-prep.rpm", arch_names[i]);
		if (access(path, R_OK) == 0)
			rc = add_rpm(f, path, e);
		else
			rc = err_set(e, ERR_CONFIG, ENOENT,
				"no RPM for %s, which %zu of %zu archives are for: give it with --rpm "
				"or rpm= of [image], as there is no '%s', or choose with --target",
				arch_names[i], count_of(f, arch_names[i]), f->n, path);
	}
	return rc;
}

static json_t *rpms_json(const struct found *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_rpms; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s}", "arch", f->rpm[i].arch, "file",
				      f->rpm[i].name, "sha256", f->rpm[i].digest));
	return list;
}

static json_t *archives_json(const struct found *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n; i++)
		json_array_append_new(list,
			json_pack("{s:o, s:s}", "file",
				json_sprintf("%s_%s.tar.zst", f->archive[i].app, f->archive[i].key),
				"sha256", f->archive[i].digest));
	return list;
}

static int print_json(const struct userdata_options *o, const struct found *f,
	const struct buf *text, struct err *e)
{
	auto_json json_t *j = json_pack("{s:i, s:s, s:s, s:b, s:I, s:I, s:o, s:o, s:s}", "format",
		1, "project", f->project.name, "url", o->url, "mime", o->mime, "bytes",
		(json_int_t)text->len, "limit", (json_int_t)USERDATA_MAX, "rpms", rpms_json(f),
		"archives", archives_json(f), "userdata", text->data);

	return j ? json_print(j, stdout, e) : err_oom(e);
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct userdata_options *o = options;
	__attribute__((cleanup(found_free))) struct found f = {0};
	auto_buf struct buf text = BUF_INIT(USERDATA_MAX);
	int rc = o->url ? userdata_script_url(o->url, e)
			: err_set(e, ERR_USAGE, EINVAL,
				  "userdata: --url is missing: where machines find RPMs and "
				  "archives, as s3://bucket/folder");

	if (rc == 0)
		rc = load(o, operands->argc > 0 ? operands->argv[0] : ".", &f, e);
	if (rc == 0)
		rc = find_archives(&f, e);
	if (rc == 0)
		rc = find_rpms(o, &f, e);
	if (rc == 0)
		rc = userdata_script_make(&(struct userdata_script){.project = f.project.name,
						  .url = o->url,
						  .rpm = f.rpm,
						  .n_rpms = f.n_rpms,
						  .archive = f.archive,
						  .n_archives = f.n,
						  .mime = o->mime},
			&text, e);
	if (rc < 0)
		return rc;
	if (o->json)
		return print_json(o, &f, &text, e);
	fwrite(text.data, 1, text.len, stdout);
	return 0;
}

const struct command cmd_userdata = {
	.name = "userdata",
	.operands = "[PROJECT]",
	.summary = "print user data that prepares machines whose image was not baked",
	.opts = opts,
	.options_size = sizeof(struct userdata_options),
	.max_operands = 1,
	.run = run,
};
