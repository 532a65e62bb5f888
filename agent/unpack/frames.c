/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/frames_private.h"

#include "common/num.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Each thread takes its share of what is left in this many parts: large runs of frames first,
 * single ones at the end, so that all end together. */
#define PARTS 2

#define THREADS_MAX 1024

static int plan_tables(struct frames *f, struct err *e)
{
	const struct archive_index *i = f->request->index;
	uint64_t plain = 0;
	uint32_t dir = 0;

	f->plain = calloc(i->n_frames, sizeof(*f->plain));
	f->first_dir = calloc(i->n_frames, sizeof(*f->first_dir));
	f->span_of = calloc(i->n_frames, sizeof(*f->span_of));
	f->seam = calloc(i->n_frames, sizeof(*f->seam));
	f->run = calloc(i->n_frames, sizeof(*f->run));
	f->span = calloc((size_t)i->n_spans + 1, sizeof(*f->span));
	if (!f->plain || !f->first_dir || !f->span_of || !f->seam || !f->run || !f->span)
		return err_oom(e);
	for (uint32_t k = 0; k < i->n_frames; k++) {
		f->plain[k] = plain;
		plain += i->frame[k].plain;
		while (dir < i->n_dirs && i->dir[dir].frame < k)
			dir++;
		f->first_dir[k] = dir;
		f->span_of[k] = -1;
	}
	for (uint32_t s = 0; s < i->n_spans; s++) {
		span_init(&f->span[s], i, &i->span[s]);
		for (uint32_t k = 0; k < i->span[s].n; k++)
			f->span_of[i->span[s].first + k] = (int32_t)s;
	}
	return 0;
}

static void plan_runs(struct frames *f, unsigned threads)
{
	const uint32_t n = f->request->index->n_frames;

	for (uint32_t k = 0; k < n;) {
		uint32_t len = (n - k) / (PARTS * threads);
		uint32_t end = k + (len > 0 ? len : 1);

		f->run[f->n_runs++] = (struct frames_run){k, end};
		k = end;
	}
}

/* The tree's name is left out if the index begins with it; then all must lie in it. */
static int plan_strip(struct frames *f, struct err *e)
{
	const struct archive_index *i = f->request->index;
	const char *top = f->request->rules.strip;
	size_t len = top ? strlen(top) : 0;

	f->rules = f->request->rules;
	f->rules.strip = NULL;
	if (len == 0 || i->n_dirs == 0 || !archive_has_parent(i->dir[0].path, top, len))
		return 0;
	f->rules.strip = top;
	for (uint32_t k = 0; k < i->n_dirs; k++) {
		const char *path = i->dir[k].path;
		char quoted[ENTRY_QUOTE];

		if (strncmp(path, top, len) != 0 || (path[len] && path[len] != '/'))
			return err_set(e, ERR_DATA, EPERM,
				"%s lies beside the archive's top directory",
				entry_quote(path, quoted));
	}
	return 0;
}

static int make_dirs(struct frames *f, struct err *e)
{
	const struct archive_index *i = f->request->index;
	size_t len = f->rules.strip ? strlen(f->rules.strip) : 0;

	for (uint32_t k = 0; f->request->tree && k < i->n_dirs; k++) {
		const char *path = i->dir[k].path + len;

		path += len > 0 && *path == '/';
		if (*path && tree_make_dir(f->request->tree, path, e) < 0)
			return -e->num;
	}
	return 0;
}

/* What each frame begins with comes after what the one before ended with. */
static int check_seams(const struct frames *f, struct err *e)
{
	const char *last = NULL;
	char quoted[ENTRY_QUOTE];

	for (uint32_t k = 0; k < f->request->index->n_frames; k++) {
		const struct frames_seam *s = &f->seam[k];
		int order = last && s->first ? archive_order(last, s->first) : -1;

		if (order == 0)
			return entry_refuse_twice(e, s->first);
		if (order > 0)
			return err_set(e, ERR_DATA, EBADMSG,
				"%s is not in the order of our archives",
				entry_quote(s->first, quoted));
		if (s->last)
			last = s->last;
	}
	return 0;
}

