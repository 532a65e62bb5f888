/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/ahead.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define CHUNKS 200

/* What the reader beneath saw; it is not told whose call it is. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t change;
	bool cold;        /* nothing is in the page cache */
	int nowait_errno; /* how it says so */
	unsigned hold;    /* reads wait until so many are in flight */
	unsigned flying, most, done;
	unsigned of[CHUNKS];
} seen;

static void wait_change(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += 30;
	if (pthread_cond_timedwait(&seen.change, &seen.lock, &t) != 0)
		abort();
}

static ssize_t fake_read(int fd, const struct iovec *v, int n, off_t offset, int flags)
{
	size_t chunk = (size_t)offset / AHEAD_CHUNK, len = 0;

	(void)fd;
	if (flags & RWF_NOWAIT) {
		errno = seen.nowait_errno;
		return seen.cold ? -1 : 1;
	}
	for (int i = 0; i < n; i++)
		len += v[i].iov_len;
	pthread_mutex_lock(&seen.lock);
	seen.of[chunk]++;
	if (++seen.flying > seen.most)
		seen.most = seen.flying;
	pthread_cond_broadcast(&seen.change);
	while (seen.most < seen.hold)
		wait_change();
	seen.flying--;
	seen.done++;
	pthread_cond_broadcast(&seen.change);
	pthread_mutex_unlock(&seen.lock);
	return len == AHEAD_CHUNK ? (ssize_t)len : -1;
}

static void wait_done(unsigned n)
{
	pthread_mutex_lock(&seen.lock);
	while (seen.done < n)
		wait_change();
	pthread_mutex_unlock(&seen.lock);
}

static int setup(void **state)
{
	struct scratch *t;

	memset(&seen, 0, sizeof(seen));
	pthread_mutex_init(&seen.lock, NULL);
	pthread_cond_init(&seen.change, NULL);
	seen.nowait_errno = EAGAIN;
	if (scratch_setup(state) < 0)
		return -1;
	t = *state;
	scratch_write(t, "archive", "");
	return 0;
}

static struct ahead *opened(struct scratch *t, int *fd, uint64_t size)
{
	struct err e = ERR_INIT;
	struct ahead *a = NULL;

	*fd = openat(t->fd, "archive", O_RDWR | O_CLOEXEC);
	assert_true(*fd >= 0);
	assert_int_equal(ftruncate(*fd, (off_t)size), 0);
	assert_int_equal(ahead_open_with(*fd, fake_read, &a, &e), 0);
	return a;
}

static void starts_nothing_where_all_is_cached(void **state)
{
	auto_close int fd = -1;
	struct ahead *a = opened(*state, &fd, (uint64_t)CHUNKS * AHEAD_CHUNK);

	ahead_want(a, 0, UINT64_MAX);
	ahead_close(a);
	assert_int_equal(seen.most, 0);
}

static void has_many_reads_in_flight(void **state)
{
	auto_close int fd = -1;
	struct ahead *a = opened(*state, &fd, (uint64_t)CHUNKS * AHEAD_CHUNK);

	seen.cold = true;
	seen.hold = AHEAD_READS;
	ahead_want(a, 0, (uint64_t)CHUNKS * AHEAD_CHUNK);
	wait_done(CHUNKS);
	ahead_close(a);
	assert_int_equal(seen.most, AHEAD_READS);
	for (size_t i = 0; i < CHUNKS; i++)
		assert_int_equal(seen.of[i], 1);
}

static void reads_nothing_twice(void **state)
{
	auto_close int fd = -1;
	struct ahead *a = opened(*state, &fd, (uint64_t)CHUNKS * AHEAD_CHUNK);

	/* As a file system may say that cannot tell: taken for cold. */
	seen.nowait_errno = EOPNOTSUPP;
	seen.cold = true;
	for (uint64_t at = 0; at < 100ULL * AHEAD_CHUNK; at += 10000)
		ahead_want(a, at, 64 * AHEAD_CHUNK);
	wait_done(164);
	ahead_close(a);
	for (size_t i = 0; i < CHUNKS; i++)
		assert_int_equal(seen.of[i], i < 164 ? 1 : 0);
}

static void stays_within_the_file(void **state)
{
	auto_close int fd = -1;
	struct ahead *a = opened(*state, &fd, 3ULL * AHEAD_CHUNK + 1);

	seen.cold = true;
	ahead_want(a, AHEAD_CHUNK + 5, UINT64_MAX);
	ahead_want(a, UINT64_MAX, UINT64_MAX);
	ahead_want(a, 0, 0);
	wait_done(3);
	ahead_close(a);
	assert_int_equal(seen.done, 3);
	assert_int_equal(seen.of[0], 0);
	assert_int_equal(seen.of[3], 1);
}

static void closes_with_a_full_queue(void **state)
{
	auto_close int fd = -1;
	struct err e = ERR_INIT;
	struct ahead *a = opened(*state, &fd, 4096ULL * AHEAD_CHUNK);

	/* The real reader, on a file of which the page cache holds nothing: a hole. */
	ahead_close(a);
	assert_int_equal(ahead_open(fd, &a, &e), 0);
	for (uint64_t i = 0; i < 4096; i++)
		ahead_want(a, i * AHEAD_CHUNK, AHEAD_CHUNK);
	ahead_close(a);
	ahead_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			starts_nothing_where_all_is_cached, setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(has_many_reads_in_flight, setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(reads_nothing_twice, setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(stays_within_the_file, setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(closes_with_a_full_queue, setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
