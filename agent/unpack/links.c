/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/links.h"

#include "agent/archive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct links_item {
	size_t path, link; /* offsets in the text */
};

void links_init(struct links *l)
{
	*l = (struct links){.text = BUF_INIT(LINKS_TEXT)};
}

void links_free(struct links *l)
{
	buf_free(&l->text);
	free(l->item);
	l->item = NULL;
}

static int grow(struct links *l, struct err *e)
{
	size_t cap = l->cap ? 2 * l->cap : 64;
	struct links_item *item;

	if (l->n < l->cap)
		return 0;
	item = reallocarray(l->item, cap, sizeof(*item));
	if (!item)
		return err_oom(e);
	l->item = item;
	l->cap = cap;
	return 0;
}

int links_add(struct links *l, const struct entry *n, struct err *e)
{
	struct links_item item = {.path = l->text.len};
	int rc = grow(l, e);

	if (rc < 0)
		return rc;
	rc = buf_add(&l->text, n->path, strlen(n->path) + 1);
	item.link = l->text.len;
	if (rc == 0)
		rc = buf_add(&l->text, n->link, strlen(n->link) + 1);
	if (rc == -ENOMEM)
		return err_oom(e);
	if (rc < 0)
		return err_set(e, ERR_DATA, E2BIG, "too many hard links with long names");
	l->item[l->n++] = item;
	return 0;
}

static int by_path(const void *a, const void *b, void *text)
{
	const struct links_item *x = a, *y = b;

	return archive_order((const char *)text + x->path, (const char *)text + y->path);
}

int links_each(struct links *l, int (*add)(void *ctx, const struct entry *n, struct err *e),
	void *ctx, struct err *e)
{
	auto_free struct entry *n = malloc(sizeof(*n));
	int rc = 0;

	if (!n)
		return err_oom(e);
	if (l->n > 0)
		qsort_r(l->item, l->n, sizeof(*l->item), by_path, l->text.data);
	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		n->kind = ENTRY_HARDLINK;
		n->path = l->text.data + l->item[i].path;
		n->link = l->text.data + l->item[i].link;
		rc = add(ctx, n, e);
	}
	return rc;
}
