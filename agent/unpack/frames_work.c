/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/frames_private.h"

#include "agent/pack_header.h"
#include "agent/unpack/attrs.h"
#include "common/num.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes of the archive that are read before a thread wants them. */
#define AHEAD_WINDOW (4 * MIB)

static int lies(struct err *e, const char *what)
{
	return err_set(e, ERR_DATA, EBADMSG, "its index does not describe its tar: %s", what);
}

/* A directory of the index without the top that is stripped. */
static const char *stripped(const struct frames *f, uint32_t dir)
{
	const char *path = f->request->index->dir[dir].path;
	size_t len = f->rules.strip ? strlen(f->rules.strip) : 0;

	return path + len + (len > 0 && path[len] == '/');
}

/* Names rise, and the directory that an entry lies in has come before. */
static int check_order(struct frames_worker *w, const struct entry *n, struct err *e)
{
	const char *slash = strrchr(n->path, '/');
	const char *dir = w->next_dir > 0 ? stripped(w->all, w->next_dir - 1) : "";
	struct frames_result *r = &w->result;
	char quoted[ENTRY_QUOTE];

	if (r->entries > 0 && strcmp(w->last, n->path) == 0)
		return entry_refuse_twice(e, n->path);
	if (r->entries > 0 && archive_order(w->last, n->path) > 0)
		return err_set(e, ERR_DATA, EBADMSG, "%s is not in the order of our archives",
			entry_quote(n->path, quoted));
	if (slash && !archive_has_parent(dir, n->path, (size_t)(slash - n->path)))
		return lies(e, "it names not all directories");
	memcpy(w->last, n->path, strlen(n->path) + 1);
	r->entries++;
	return 0;
}

