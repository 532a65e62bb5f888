/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>

#define STACK_SIZE (64U * 1024)
#define QUEUE      1024U
/* A chunk is remembered until another one with the same remainder is asked for. */
#define MEMORY     4096U
#define PAGE       4096U
#define PAGES      (AHEAD_CHUNK / PAGE)

struct ahead {
	int fd;
	ahead_read_fn read;
	uint64_t chunks; /* of the file */
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	uint64_t asked[MEMORY]; /* a chunk's number plus one */
	uint64_t queue[QUEUE];  /* len chunks from first */
	unsigned first, len;
	unsigned threads, idle;
	bool no_more; /* threads can be made */
	bool closing;
	pthread_t thread[AHEAD_READS];
};

/* Into one page that nobody looks at: it is the page cache that is to be filled. */
static void fetch(struct ahead *a, uint64_t chunk)
{
	char page[PAGE];
	struct iovec v[PAGES];
	ssize_t n;

	for (size_t i = 0; i < PAGES; i++)
		v[i] = (struct iovec){page, sizeof(page)};
	do {
		n = a->read(a->fd, v, PAGES, (off_t)(chunk * AHEAD_CHUNK), 0);
	} while (n < 0 && errno == EINTR);
}

static void *work(void *arg)
{
	struct ahead *a = arg;

	pthread_mutex_lock(&a->lock);
	while (!a->closing) {
		uint64_t chunk;

		if (a->len == 0) {
			a->idle++;
			pthread_cond_wait(&a->wanted, &a->lock);
			a->idle--;
			continue;
		}
		chunk = a->queue[a->first];
		a->first = (a->first + 1) % QUEUE;
		a->len--;
		pthread_mutex_unlock(&a->lock);
		fetch(a, chunk);
		pthread_mutex_lock(&a->lock);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

static void add_thread(struct ahead *a)
{
	size_t least = (size_t)PTHREAD_STACK_MIN;
	pthread_attr_t attr;
	int rc = pthread_attr_init(&attr);

	if (rc == 0) {
		rc = pthread_attr_setstacksize(&attr, least > STACK_SIZE ? least : STACK_SIZE);
		if (rc == 0)
			rc = pthread_create(&a->thread[a->threads], &attr, work, a);
		pthread_attr_destroy(&attr);
	}
	if (rc == 0)
		a->threads++;
	else
		a->no_more = true;
}

static bool is_present_at(const struct ahead *a, uint64_t offset)
{
	char byte;
	struct iovec v = {&byte, 1};

	return a->read(a->fd, &v, 1, (off_t)offset, RWF_NOWAIT) >= 0;
}

/* The first byte and the last stand for all: what fills the page cache fills it in a row. */
static bool is_present(const struct ahead *a, uint64_t chunk)
{
	uint64_t offset = chunk * AHEAD_CHUNK;

	return is_present_at(a, offset) && is_present_at(a, offset + AHEAD_CHUNK - 1);
}

/* The lock is held. */
static void push(struct ahead *a, uint64_t chunk)
{
	if (a->len < QUEUE) {
		a->queue[(a->first + a->len++) % QUEUE] = chunk;
		if (a->idle < a->len && a->threads < AHEAD_READS && !a->no_more)
			add_thread(a);
		if (a->threads > 0) {
			pthread_cond_signal(&a->wanted);
			return;
		}
		a->len = 0;
		posix_fadvise(
			a->fd, (off_t)(chunk * AHEAD_CHUNK), AHEAD_CHUNK, POSIX_FADV_WILLNEED);
		return;
	}
	a->asked[chunk % MEMORY] = 0;
}

static void want_chunk(struct ahead *a, uint64_t chunk)
{
	bool known;

	pthread_mutex_lock(&a->lock);
	known = a->asked[chunk % MEMORY] == chunk + 1;
	a->asked[chunk % MEMORY] = chunk + 1;
	pthread_mutex_unlock(&a->lock);
	if (known || is_present(a, chunk))
		return;
	pthread_mutex_lock(&a->lock);
	push(a, chunk);
	pthread_mutex_unlock(&a->lock);
}

void ahead_want(struct ahead *a, uint64_t offset, uint64_t len)
{
	uint64_t chunk = offset / AHEAD_CHUNK, end;

	if (__builtin_add_overflow(offset, len, &end))
		end = UINT64_MAX;
	end = end / AHEAD_CHUNK + (end % AHEAD_CHUNK > 0);
	if (end > a->chunks)
		end = a->chunks;
	for (uint64_t n = 0; chunk < end && n < QUEUE; chunk++, n++)
		want_chunk(a, chunk);
}

int ahead_open_with(int fd, ahead_read_fn read, struct ahead **ret, struct err *e)
{
	struct ahead *a;
	struct stat st;
	uint64_t size = INT64_MAX;

	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot examine the archive");
	if (S_ISREG(st.st_mode))
		size = (uint64_t)st.st_size;
	a = calloc(1, sizeof(*a));
	if (!a)
		return err_oom(e);
	a->fd = fd;
	a->read = read;
	a->chunks = size / AHEAD_CHUNK + (size % AHEAD_CHUNK > 0);
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->wanted, NULL);
	*ret = a;
	return 0;
}

int ahead_open(int fd, struct ahead **ret, struct err *e)
{
	return ahead_open_with(fd, preadv2, ret, e);
}

void ahead_close(struct ahead *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->closing = true;
	pthread_cond_broadcast(&a->wanted);
	pthread_mutex_unlock(&a->lock);
	for (unsigned i = 0; i < a->threads; i++)
		pthread_join(a->thread[i], NULL);
	pthread_cond_destroy(&a->wanted);
	pthread_mutex_destroy(&a->lock);
	free(a);
}
