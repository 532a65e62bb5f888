/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/span.h"

#include "agent/unpack/attrs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct span_file {
	struct lean lean; /* holds what entry and content point to */
	struct entry entry;
	struct lean_content content;
	int fd;                    /* -1: only checked */
	const struct fresh *fresh; /* the tree's */
};

void span_init(struct span *s, const struct archive_index *i, const struct archive_span *of)
{
	*s = (struct span){.lock = PTHREAD_MUTEX_INITIALIZER, .first = of->first, .left = of->n};
	for (uint32_t k = 0; k < of->n; k++)
		s->plain += i->frame[of->first + k].plain;
}

static void file_free(struct span_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	lean_free(&f->lean);
	free(f);
}

void span_free(struct span *s)
{
	file_free(s->file);
	pthread_mutex_destroy(&s->lock);
}

static int lies(struct err *e)
{
	return err_set(e, ERR_DATA, EBADMSG,
		"its index does not describe its tar: a file spans other frames");
}

/* The headers are in the decoder. */
static int read_head(
	struct span_file *f, const struct span *s, const struct span_writer *w, struct err *e)
{
	int rc;

	lean_start(&f->lean, w->decoder->plain, w->decoder->index->frame[s->first].plain);
	rc = lean_next(&f->lean, &f->entry, &f->content, e);
	if (rc < 0)
		return rc;
	if (rc == 0 || lean_end(&f->content) != s->plain)
		return lies(e);
	rc = entry_check(&f->entry, w->rules, e);
	if (rc == 0 && f->entry.kind != ENTRY_FILE)
		rc = lies(e);
	if (rc == 0 && f->entry.size > w->max_bytes)
		rc = entry_refuse_more(e);
	return rc;
}

/* A file's size comes first: what is left out is a hole, and the kernel takes large pages at once.
 */
static int make_file(struct span_file *f, const struct span_writer *w, struct err *e)
{
	if (!w->plant)
		return 0;
	f->fresh = w->plant->fresh;
	if (plant_file(w->plant, &f->entry, &f->fd, e) < 0)
		return -e->num;
	return ftruncate(f->fd, (off_t)f->entry.size) < 0
		       ? attrs_cannot(e, "set the size of", f->entry.path)
		       : 0;
}

static int open_file(struct span *s, const struct span_writer *w, struct err *e)
{
	struct span_file *f = malloc(sizeof(*f));
	int rc;

	if (!f)
		return err_oom(e);
	f->fd = -1;
	lean_init(&f->lean);
	rc = frame_decode(w->decoder, s->first, e);
	if (rc == 0)
		rc = read_head(f, s, w, e);
	if (rc == 0)
		rc = make_file(f, w, e);
	if (rc == 0)
		s->file = f;
	else
		file_free(f);
	return rc;
}

/* Opens it if nobody has; the first frame is then in the decoder. */
static int join(struct span *s, const struct span_writer *w, bool *ret_first, struct err *e)
{
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	*ret_first = !s->file;
	if (!s->file && s->failure.kind == ERR_NONE && open_file(s, w, e) < 0)
		s->failure = *e;
	if (!s->file)
		rc = -s->failure.num;
	if (rc < 0)
		*e = s->failure;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* The part of the content that the frame in the decoder has. */
static int write_part(const struct span *s, const struct span_writer *w, uint64_t plain,
	uint64_t at, struct err *e)
{
	const struct lean_content *c = &s->file->content;
	uint64_t from = at > c->at ? at : c->at;
	uint64_t to = at + plain < c->at + c->stored ? at + plain : c->at + c->stored;

	if (from >= to || s->file->fd < 0)
		return 0;
	return plant_write(s->file->fd, c, from - c->at, w->decoder->plain + (from - at),
		(size_t)(to - from), e);
}

static int leave(struct span *s, struct err *e)
{
	struct span_file *f = s->file;
	bool last;
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	last = --s->left == 0;
	pthread_mutex_unlock(&s->lock);
	if (!last || f->fd < 0)
		return 0;
	rc = attrs_set(f->fd, &f->entry, f->fresh, e);
	close(f->fd);
	f->fd = -1;
	return rc;
}

int span_frame(struct span *s, const struct span_writer *w, uint32_t k, uint64_t at,
	const struct entry **ret_entry, struct err *e)
{
	bool first_is_there;
	int rc = join(s, w, &first_is_there, e);

	if (rc == 0 && !(first_is_there && k == s->first))
		rc = frame_decode(w->decoder, k, e);
	if (rc == 0)
		rc = write_part(s, w, w->decoder->index->frame[k].plain, at, e);
	if (rc < 0)
		return rc;
	*ret_entry = k == s->first ? &s->file->entry : NULL;
	return leave(s, e);
}
