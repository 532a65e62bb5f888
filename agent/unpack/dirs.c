/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct dirs_item {
	size_t path; /* offset in the text */
	size_t order;
	struct dirs_attr attr;
};

void dirs_init(struct dirs *d)
{
	*d = (struct dirs){.text = BUF_INIT(DIRS_TEXT)};
}

void dirs_free(struct dirs *d)
{
	buf_free(&d->text);
	free(d->item);
	d->item = NULL;
}

static int grow(struct dirs *d, struct err *e)
{
	size_t cap = d->cap ? 2 * d->cap : 64;
	struct dirs_item *item;

	if (d->n < d->cap)
		return 0;
	if (d->n >= DIRS_MAX)
		return err_set(e, ERR_DATA, E2BIG, "more than %u directories", DIRS_MAX);
	item = reallocarray(d->item, cap, sizeof(*item));
	if (!item)
		return err_oom(e);
	d->item = item;
	d->cap = cap;
	return 0;
}

int dirs_add(struct dirs *d, const char *path, const struct dirs_attr *a, struct err *e)
{
	size_t at = d->text.len;
	int rc = grow(d, e);

	if (rc < 0)
		return rc;
	rc = buf_add(&d->text, path, strlen(path) + 1);
	if (rc == -ENOMEM)
		return err_oom(e);
	if (rc < 0)
		return err_set(e, ERR_DATA, E2BIG, "too many directories with long names");
	d->item[d->n] = (struct dirs_item){.path = at, .order = d->n, .attr = *a};
	d->n++;
	return 0;
}

/* Backwards by name, which puts children before their parents; of one name the last one first. */
static int compare(const void *a, const void *b, void *text)
{
	const struct dirs_item *x = a, *y = b;
	int order = strcmp((const char *)text + y->path, (const char *)text + x->path);

	if (order == 0)
		order = x->order < y->order ? 1 : -1;
	return order;
}

static int apply(struct beneath *b, const char *path, const struct dirs_attr *a, struct err *e)
{
	auto_close int fd = beneath_open(b, path, O_RDONLY);
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, a->mtime};
	char quoted[ENTRY_QUOTE];

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return 0;
	if (fd < 0)
		errno = -fd;
	else if ((!a->owned || geteuid() != 0 || fchown(fd, a->uid, a->gid) == 0) &&
		 fchmod(fd, a->mode) == 0 && (!a->timed || futimens(fd, times) == 0))
		return 0;
	return err_errno(e, "cannot set the attributes of the directory %s",
		entry_quote(*path ? path : ".", quoted));
}

int dirs_apply(struct dirs *d, struct beneath *b, struct err *e)
{
	const char *last = NULL;
	int rc = 0;

	if (d->n == 0)
		return 0;
	qsort_r(d->item, d->n, sizeof(*d->item), compare, d->text.data);
	for (size_t i = 0; rc == 0 && i < d->n; i++) {
		const char *path = d->text.data + d->item[i].path;

		if (!last || strcmp(path, last) != 0)
			rc = apply(b, path, &d->item[i].attr, e);
		last = path;
	}
	return rc;
}
