/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_pool.h"

#include "common/clock.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

/* For the memory of a context, which depends on level and size of frame. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define POLL_NSEC  (100 * NSEC_PER_MSEC) /* between looks at whether to go on */
#define PER_THREAD 2                     /* frames in flight */

enum state { EMPTY, WAITING, TAKEN, DONE };

struct slot {
	enum state state;
	uint8_t *plain, *packed;
	size_t len, packed_len;
	uint64_t xxh64;
	struct err err; /* kind none: it is compressed */
};

struct pack_pool {
	const struct pack_request *request;
	pack_write_fn *write;
	void *ctx;
	struct slot *slot; /* a ring */
	size_t packed_size;
	unsigned n_slots, n_threads;
	pthread_t *thread;
	uint64_t filled, written; /* frames so far; the caller's thread only */

	pthread_mutex_t lock; /* for all below, and the slots' states */
	pthread_cond_t waiting, done;
	uint64_t taken; /* frames */
	uint64_t bytes; /* compressed */
	bool stop;
};

/* Some of the frame is compressed; false: do not go on. */
static bool advance(struct pack_pool *p, size_t bytes)
{
	bool stop;

	pthread_mutex_lock(&p->lock);
	p->bytes += bytes;
	stop = p->stop;
	pthread_mutex_unlock(&p->lock);
	return !stop;
}

/* The whole frame is the window: of the same size for a reader, who has the frame in memory anyway,
 * and the block-wise compressor never has to wrap its copy of it, which costs size and time. */
static int window_log(uint64_t frame_size)
{
	int n = ZSTD_WINDOWLOG_MIN;

	while ((uint64_t)1 << n < frame_size)
		n++;
	return n;
}

static int cannot_compress(size_t code, struct err *e)
{
	if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
		return err_oom(e);
	return err_set(e, ERR_SYSTEM, EIO, "cannot compress: %s", ZSTD_getErrorName(code));
}

/* Block by block, so that a long frame can be given up. */
static int compress_with(struct pack_pool *p, ZSTD_CCtx *zstd, struct slot *s, struct err *e)
{
	ZSTD_outBuffer out = {.dst = s->packed, .size = p->packed_size};
	ZSTD_inBuffer in = {.src = s->plain};
	size_t code = ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, p->request->level);

	if (!ZSTD_isError(code))
		code = ZSTD_CCtx_setParameter(
			zstd, ZSTD_c_windowLog, window_log(p->request->frame_size));
	if (!ZSTD_isError(code))
		code = ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	if (!ZSTD_isError(code))
		code = ZSTD_CCtx_setPledgedSrcSize(zstd, s->len);
	while (!ZSTD_isError(code) && in.size < s->len) {
		size_t n = s->len - in.size;

		if (n > ZSTD_BLOCKSIZE_MAX)
			n = ZSTD_BLOCKSIZE_MAX;
		in.size += n;
		code = ZSTD_compressStream2(
			zstd, &out, &in, in.size < s->len ? ZSTD_e_continue : ZSTD_e_end);
		if (!advance(p, n))
			return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
	}
	if (ZSTD_isError(code))
		return cannot_compress(code, e);
	s->packed_len = out.pos;
	s->xxh64 = XXH64(s->plain, s->len, 0);
	return code == 0 ? 0 : err_set(e, ERR_BUG, EIO, "a frame was not compressed whole");
}

static void compress(struct pack_pool *p, struct slot *s)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	int rc = zstd ? compress_with(p, zstd, s, &s->err) : err_oom(&s->err);

	if (rc == 0)
		s->err.kind = ERR_NONE;
	ZSTD_freeCCtx(zstd);
}

/* The next frame that waits; NULL: stop. */
static struct slot *take(struct pack_pool *p)
{
	struct slot *s = NULL;

	pthread_mutex_lock(&p->lock);
	while (!p->stop && p->slot[p->taken % p->n_slots].state != WAITING)
		pthread_cond_wait(&p->waiting, &p->lock);
	if (!p->stop) {
		s = &p->slot[p->taken++ % p->n_slots];
		s->state = TAKEN;
	}
	pthread_mutex_unlock(&p->lock);
	return s;
}

static void *work(void *pool)
{
	struct pack_pool *p = pool;
	struct slot *s;

	while ((s = take(p))) {
		compress(p, s);
		pthread_mutex_lock(&p->lock);
		s->state = DONE;
		pthread_cond_signal(&p->done);
		pthread_mutex_unlock(&p->lock);
	}
	return NULL;
}

/* What one thread needs, its frames included. */
static uint64_t memory_of_thread(const struct pack_pool *p)
{
	const size_t frame = (size_t)p->request->frame_size;
	ZSTD_compressionParameters c = ZSTD_getCParams(p->request->level, frame, 0);

	c.windowLog = (unsigned)window_log(frame);
	return ZSTD_estimateCStreamSize_usingCParams(c) + PER_THREAD * (frame + p->packed_size);
}

unsigned pack_pool_threads(unsigned asked, uint64_t each, uint64_t memory)
{
	uint64_t fit = memory / each;

	if (fit > asked)
		fit = asked;
	return fit > 1 ? (unsigned)fit : 1;
}

