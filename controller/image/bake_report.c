/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/bake_report.h"

#include "common/auto.h"
#include "common/date.h"
#include "common/fs.h"
#include "common/json.h"
#include "common/num.h"
#include "controller/build/dist.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#define FORMAT     1
#define REPORT_MAX (16 * MIB)

static json_t *file_json(const struct bake_file *f)
{
	return json_pack("{s:o, s:I, s:s}", "name", json_string_lossy(f->name), "bytes",
		(json_int_t)f->bytes, "sha256", f->digest);
}

static json_t *archives_json(const struct bake *b)
{
	json_t *list = json_array();

	for (size_t i = 0; i < b->n_archives; i++)
		json_array_append_new(list, file_json(&b->archive[i].file));
	return list;
}

static json_t *path_json(const char *path)
{
	return *path ? json_string_lossy(path) : NULL;
}

static json_t *baked_json(const struct project *p, const struct baked *b)
{
	char now[DATE_TEXT];

	return json_pack("{s:i, s:o, s:o*, s:s, s:o, s:s, s:s, s:b, s:o*, s:o*, s:O*, s:o*, s:s*, "
			 "s:o*, s:o*, s:o}",
		"format", FORMAT, "project", json_string_lossy(p->name), "name", path_json(b->name),
		"arch", b->bake->arch, "base", json_string_lossy(b->base), "inputs", b->inputs,
		"created", date_text(date_now(), now), "unchanged", b->unchanged, "image",
		path_json(b->path), "ami", path_json(b->ami), "copies", b->copies, "manifest",
		path_json(b->made.manifest), "manifest_sha256",
		*b->made.digest ? b->made.digest : NULL, "bom", path_json(b->made.bom), "log",
		path_json(b->made.log), "archives", archives_json(b->bake));
}

/* That of a disk which was there, and has become an AMI only now. */
static int read_with_ami(const char *path, const struct baked *b, json_t **ret, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(REPORT_MAX);
	int rc = fs_read(AT_FDCWD, path, &text, e);

	if (rc == 0)
		rc = json_parse(buf_str(&text), text.len, path, ret, e);
	if (rc < 0)
		return rc;
	if (json_object_set_new(*ret, "ami", json_string(b->ami)) < 0 ||
		json_object_set(*ret, "copies", b->copies) < 0)
		return err_oom(e);
	return 0;
}

int bake_report_write(const struct project *p, const struct baked *b, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(REPORT_MAX);
	auto_json json_t *report = NULL;
	char dir[PATH_MAX], path[PATH_MAX];
	int rc;

	if (b->unchanged && !b->copies)
		return 0;
	rc = dist_images(p->dist, dir, e);
	if (rc < 0)
		return rc;
	if (snprintf(path, sizeof(path), "%s/%s.json", dir, b->name) >= (int)sizeof(path))
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "'%s' is too long", p->dist);
	if (b->unchanged)
		rc = read_with_ami(path, b, &report, e);
	else if (!(report = baked_json(p, b)))
		return err_oom(e);
	if (rc == 0)
		rc = json_text(report, &text, e);
	return rc < 0 ? rc : fs_write_atomic(AT_FDCWD, path, 0644, text.data, text.len, e);
}

int bake_report_json(
	const struct project *p, const struct baked *b, size_t n, json_t **ret, struct err *e)
{
	auto_json json_t *images = json_array();

	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(images, baked_json(p, &b[i])) < 0)
			return err_oom(e);
	}
	*ret = json_pack("{s:i, s:O}", "format", FORMAT, "images", images);
	return *ret ? 0 : err_oom(e);
}

static json_t *planned_json(const struct project *p, const struct bake *b)
{
	json_t *copies = json_array(), *steps = json_array();

	for (size_t i = 0; i < p->image.copy.len; i++)
		json_array_append_new(copies, file_json(&b->copy[i]));
	for (size_t i = 0; i < n_bake_steps; i++) {
		if (bake_step_count(&bake_steps[i], b) > 0)
			json_array_append_new(steps, json_string(bake_steps[i].name));
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "arch", b->arch, "base",
		json_string_lossy(p->image.base), "rpm", file_json(&b->rpm.file), "archives",
		archives_json(b), "copy", copies, "steps", steps);
}

static void print_file(const char *what, const struct bake_file *f)
{
	char size[NUM_TEXT];

	printf("  %-8s %-40s %10s  %.12s\n", what, f->name, num_size_text(f->bytes, size),
		f->digest);
}

static void print_planned(const struct project *p, const struct bake *b)
{
	printf("%s of %s (%s):\n", p->image.name, p->image.base, b->arch);
	print_file("rpm", &b->rpm.file);
	for (size_t i = 0; i < b->n_archives; i++)
		print_file("archive", &b->archive[i].file);
	for (size_t i = 0; i < p->image.copy.len; i++)
		print_file("copy", &b->copy[i]);
	printf("  steps   ");
	for (size_t i = 0; i < n_bake_steps; i++) {
		if (bake_step_count(&bake_steps[i], b) > 0)
			printf(" %s", bake_steps[i].name);
	}
	printf("\n");
}

int bake_report_planned(
	const struct project *p, const struct bake *b, size_t n, bool json, struct err *e)
{
	auto_json json_t *images = json_array(), *all = NULL;

	for (size_t i = 0; i < n && !json; i++)
		print_planned(p, &b[i]);
	if (!json)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(images, planned_json(p, &b[i])) < 0)
			return err_oom(e);
	}
	all = json_pack("{s:i, s:O}", "format", FORMAT, "images", images);
	return all ? json_print(all, stdout, e) : err_oom(e);
}
