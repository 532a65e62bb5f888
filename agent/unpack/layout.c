/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/layout.h"

#include <errno.h>
#include <string.h>

void layout_start(struct layout *l, const struct archive_index *i)
{
	*l = (struct layout){.index = i};
}

static int lies(struct err *e, const char *what)
{
	return err_set(e, ERR_DATA, EBADMSG, "its index does not describe its tar: %s", what);
}

static void move_to(struct layout *l, uint64_t position)
{
	const struct archive_index *i = l->index;

	while (l->frame + 1 < i->n_frames &&
		position - l->frame_start >= i->frame[l->frame].plain) {
		l->frame_start += i->frame[l->frame].plain;
		l->frame++;
	}
}

/* The last entry ends before this position. */
static int close_entry(struct layout *l, uint64_t position, struct err *e)
{
	const struct archive_span *s;

	if (l->any && position > 0) {
		move_to(l, position - 1);
		if (l->frame != l->entry_frame) {
			s = &l->index->span[l->spans];
			if (l->spans >= l->index->n_spans || s->first != l->entry_frame ||
				s->n != l->frame - l->entry_frame + 1)
				return lies(e, "a file spans other frames");
			l->spans++;
		}
	}
	move_to(l, position);
	return 0;
}

int layout_entry(struct layout *l, uint64_t position, const char *dir, struct err *e)
{
	const struct archive_dir *d;

	if (close_entry(l, position, e) < 0)
		return -e->num;
	l->any = true;
	l->entry_frame = l->frame;
	if (!dir)
		return 0;
	d = &l->index->dir[l->dirs];
	if (l->dirs >= l->index->n_dirs || d->frame != l->frame || strcmp(d->path, dir) != 0)
		return lies(e, "the directories are others");
	l->dirs++;
	return 0;
}

int layout_end(struct layout *l, uint64_t position, struct err *e)
{
	if (close_entry(l, position, e) < 0)
		return -e->num;
	if (l->dirs != l->index->n_dirs || l->spans != l->index->n_spans)
		return lies(e, "it names more than there is");
	return 0;
}
