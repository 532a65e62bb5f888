/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/bake.h"

#include "common/auto.h"
#include "controller/image/bake_step.h"

#include <string.h>

/* Raised where another image is made of the same inputs and scripts of steps. */
#define FORMAT "2"

struct files {
	const void *first; /* begins with a struct bake_file */
	size_t n, size;
};

/* Each is followed by its NUL, so that no two lists of texts are the same bytes. */
static void add(struct digest *d, const char *text)
{
	digest_add(d, text, strlen(text) + 1);
}

static void add_file(struct digest *d, const char *what, const struct bake_file *f)
{
	char mode[32];

	if (!f->path)
		return;
	snprintf(mode, sizeof(mode), "%o", (unsigned)f->mode);
	add(d, what);
	add(d, f->name);
	add(d, mode);
	add(d, f->digest);
}

/* Content alone: their names and modes are not in the image. */
static void add_content(struct digest *d, const char *what, const struct bake_file *f)
{
	if (!f->path)
		return;
	add(d, what);
	add(d, f->digest);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In any order the image is the same. */
static int add_set(struct digest *d, const char *what, const struct config_words *w, struct err *e)
{
	auto_free char **sorted = calloc(w->len + 1, sizeof(*sorted));

	if (!sorted)
		return err_oom(e);
	for (size_t i = 0; i < w->len; i++)
		sorted[i] = w->word[i];
	qsort(sorted, w->len, sizeof(*sorted), by_text);
	for (size_t i = 0; i < w->len; i++) {
		add(d, what);
		add(d, sorted[i]);
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct bake_file *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int add_files(struct digest *d, const char *what, const struct files *f, struct err *e)
{
	auto_free const struct bake_file **list = calloc(f->n + 1, sizeof(struct bake_file *));

	if (!list)
		return err_oom(e);
	for (size_t i = 0; i < f->n; i++)
		list[i] = (const struct bake_file *)((const char *)f->first + i * f->size);
	qsort(list, f->n, sizeof(struct bake_file *), by_name);
	for (size_t i = 0; i < f->n; i++)
		add_file(d, what, list[i]);
	return 0;
}

static int add_lists(struct digest *d, const struct bake *b, struct err *e)
{
	const struct image_spec *i = &b->project->image;
	const struct {
		const char *what;
		struct files files;
	} files[] = {
		{"archive", {b->archive, b->n_archives, sizeof(*b->archive)}},
		{"copy", {b->copy, i->copy.len, sizeof(*b->copy)}},
		{"repository", {b->repository, i->repositories.len, sizeof(*b->repository)}},
	};
	const struct {
		const char *what;
		const struct config_words *words;
	} sets[] = {
		{"package", &i->packages},
		{"unit", &i->units},
		{"container", &i->containers},
		{"type", &i->types},
		{"region", &i->regions},
		{"account", &i->accounts},
	};
	int rc = 0;

	for (size_t k = 0; k < ARRAY_LEN(files) && rc == 0; k++)
		rc = add_files(d, files[k].what, &files[k].files, e);
	for (size_t k = 0; k < ARRAY_LEN(sets) && rc == 0; k++)
		rc = add_set(d, sets[k].what, sets[k].words, e);
	return rc;
}

/* A step that is mended, as one that wipes more, makes another image. */
static void add_steps(struct digest *d)
{
	for (size_t i = 0; i < n_bake_steps; i++) {
		add(d, bake_steps[i].name);
		add(d, bake_steps[i].script);
	}
}

/* What its disk is. */
static void add_disk(struct digest *d, const struct image_spec *i)
{
	char disk[64];

	snprintf(disk, sizeof(disk), "%llu %d %d", (unsigned long long)i->size, i->format,
		i->encrypt);
	add(d, disk);
	add(d, i->kms_key);
}

int bake_fingerprint(
	const struct bake *b, const char *base_id, char ret[static DIGEST_TEXT], struct err *e)
{
	const struct image_spec *i = &b->project->image;
	struct digest d;
	int rc;

	digest_start(&d);
	add(&d, "bake " FORMAT);
	add(&d, b->arch);
	add(&d, base_id);
	add_content(&d, "rpm", &b->rpm.file);
	add_content(&d, "config", &b->config);
	add_content(&d, "before", &b->before);
	add_content(&d, "after", &b->after);
	rc = add_lists(&d, b, e);
	for (size_t k = 0; k < i->ecs.len; k++) {
		add(&d, "ecs");
		add(&d, i->ecs.word[k]);
	}
	add_disk(&d, i);
	add_steps(&d);
	digest_end(&d, ret);
	return rc;
}