static int add_link(void *ctx, const struct entry *n, struct err *e)
{
	const struct frames_request *r = ((struct frames *)ctx)->request;

	return r->tree ? tree_add(r->tree, n, e) : outline_add(r->outline, n, e);
}

static void worker_close(struct frames_worker *w)
{
	frame_decoder_close(&w->decoder);
	lean_free(&w->lean);
	if (w->all->request->tree)
		plant_free(&w->plant);
	free(w);
}

static struct frames_worker *worker_open(struct frames *f, struct err *e)
{
	struct frames_worker *w = malloc(sizeof(*w));

	if (!w || frame_decoder_open(&w->decoder, f->request->archive, f->request->index, e) < 0) {
		free(w);
		err_oom(e);
		return NULL;
	}
	w->all = f;
	lean_init(&w->lean);
	if (f->request->tree)
		plant_init(&w->plant, f->request->tree);
	return w;
}

static void *run_worker(void *worker)
{
	frames_work(worker);
	worker_close(worker);
	return NULL;
}

/* This thread works too; those that cannot be had are done without. */
static int run_threads(struct frames *f, unsigned threads, struct err *e)
{
	auto_free pthread_t *thread = calloc(threads, sizeof(*thread));
	struct frames_worker *mine = worker_open(f, e);
	struct err ignored = ERR_INIT;
	unsigned started = 0;

	if (!thread || !mine) {
		if (mine)
			worker_close(mine);
		return err_oom(e);
	}
	while (started + 1 < threads) {
		struct frames_worker *w = worker_open(f, &ignored);

		if (!w)
			break;
		if (pthread_create(&thread[started], NULL, run_worker, w) != 0) {
			worker_close(w);
			break;
		}
		started++;
	}
	run_worker(mine);
	while (started > 0)
		pthread_join(thread[--started], NULL);
	if (f->failed)
		*e = f->err;
	return f->failed ? -e->num : 0;
}

/* As memory and work allow. */
static int count_threads(const struct frames *f, unsigned *ret, struct err *e)
{
	const struct frames_request *r = f->request;
	uint64_t each = frame_decoder_memory(r->index);
	uint64_t n = r->threads < THREADS_MAX ? r->threads : THREADS_MAX;
	char limit[NUM_TEXT];

	if (each > r->memory)
		return err_set(e, ERR_DATA, ENOMEM,
			"its zst decoder asks for more than the allowed %s of memory",
			num_size_text(r->memory, limit));
	if (n > r->memory / each)
		n = r->memory / each;
	if (n > r->index->n_frames)
		n = r->index->n_frames;
	*ret = (unsigned)n;
	return 0;
}

static void frames_free(struct frames *f)
{
	const struct archive_index *i = f->request->index;

	for (uint32_t s = 0; f->span && s < i->n_spans; s++)
		span_free(&f->span[s]);
	for (uint32_t k = 0; f->seam && k < i->n_frames; k++) {
		free(f->seam[k].first);
		free(f->seam[k].last);
	}
	free(f->plain);
	free(f->first_dir);
	free(f->span_of);
	free(f->seam);
	free(f->run);
	free(f->span);
	links_free(&f->links);
	ahead_close(f->ahead);
	pthread_mutex_destroy(&f->lock);
}

int frames_unpack(const struct frames_request *r, struct frames_result *ret, struct err *e)
{
	__attribute__((cleanup(frames_free))) struct frames f = {
		.request = r,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	unsigned threads = 1;
	int rc;

	links_init(&f.links);
	rc = plan_tables(&f, e);
	if (rc == 0)
		rc = plan_strip(&f, e);
	if (rc == 0)
		rc = count_threads(&f, &threads, e);
	if (rc == 0)
		rc = ahead_open(r->archive, &f.ahead, e);
	if (rc < 0)
		return rc;
	plan_runs(&f, threads);
	rc = make_dirs(&f, e);
	if (rc == 0)
		rc = run_threads(&f, threads, e);
	if (rc == 0)
		rc = check_seams(&f, e);
	if (rc == 0)
		rc = links_each(&f.links, add_link, &f, e);
	if (rc == 0 && f.result.entries == 0)
		rc = err_set(e, ERR_DATA, EBADMSG, "it holds nothing");
	if (rc == 0)
		*ret = f.result;
	return rc;
}
