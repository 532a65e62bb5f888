/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/retention.h"

#include "agent/rundir.h"
#include "common/fs.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

/* So many are considered at a time: the oldest. */
#define BATCH 2048

struct old {
	uint64_t ended; /* ns since the epoch: the change of the folder, whose last file is the
			 * result */
	int folder;
	char id[SPOOL_ID];
};

struct listing {
	struct old old[BATCH];
	size_t n;
	struct old bound; /* when bounded: none that ended after it is considered */
	bool bounded;
	int folder;
	uint64_t jobs;
};

static int count(const char *id, void *ctx)
{
	struct retention *r = ctx;

	(void)id;
	r->jobs++;
	return 0;
}

int retention_open(struct retention *r, struct err *e)
{
	struct statvfs fs;
	int rc;

	r->jobs = 0;
	rc = spool_each(r->spool->done, count, r, e);
	if (rc == 0)
		rc = spool_each(r->spool->failed, count, r, e);
	if (rc < 0)
		return rc;
	if (fstatvfs(r->spool->fd, &fs) < 0)
		return err_errno(e, "cannot tell the size of the spool");
	r->size = (uint64_t)fs.f_blocks * fs.f_frsize;
	r->bytes = rundir_size(r->spool->done) + rundir_size(r->spool->failed);
	return 0;
}

void retention_add(struct retention *r, uint64_t bytes)
{
	r->jobs++;
	r->bytes += bytes;
}

static uint64_t max_bytes(const struct retention *r)
{
	uint64_t share = r->keep->percent ? r->size / 100 * r->keep->percent : UINT64_MAX;
	uint64_t bytes = r->keep->bytes ? r->keep->bytes : UINT64_MAX;

	return share < bytes ? share : bytes;
}

bool retention_is_due(const struct retention *r)
{
	uint64_t jobs = r->keep->jobs, bytes = max_bytes(r);

	return (jobs != UINT64_MAX && r->jobs > jobs + jobs / 10) ||
	       (bytes != UINT64_MAX && r->bytes > bytes + bytes / 10);
}

static int by_age(const void *a, const void *b)
{
	const struct old *x = a, *y = b;

	if (x->ended != y->ended)
		return x->ended < y->ended ? -1 : 1;
	return strcmp(x->id, y->id);
}

/* Full: the older half stays. */
static void make_room(struct listing *l)
{
	qsort(l->old, l->n, sizeof(l->old[0]), by_age);
	l->n = BATCH / 2;
	l->bound = l->old[l->n - 1];
	l->bounded = true;
}

static int list_one(const char *id, void *ctx)
{
	struct listing *l = ctx;
	struct old o = {.folder = l->folder};
	struct stat st;

	if (strlen(id) >= SPOOL_ID || fstatat(l->folder, id, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	l->jobs++;
	o.ended = (uint64_t)st.st_mtim.tv_sec * NSEC_PER_SEC + (uint64_t)st.st_mtim.tv_nsec;
	snprintf(o.id, sizeof(o.id), "%s", id);
	if (l->n == BATCH)
		make_room(l);
	if (!l->bounded || by_age(&o, &l->bound) <= 0)
		l->old[l->n++] = o;
	return 0;
}

/* The lock of a job that goes must not go before what could be run again. */
static int remove_one(struct retention *r, const struct old *o, struct err *e)
{
	auto_close int dir = -1;
	uint64_t bytes;
	int rc;

	if (r->before && r->before(o->folder, o->id, r->ctx) < 0)
		return 0;
	rc = rundir_open(o->folder, o->id, &dir, e);
	if (rc == -ENOENT)
		return 0;
	bytes = rc == 0 ? rundir_size(dir) : 0;
	if (rc == 0 && unlinkat(dir, "submitted", 0) < 0 && errno != ENOENT && errno != EISDIR)
		return err_errno(e, "cannot remove '%s'", o->id);
	rc = fs_remove_tree(o->folder, o->id, e);
	if (rc < 0)
		return rc;
	r->jobs -= r->jobs > 0;
	r->bytes -= bytes < r->bytes ? bytes : r->bytes;
	return 0;
}

static bool is_too_much(const struct retention *r, const struct old *o, bool last, uint64_t now)
{
	uint64_t age = r->keep->age;

	return (!last && (r->jobs > r->keep->jobs || r->bytes > max_bytes(r))) ||
	       (age && now > o->ended && now - o->ended > age);
}

int retention_enforce(struct retention *r, struct err *e)
{
	auto_free struct listing *l = calloc(1, sizeof(*l));
	struct timespec t;
	uint64_t now;
	int rc = 0;

	if (!l)
		return err_oom(e);
	clock_gettime(CLOCK_REALTIME, &t);
	now = (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
	const int folder[] = {r->spool->done, r->spool->failed};
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(folder); i++) {
		l->folder = folder[i];
		rc = spool_each(folder[i], list_one, l, e);
	}
	if (rc < 0)
		return rc;
	r->jobs = l->jobs;
	qsort(l->old, l->n, sizeof(l->old[0]), by_age);
	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		if (!is_too_much(r, &l->old[i], l->n == l->jobs && i + 1 == l->n, now))
			break;
		rc = remove_one(r, &l->old[i], e);
	}
	return rc;
}