static int open_slots(struct pack_pool *p, unsigned threads, struct err *e)
{
	p->n_slots = PER_THREAD * threads;
	p->slot = calloc(p->n_slots, sizeof(*p->slot));
	p->thread = calloc(threads, sizeof(*p->thread));
	if (!p->slot || !p->thread)
		return err_oom(e);
	for (unsigned i = 0; i < p->n_slots; i++) {
		p->slot[i].plain = malloc((size_t)p->request->frame_size);
		p->slot[i].packed = malloc(p->packed_size);
		if (!p->slot[i].plain || !p->slot[i].packed)
			return err_oom(e);
	}
	return 0;
}

/* Those that cannot be had are done without, but for the first. */
static int start_threads(struct pack_pool *p, unsigned threads, struct err *e)
{
	int rc = 0;

	while (p->n_threads < threads && rc == 0) {
		rc = pthread_create(&p->thread[p->n_threads], NULL, work, p);
		p->n_threads += rc == 0;
	}
	if (p->n_threads > 0)
		return 0;
	errno = rc;
	return err_errno(e, "cannot start a thread");
}

int pack_pool_open(const struct pack_request *r, pack_write_fn *write, void *ctx,
	struct pack_pool **ret, struct err *e)
{
	struct pack_pool *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;
	unsigned threads;

	if (!p)
		return err_oom(e);
	p->request = r;
	p->write = write;
	p->ctx = ctx;
	p->packed_size = ZSTD_compressBound((size_t)r->frame_size);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->waiting, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->done, &attr);
	pthread_condattr_destroy(&attr);
	threads = pack_pool_threads(r->threads, memory_of_thread(p), r->memory);
	if (open_slots(p, threads, e) < 0 || start_threads(p, threads, e) < 0) {
		pack_pool_close(p);
		return -e->num;
	}
	*ret = p;
	return 0;
}

uint8_t *pack_pool_buffer(struct pack_pool *p)
{
	return p->slot[p->filled % p->n_slots].plain;
}

static int poll_with(const struct pack_request *r, uint64_t done, struct err *e)
{
	if (r->progress)
		r->progress(done, r->ctx);
	return r->cancelled && r->cancelled(r->ctx)
		       ? err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted")
		       : 0;
}

int pack_pool_poll(struct pack_pool *p, struct err *e)
{
	uint64_t bytes;

	pthread_mutex_lock(&p->lock);
	bytes = p->bytes;
	pthread_mutex_unlock(&p->lock);
	return poll_with(p->request, bytes, e);
}

/* Waits with the lock held and is told of cancellation every now and then. */
static int wait_for(struct pack_pool *p, const struct slot *s, struct err *e)
{
	int rc = 0;

	while (s->state != DONE && rc == 0) {
		uint64_t until = clock_now() + POLL_NSEC;
		const struct timespec at = {
			.tv_sec = (time_t)(until / NSEC_PER_SEC),
			.tv_nsec = (long)(until % NSEC_PER_SEC),
		};
		uint64_t bytes;

		pthread_cond_timedwait(&p->done, &p->lock, &at);
		bytes = p->bytes;
		pthread_mutex_unlock(&p->lock);
		rc = poll_with(p->request, bytes, e);
		pthread_mutex_lock(&p->lock);
	}
	return rc;
}

static int write_oldest(struct pack_pool *p, struct err *e)
{
	struct slot *s = &p->slot[p->written % p->n_slots];
	int rc;

	pthread_mutex_lock(&p->lock);
	rc = wait_for(p, s, e);
	if (rc == 0)
		s->state = EMPTY;
	pthread_mutex_unlock(&p->lock);
	if (rc < 0)
		return rc;
	if (s->err.kind != ERR_NONE) {
		*e = s->err;
		return -e->num;
	}
	p->written++;
	return p->write(p->ctx,
		&(struct pack_packed){
			.data = s->packed,
			.len = s->packed_len,
			.plain = s->len,
			.xxh64 = s->xxh64,
		},
		e);
}

int pack_pool_submit(struct pack_pool *p, size_t len, struct err *e)
{
	struct slot *s = &p->slot[p->filled % p->n_slots];

	pthread_mutex_lock(&p->lock);
	s->len = len;
	s->state = WAITING;
	pthread_cond_signal(&p->waiting);
	pthread_mutex_unlock(&p->lock);
	p->filled++;
	return p->filled - p->written < p->n_slots ? 0 : write_oldest(p, e);
}

int pack_pool_drain(struct pack_pool *p, struct err *e)
{
	int rc = 0;

	while (rc == 0 && p->written < p->filled)
		rc = write_oldest(p, e);
	return rc;
}

void pack_pool_close(struct pack_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->waiting);
	pthread_mutex_unlock(&p->lock);
	while (p->n_threads > 0)
		pthread_join(p->thread[--p->n_threads], NULL);
	for (unsigned i = 0; p->slot && i < p->n_slots; i++) {
		free(p->slot[i].plain);
		free(p->slot[i].packed);
	}
	free(p->slot);
	free(p->thread);
	pthread_cond_destroy(&p->waiting);
	pthread_cond_destroy(&p->done);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
