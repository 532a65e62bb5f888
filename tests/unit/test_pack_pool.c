/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_pool.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <zstd.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define FRAMES 14

static const struct {
	unsigned asked;
	uint64_t each, memory;
	unsigned want;
} counts[] = {
	{1, 100, 1000, 1},
	{8, 100, 1000, 8},
	{10, 100, 1000, 10},
	{11, 100, 1000, 10},
	{512, 100, 1099, 10},
	{4, 1001, 1000, 1},
	{4, 100, 0, 1},
	{512, 1, UINT64_MAX, 512},
};

static void test_threads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		assert_int_equal(
			pack_pool_threads(counts[i].asked, counts[i].each, counts[i].memory),
			counts[i].want);
}

/* What the pool is told to do, and what came of it. */
struct run {
	struct buf out;
	unsigned written, fail_at, polls, cancel_at;
	uint64_t progress;
};

static int collect(void *ctx, const struct pack_packed *p, struct err *e)
{
	struct run *r = ctx;

	if (++r->written == r->fail_at)
		return err_set(e, ERR_SYSTEM, ENOSPC, "no space");
	if (ZSTD_getFrameContentSize(p->data, p->len) != p->plain)
		return err_set(e, ERR_BUG, EINVAL, "no size in the frame");
	return buf_add(&r->out, p->data, p->len);
}

static bool cancelled(void *ctx)
{
	struct run *r = ctx;

	return ++r->polls == r->cancel_at;
}

static void progress(uint64_t bytes, void *ctx)
{
	struct run *r = ctx;

	if (bytes < r->progress)
		fail_msg("progress goes backwards");
	r->progress = bytes;
}

/* Frames of different length and content, so that they end in another order. */
static int fill(struct pack_pool *p, unsigned frame, struct err *e)
{
	const size_t len = frame % 3 == 0 ? PACK_FRAME_MIN : PACK_FRAME_MIN / 7 * (frame % 7 + 1);
	uint8_t *to = pack_pool_buffer(p);
	uint32_t x = frame + 1;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		to[i] = (uint8_t)(x >> 24 & (frame % 2 ? 0x0f : 0xff));
	}
	return pack_pool_submit(p, len, e);
}

static int run_pool(struct run *r, unsigned threads, int level, struct err *e)
{
	const struct pack_request request = {
		.level = level,
		.frame_size = PACK_FRAME_MIN,
		.threads = threads,
		.memory = UINT64_MAX,
		.progress = progress,
		.cancelled = cancelled,
		.ctx = r,
	};
	struct pack_pool *p = NULL;
	int rc = pack_pool_open(&request, collect, r, &p, e);

	for (unsigned i = 0; i < FRAMES && rc == 0; i++) {
		rc = fill(p, i, e);
		if (rc == 0)
			rc = pack_pool_poll(p, e);
	}
	if (rc == 0)
		rc = pack_pool_drain(p, e);
	if (rc == 0)
		rc = pack_pool_poll(p, e);
	pack_pool_close(p);
	return rc;
}

/* Of each class of zstd's strategies. */
static void test_same_bytes(void **state)
{
	static const int level[] = {1, 3, 6, 9, 13, 19};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(level); i++) {
		struct run one = {.out = BUF_INIT(64 * MIB)};

		for (unsigned threads = 1; threads < 8; threads += 3) {
			struct run r = {.out = BUF_INIT(64 * MIB)};
			struct err e = ERR_INIT;

			assert_int_equal(run_pool(&r, threads, level[i], &e), 0);
			assert_int_equal(r.written, FRAMES);
			assert_true(r.progress > PACK_FRAME_MIN * FRAMES / 3);
			if (threads == 1) {
				one = r;
				continue;
			}
			assert_int_equal(r.out.len, one.out.len);
			assert_memory_equal(r.out.data, one.out.data, one.out.len);
			buf_free(&r.out);
		}
		buf_free(&one.out);
	}
}

static void test_failures(void **state)
{
	(void)state;
	for (unsigned at = 1; at <= FRAMES; at += 6) {
		struct run r = {.out = BUF_INIT(64 * MIB), .fail_at = at};
		struct err e = ERR_INIT;

		assert_int_equal(run_pool(&r, 3, 1, &e), -ENOSPC);
		assert_int_equal(r.written, at);
		buf_free(&r.out);
	}
	for (unsigned at = 1; at <= FRAMES; at += 6) {
		struct run r = {.out = BUF_INIT(64 * MIB), .cancel_at = at};
		struct err e = ERR_INIT;

		assert_int_equal(run_pool(&r, 3, 1, &e), -ECANCELED);
		assert_int_equal(e.kind, ERR_TRANSIENT);
		buf_free(&r.out);
	}
}

static double cpu_seconds(void)
{
	struct rusage r;

	assert_int_equal(getrusage(RUSAGE_SELF, &r), 0);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static bool has_begun(void *ctx)
{
	return ((struct run *)ctx)->progress > 0;
}

/* A frame that would take half a minute is given up. */
static void test_long_frame(void **state)
{
	struct run run = {.out = BUF_INIT(1)};
	const struct pack_request r = {
		.level = 22,
		.frame_size = 32 * MIB,
		.threads = 1,
		.memory = UINT64_MAX,
		.progress = progress,
		.cancelled = has_begun,
		.ctx = &run,
	};
	struct pack_pool *p = NULL;
	struct err e = ERR_INIT;
	uint32_t x = 1;
	double before;

	(void)state;
	assert_int_equal(pack_pool_open(&r, collect, &run, &p, &e), 0);
	for (size_t i = 0; i < 32 * MIB; i++) {
		x = x * 1664525 + 1013904223;
		pack_pool_buffer(p)[i] = (uint8_t)(x >> 28);
	}
	before = cpu_seconds();
	assert_int_equal(pack_pool_submit(p, 32 * MIB, &e), 0);
	assert_int_equal(pack_pool_submit(p, 1, &e), -ECANCELED);
	pack_pool_close(p);
	assert_int_equal(run.written, 0);
	assert_true(cpu_seconds() - before < 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_long_frame),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
