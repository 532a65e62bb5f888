/* SPDX-License-Identifier: Apache-2.0 */
#include "common/auto.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/num.h"
#include "controller/aws/sts.h"
#include "controller/image/ebs_upload_private.h"

#include <errno.h>
#include <string.h>

#define SPACING    (NSEC_PER_SEC / 1000) /* the service takes so many a second of a snapshot */
#define BLOCK_TIME (300 * NSEC_PER_SEC)
#define NEW_TIME   (120 * NSEC_PER_SEC) /* in which a new snapshot may not be known everywhere */
#define NEW_PAUSE  (1 * NSEC_PER_SEC)
#define LANES_MAX  64

/* Keys and tries of its own: those of a client are for one thread. */
struct lane {
	struct upload *up;
	struct credentials_sts sts;
	struct credentials_source source;
	struct credentials_cache cache;
	struct call_client client;
	uint8_t *data;
	pthread_t thread;
};

/* --- which */

static bool is_zero_there(const struct upload *up, uint64_t block)
{
	const struct ebs_index_block *b = &up->index.block[block];

	return !b->known || memcmp(b->digest, up->zero, DIGEST_SIZE) == 0;
}

/* Where the image has data again, as a block; all blocks where that cannot be told. */
static uint64_t next_data(const struct upload *up, uint64_t block)
{
	off_t at = lseek(up->fd, (off_t)(block * EBS_BLOCK), SEEK_DATA);

	if (at >= 0)
		return (uint64_t)at / EBS_BLOCK;
	return errno == ENXIO ? up->index.n : block;
}

bool upload_next(struct upload *up, struct upload_block *ret)
{
	uint64_t data = up->next < up->index.n ? next_data(up, up->next) : up->index.n;

	/* In a hole counts what the snapshot holds there. */
	while (up->next < data && up->next < up->index.n && is_zero_there(up, up->next))
		up->next++;
	if (up->next >= up->index.n)
		return false;
	*ret = (struct upload_block){up->next, up->next < data};
	up->next++;
	return true;
}

/* --- one block */

