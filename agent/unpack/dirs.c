/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/dirs.h"

#include "agent/unpack/attrs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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

/* After the path: for each attribute its name, the length of its value and the value. */
static int add_text(struct buf *text, const char *path, const struct dirs_attr *a)
{
	int rc = buf_add(text, path, strlen(path) + 1);

	for (unsigned i = 0; rc == 0 && i < a->n_xattrs; i++) {
		const struct entry_xattr *x = &a->xattr[i];

		rc = buf_add(text, x->name, strlen(x->name) + 1);
		if (rc == 0)
			rc = buf_add(text, &x->len, sizeof(x->len));
		if (rc == 0)
			rc = buf_add(text, x->value, x->len);
	}
	return rc;
}

int dirs_add(struct dirs *d, const char *path, const struct dirs_attr *a, struct err *e)
{
	size_t at = d->text.len;
	int rc = grow(d, e);

	if (rc < 0)
		return rc;
	rc = add_text(&d->text, path, a);
	if (rc == -ENOMEM)
		return err_oom(e);
	if (rc < 0)
		return err_set(e, ERR_DATA, E2BIG, "too many directories with long names");
	d->item[d->n] = (struct dirs_item){.path = at, .order = d->n, .attr = *a};
	d->item[d->n].attr.xattr = NULL;
	d->n++;
	return 0;
}

/* The attributes as an entry has them; its pointers lead into the text. */
static void entry_of(const struct dirs_item *item, const char *text, struct entry *ret)
{
	const struct dirs_attr *a = &item->attr;
	const char *p = text + item->path;

	ret->kind = ENTRY_DIR;
	ret->path = p;
	ret->mode = a->mode;
	ret->uid = a->uid;
	ret->gid = a->gid;
	ret->mtime = a->mtime;
	ret->n_xattrs = a->n_xattrs;
	p += strlen(p) + 1;
	for (unsigned i = 0; i < a->n_xattrs; i++) {
		struct entry_xattr *x = &ret->xattr[i];

		x->name = p;
		p += strlen(p) + 1;
		memcpy(&x->len, p, sizeof(x->len));
		p += sizeof(x->len);
		x->value = p;
		p += x->len;
	}
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

static int apply(struct beneath *b, const struct dirs_item *item, const char *text, struct entry *n,
	struct err *e)
{
	const char *path = text + item->path;
	auto_close int fd = beneath_open(b, path, O_RDONLY);

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return 0;
	if (fd < 0) {
		errno = -fd;
		return attrs_cannot(e, "open the directory", path);
	}
	entry_of(item, text, n);
	if (item->attr.whole)
		return attrs_set(fd, n, NULL, e);
	return fchmod(fd, n->mode) < 0 ? attrs_cannot(e, "set the mode of", path) : 0;
}

int dirs_apply(struct dirs *d, struct beneath *b, struct err *e)
{
	auto_free struct entry *n = malloc(sizeof(*n));
	const char *last = NULL;
	int rc = 0;

	if (!n)
		return err_oom(e);
	if (d->n == 0)
		return 0;
	qsort_r(d->item, d->n, sizeof(*d->item), compare, d->text.data);
	for (size_t i = 0; rc == 0 && i < d->n; i++) {
		const char *path = d->text.data + d->item[i].path;

		if (!last || strcmp(path, last) != 0)
			rc = apply(b, &d->item[i], d->text.data, n, e);
		last = path;
	}
	return rc;
}