static int add_dir(struct frames_worker *w, uint32_t k, const struct entry *n, struct err *e)
{
	struct frames *f = w->all;
	const struct archive_index *i = f->request->index;
	int rc;

	if (w->next_dir >= i->n_dirs || i->dir[w->next_dir].frame != k ||
		strcmp(stripped(f, w->next_dir), n->path) != 0)
		return lies(e, "the directories are others");
	w->next_dir++;
	pthread_mutex_lock(&f->lock);
	rc = f->request->tree ? tree_set_dir(f->request->tree, n, e)
			      : outline_add(f->request->outline, n, e);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

static int note(struct frames *f, const struct entry *n, struct err *e)
{
	int rc;

	pthread_mutex_lock(&f->lock);
	rc = outline_add(f->request->outline, n, e);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

static int add_link(struct frames *f, const struct entry *n, struct err *e)
{
	int rc;

	if (archive_order(n->link, n->path) >= 0)
		return entry_refuse_target(e, n, false);
	pthread_mutex_lock(&f->lock);
	rc = links_add(&f->links, n, e);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

static void count_file(struct frames_result *r, uint64_t size)
{
	if (__builtin_add_overflow(r->bytes, size, &r->bytes))
		r->bytes = UINT64_MAX;
	if (size > r->largest)
		r->largest = size;
}

static int add_file(
	struct frames_worker *w, const struct entry *n, const struct lean_content *c, struct err *e)
{
	auto_close int fd = -1;
	int rc;

	if (n->size > w->all->request->max_bytes)
		return entry_refuse_more(e);
	count_file(&w->result, n->size);
	if (!w->all->request->tree)
		return note(w->all, n, e);
	rc = plant_file(&w->plant, n, &fd, e);
	if (rc == 0 && c->stored != n->size && ftruncate(fd, (off_t)n->size) < 0)
		rc = attrs_cannot(e, "set the size of", n->path);
	if (rc == 0)
		rc = plant_write(fd, c, 0, w->lean.data + c->at, (size_t)c->stored, e);
	return rc == 0 ? attrs_set(fd, n, w->plant.fresh, e) : rc;
}

static int add_entry(struct frames_worker *w, uint32_t k, const struct entry *n,
	const struct lean_content *c, struct err *e)
{
	switch (n->kind) {
	case ENTRY_DIR:
		return add_dir(w, k, n, e);
	case ENTRY_FILE:
		return add_file(w, n, c, e);
	case ENTRY_SYMLINK:
		return w->all->request->tree ? plant_symlink(&w->plant, n, e) : note(w->all, n, e);
	case ENTRY_HARDLINK:
		return add_link(w->all, n, e);
	default:
		return err_set(e, ERR_BUG, EINVAL, "an entry was not checked");
	}
}

static int no_end(struct err *e)
{
	return err_set(e, ERR_DATA, EBADMSG, "it is cut short: the tar has no end mark");
}

/* The end mark is in the last frame only, and nothing but zeros follows. */
static int check_end(const struct frames_worker *w, uint32_t k, struct err *e)
{
	const struct lean *l = &w->lean;
	const uint8_t *p = l->data + l->at;
	size_t left = l->len - l->at;

	if (k + 1 != w->all->request->index->n_frames)
		return err_set(e, ERR_DATA, EBADMSG, "its tar ends before its last frame");
	if (left < 2 * PACK_BLOCK)
		return no_end(e);
	if (p[0] != 0 || memcmp(p, p + 1, left - 1) != 0)
		return err_set(e, ERR_DATA, EBADMSG, "something follows the end mark of its tar");
	return 0;
}

static int add_entries(struct frames_worker *w, uint32_t k, struct err *e)
{
	struct frames *f = w->all;
	struct lean_content c;
	int rc = 1;

	lean_start(&w->lean, w->decoder.plain, f->request->index->frame[k].plain);
	while (rc > 0 && w->lean.at < w->lean.len) {
		rc = lean_next(&w->lean, &w->entry, &c, e);
		if (rc <= 0)
			break;
		if (lean_end(&c) > w->lean.len)
			return lies(e, "a file spans other frames");
		if (entry_check(&w->entry, &f->rules, e) < 0 || check_order(w, &w->entry, e) < 0)
			return -e->num;
		if (w->result.entries == 1 && !(f->seam[k].first = strdup(w->entry.path)))
			return err_oom(e);
		if (add_entry(w, k, &w->entry, &c, e) < 0)
			return -e->num;
		lean_skip(&w->lean, &c);
	}
	if (rc < 0)
		return rc;
	if (w->result.entries > 0 && !(f->seam[k].last = strdup(w->last)))
		return err_oom(e);
	if (rc == 0)
		return check_end(w, k, e);
	if (k + 1 == f->request->index->n_frames)
		return no_end(e);
	return 0;
}

static int add_part(struct frames_worker *w, uint32_t k, struct span *s, struct err *e)
{
	struct frames *f = w->all;
	const struct entry *n;
	int rc = span_frame(s,
		&(struct span_writer){
			.decoder = &w->decoder,
			.plant = f->request->tree ? &w->plant : NULL,
			.rules = &f->rules,
			.max_bytes = f->request->max_bytes,
		},
		k, f->plain[k] - f->plain[s->first], &n, e);

	if (rc < 0 || !n)
		return rc;
	rc = check_order(w, n, e);
	if (rc < 0)
		return rc;
	count_file(&w->result, n->size);
	f->seam[k].first = strdup(n->path);
	f->seam[k].last = strdup(n->path);
	if (!f->seam[k].first || !f->seam[k].last)
		return err_oom(e);
	return f->request->tree ? 0 : note(f, n, e);
}

static int do_frame(struct frames_worker *w, uint32_t k, struct err *e)
{
	struct frames *f = w->all;
	const struct archive_index *i = f->request->index;
	int rc;

	w->result = (struct frames_result){0};
	w->next_dir = f->first_dir[k];
	if (f->span_of[k] >= 0 && k + 1 == i->n_frames) {
		rc = no_end(e);
	} else if (f->span_of[k] >= 0) {
		rc = add_part(w, k, &f->span[f->span_of[k]], e);
	} else {
		rc = frame_decode(&w->decoder, k, e);
		if (rc == 0)
			rc = add_entries(w, k, e);
	}
	if (rc == 0 && w->next_dir < i->n_dirs && i->dir[w->next_dir].frame == k)
		rc = lies(e, "the directories are others");
	return rc;
}

/* Adds what the frame had to the whole. */
static int count_frame(struct frames_worker *w, uint32_t k, struct err *e)
{
	struct frames *f = w->all;
	const struct frames_request *r = f->request;
	struct frames_result *sum = &f->result;
	bool more;

	pthread_mutex_lock(&f->lock);
	sum->entries += w->result.entries;
	more = __builtin_add_overflow(sum->bytes, w->result.bytes, &sum->bytes) ||
	       sum->entries > r->max_entries || sum->bytes > r->max_bytes;
	if (w->result.largest > sum->largest)
		sum->largest = w->result.largest;
	f->packed += r->index->frame[k].packed;
	if (r->progress)
		r->progress(f->packed, r->ctx);
	pthread_mutex_unlock(&f->lock);
	return more ? entry_refuse_more(e) : 0;
}

static void fail(struct frames *f, uint32_t k, const struct err *e)
{
	pthread_mutex_lock(&f->lock);
	if (!f->failed || k < f->failed_frame) {
		f->failed = true;
		f->failed_frame = k;
		f->err = *e;
	}
	pthread_mutex_unlock(&f->lock);
}

/* The next run, unless somebody failed. */
static bool take_run(struct frames *f, struct frames_run *ret, uint32_t *ret_next)
{
	bool taken;

	pthread_mutex_lock(&f->lock);
	taken = !f->failed && f->next_run < f->n_runs;
	if (taken)
		*ret = f->run[f->next_run++];
	*ret_next = f->next_run;
	pthread_mutex_unlock(&f->lock);
	return taken;
}

static bool has_failed(struct frames *f, uint32_t k)
{
	bool failed;

	pthread_mutex_lock(&f->lock);
	failed = f->failed && f->failed_frame < k;
	pthread_mutex_unlock(&f->lock);
	return failed;
}

/* What this thread comes to next, and, near the end of its run, what the next thread begins with.
 */
static void look_ahead(
	const struct frames *f, const struct frames_run *run, uint32_t k, uint32_t next)
{
	const struct archive_frame *frame = f->request->index->frame;
	uint64_t left = AHEAD_WINDOW;

	for (k++; k < run->end && left > 0; k++) {
		ahead_want(f->ahead, frame[k].offset, frame[k].packed);
		left -= frame[k].packed < left ? frame[k].packed : left;
	}
	if (k < run->end || next >= f->n_runs)
		return;
	for (k = f->run[next].first; k < f->run[next].end && left > 0; k++) {
		ahead_want(f->ahead, frame[k].offset, frame[k].packed);
		left -= frame[k].packed < left ? frame[k].packed : left;
	}
}

void frames_work(struct frames_worker *w)
{
	struct frames *f = w->all;
	const struct frames_request *r = f->request;
	struct frames_run run;
	uint32_t next;

	while (take_run(f, &run, &next)) {
		for (uint32_t k = run.first; k < run.end && !has_failed(f, k); k++) {
			struct err e = ERR_INIT;
			int rc = 0;

			if (r->cancelled && r->cancelled(r->ctx))
				rc = err_set(&e, ERR_TRANSIENT, ECANCELED, "interrupted");
			look_ahead(f, &run, k, next);
			if (rc == 0)
				rc = do_frame(w, k, &e);
			if (rc == 0)
				rc = count_frame(w, k, &e);
			if (rc < 0) {
				fail(f, k, &e);
				return;
			}
		}
	}
}