static int read_block(const struct lane *l, uint64_t block, struct err *e)
{
	size_t have = 0;

	while (have < EBS_BLOCK) {
		ssize_t n = pread(l->up->fd, l->data + have, EBS_BLOCK - have,
			(off_t)(block * EBS_BLOCK + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "cannot read '%s'", l->up->u->path);
		if (n == 0)
			break;
		have += (size_t)n;
	}
	memset(l->data + have, 0, EBS_BLOCK - have);
	return 0;
}

static void digest_block(const struct lane *l, uint8_t out[static DIGEST_SIZE])
{
	struct digest d;

	if (l->data[0] == 0 && memcmp(l->data, l->data + 1, EBS_BLOCK - 1) == 0) {
		memcpy(out, l->up->zero, DIGEST_SIZE);
		return;
	}
	digest_start(&d);
	digest_add(&d, l->data, EBS_BLOCK);
	digest_end_bytes(&d, out);
}

static void wait_for_slot(struct upload *up)
{
	uint64_t now, slot;

	pthread_mutex_lock(&up->lock);
	now = clock_now();
	slot = up->slot > now ? up->slot : now;
	up->slot = slot + SPACING;
	pthread_mutex_unlock(&up->lock);
	if (slot > now)
		clock_sleep(slot - now, up->u->deadline);
}

static bool is_stopped(struct upload *up)
{
	bool stop;

	pthread_mutex_lock(&up->lock);
	stop = up->stop;
	pthread_mutex_unlock(&up->lock);
	return stop || cancel_requested() || clock_left(up->u->deadline) == 0;
}

static bool may_be_too_new(const struct lane *l)
{
	return strcmp(l->client.fault.code, "ResourceNotFoundException") == 0 && l->up->started &&
	       clock_now() - l->up->started < NEW_TIME;
}

static int put_block(struct lane *l, uint64_t block, const uint8_t *digest, struct err *e)
{
	uint64_t limit = clock_deadline(BLOCK_TIME);
	const struct ebs_block b = {
		.snapshot = l->up->index.snapshot,
		.index = block,
		.data = l->data,
		.digest = digest,
		.deadline = l->up->u->deadline < limit ? l->up->u->deadline : limit,
	};
	int rc;

	for (;;) {
		wait_for_slot(l->up);
		rc = ebs_put(&l->client, &b, e);
		if (rc >= 0 || !may_be_too_new(l) || is_stopped(l->up))
			return rc;
		*e = (struct err)ERR_INIT;
		clock_sleep(NEW_PAUSE / 4 + clock_jitter(NEW_PAUSE), b.deadline);
	}
}

static int do_block(struct lane *l, const struct upload_block *b, struct err *e)
{
	struct upload *up = l->up;
	const struct ebs_index_block *known = &up->index.block[b->index];
	uint8_t digest[DIGEST_SIZE];
	bool same;
	int rc = 0;

	if (b->is_hole)
		memset(l->data, 0, EBS_BLOCK);
	else if ((rc = read_block(l, b->index, e)) < 0)
		return rc;
	digest_block(l, digest);
	/* Nobody else has this block. */
	same = memcmp(known->known ? known->digest : up->zero, digest, DIGEST_SIZE) == 0;
	if (!same && (rc = put_block(l, b->index, digest, e)) < 0)
		return rc;
	pthread_mutex_lock(&up->lock);
	if (!same)
		rc = ebs_index_note(&up->index, b->index, digest, e);
	up->sent += !same;
	up->looked++;
	pthread_cond_signal(&up->moved);
	pthread_mutex_unlock(&up->lock);
	return rc;
}

/* --- all */

static bool take_next(struct upload *up, struct upload_block *ret)
{
	bool there;

	pthread_mutex_lock(&up->lock);
	there = upload_next(up, ret);
	pthread_mutex_unlock(&up->lock);
	return there;
}

static void *run_lane(void *arg)
{
	struct lane *l = arg;
	struct upload *up = l->up;
	struct err e = ERR_INIT;
	struct upload_block b;
	int rc = 0;

	while (rc == 0 && !is_stopped(up) && take_next(up, &b))
		rc = do_block(l, &b, &e);
	pthread_mutex_lock(&up->lock);
	if (rc < 0 && up->failed.kind == ERR_NONE)
		up->failed = e;
	up->stop |= rc < 0;
	up->running--;
	pthread_cond_signal(&up->moved);
	pthread_mutex_unlock(&up->lock);
	return NULL;
}

static int start_lane(struct upload *up, struct lane *l, struct err *e)
{
	const struct call_client *like = up->u->client;
	const struct credentials_source *source = like->credentials->source;
	int rc;

	*l = (struct lane){
		.up = up,
		.sts = {sts_assume, &l->client},
		.source = {source->env, source->profiles, source->chosen, &l->sts},
		.cache = {.source = &l->source},
		.client = {.env = like->env,
			.profiles = like->profiles,
			.region = like->region,
			.credentials = &l->cache,
			.budget = CALL_BUDGET,
			.skew = like->skew,
			.observe = like->observe,
			.observer = like->observer},
		.data = malloc(EBS_BLOCK),
	};
	if (!l->data)
		return err_oom(e);
	pthread_mutex_lock(&up->lock);
	up->running++;
	pthread_mutex_unlock(&up->lock);
	rc = pthread_create(&l->thread, NULL, run_lane, l);
	if (rc == 0)
		return 0;
	pthread_mutex_lock(&up->lock);
	up->running--;
	pthread_mutex_unlock(&up->lock);
	free(l->data);
	return err_set(e, ERR_SYSTEM, rc, "no thread for a block: %s", strerror(rc));
}

static void free_lane(struct lane *l)
{
	pthread_join(l->thread, NULL);
	credentials_free(&l->cache.current);
	free(l->data);
}

/* How many blocks have to be looked at. */
static uint64_t count_blocks(struct upload *up)
{
	struct upload_block b;
	uint64_t n = 0;

	for (up->next = 0; upload_next(up, &b);)
		n++;
	up->next = 0;
	return n;
}

/* Until the lanes have ended. */
static void watch(struct upload *up, uint64_t total)
{
	bool running = true;

	while (running) {
		uint64_t done;

		pthread_mutex_lock(&up->lock);
		if (up->running > 0)
			pthread_cond_wait(&up->moved, &up->lock);
		running = up->running > 0;
		done = up->looked;
		pthread_mutex_unlock(&up->lock);
		if (up->u->progress)
			up->u->progress(up->u->ctx, done * EBS_BLOCK, total * EBS_BLOCK);
	}
}

static int outcome(const struct upload *up, uint64_t total, struct err *e)
{
	if (up->failed.kind != ERR_NONE) {
		*e = up->failed;
		return -e->num;
	}
	if (up->looked == total)
		return 0;
	if (cancel_requested())
		return err_set(e, ERR_TRANSIENT, ECANCELED,
			"interrupted: the same command goes on with '%s'", up->u->path);
	return err_set(e, ERR_TRANSIENT, ETIMEDOUT,
		"'%s' is not sent in the time given: the same command goes on", up->u->path);
}

int upload_send(struct upload *up, struct err *e)
{
	unsigned wanted = up->u->lanes ? up->u->lanes : EBS_UPLOAD_LANES, n = 0;
	uint64_t total = count_blocks(up);
	struct lane lanes[LANES_MAX];
	int rc = 0;

	/* Those that could start do the work of all. */
	while (n < wanted && n < LANES_MAX && rc == 0) {
		rc = start_lane(up, &lanes[n], e);
		n += rc == 0;
	}
	if (n == 0)
		return rc;
	*e = (struct err)ERR_INIT;
	watch(up, total);
	for (unsigned i = 0; i < n; i++)
		free_lane(&lanes[i]);
	return outcome(up, total, e);
}
