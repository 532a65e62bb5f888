/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/ahead.h"
#include "agent/unpack/source.h"
#include "agent/unpack/xz_parts.h"
#include "common/num.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define PLAIN  (3 * MIB)
#define BLOCK  (256 * KIB)
#define BLOCKS (PLAIN / BLOCK)
#define PRESET 0
#define LIMIT  60 /* seconds until a test that hangs is killed */

struct fixture {
	struct scratch *scratch;
	uint8_t *plain, *packed;
	size_t len; /* packed */
	int fd;
	unsigned left; /* calls until it is cancelled */
};

static void compress(struct fixture *f, uint64_t block)
{
	const lzma_mt how = {
		.threads = 1, .block_size = block, .preset = PRESET, .check = LZMA_CHECK_CRC32};
	lzma_stream s = LZMA_STREAM_INIT;

	assert_int_equal(lzma_stream_encoder_mt(&s, &how), LZMA_OK);
	s.next_in = f->plain;
	s.avail_in = PLAIN;
	s.next_out = f->packed + f->len;
	s.avail_out = 2 * PLAIN - f->len;
	assert_int_equal(lzma_code(&s, LZMA_FINISH), LZMA_STREAM_END);
	f->len = 2 * PLAIN - s.avail_out;
	lzma_end(&s);
}

static void store(struct fixture *f)
{
	assert_int_equal(ftruncate(f->fd, 0), 0);
	assert_int_equal(pwrite(f->fd, f->packed, f->len, 0), (ssize_t)f->len);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	uint64_t x = 1;

	if (!f || scratch_setup((void **)&f->scratch) < 0)
		return -1;
	f->plain = malloc(PLAIN);
	f->packed = malloc(2 * PLAIN);
	f->fd = openat(f->scratch->fd, "archive", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (!f->plain || !f->packed || f->fd < 0)
		return -1;
	for (size_t i = 0; i < PLAIN; i++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		f->plain[i] = (uint8_t)(x >> 60);
	}
	alarm(LIMIT);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *scratch = f->scratch;

	close(f->fd);
	free(f->plain);
	free(f->packed);
	free(f);
	return scratch_teardown(&scratch);
}

static bool is_cancelled(void *ctx)
{
	struct fixture *f = ctx;
	unsigned left = __atomic_load_n(&f->left, __ATOMIC_RELAXED);

	return left > 0 && __atomic_sub_fetch(&f->left, 1, __ATOMIC_RELAXED) == 0;
}

/* What it gives is the plain bytes, as often as they are in the archive; returns how many, or the
 * error. */
static ssize_t drain(struct fixture *f, unsigned threads, uint64_t memory, struct err *e)
{
	const struct source_request r = {.fd = f->fd, .params = {memory}, .threads = threads};
	struct source *s = NULL;
	const void *data;
	size_t done = 0;
	ssize_t n;

	if (source_open(&r, &s, e) < 0)
		return -e->num;
	source_allow(s, UINT64_MAX);
	while ((n = source_read(s, &data, e)) > 0) {
		size_t at = done % PLAIN, len = (size_t)n;
		size_t first = len < PLAIN - at ? len : PLAIN - at;

		assert_memory_equal(data, f->plain + at, first);
		assert_memory_equal((const uint8_t *)data + first, f->plain, len - first);
		done += len;
	}
	assert_int_equal(source_plain(s), done);
	source_close(s);
	return n < 0 ? n : (ssize_t)done;
}

static void expect_plain(struct fixture *f, size_t times)
{
	const unsigned threads[] = {1, 2, 5, 64};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(drain(f, threads[i], GIB, &e), times * PLAIN);
	assert_int_equal(drain(f, 8, 4 * MIB, &e), times * PLAIN);
}

static size_t count_parts(struct fixture *f, uint64_t memory)
{
	struct codec_file file = {.fd = f->fd, .size = f->len};
	struct codec_parts parts = {0};
	struct err e = ERR_INIT;
	uint64_t plain = 0;

	assert_int_equal(ahead_open(f->fd, &file.ahead, &e), 0);
	assert_int_equal(xz_parts_find(&file, &(struct codec_params){memory}, &parts, &e), 0);
	ahead_close(file.ahead);
	for (size_t i = 0; i < parts.n; i++)
		plain += parts.part[i].plain;
	assert_int_equal(plain % PLAIN, 0);
	assert_true(parts.n == 0 || (parts.largest == BLOCK && parts.memory > 64 * KIB));
	free(parts.part);
	return parts.n;
}

static void reads_one_block(void **state)
{
	struct fixture *f = *state;

	compress(f, PLAIN);
	store(f);
	assert_int_equal(count_parts(f, GIB), 0);
	expect_plain(f, 1);
}

static void reads_many_blocks(void **state)
{
	struct fixture *f = *state;

	compress(f, BLOCK);
	store(f);
	assert_int_equal(count_parts(f, GIB), BLOCKS);
	assert_int_equal(count_parts(f, 64 * KIB), 0);
	expect_plain(f, 1);
}

/* Streams, with padding between them and at the end. */
static void reads_many_streams(void **state)
{
	struct fixture *f = *state;

	compress(f, BLOCK);
	memset(f->packed + f->len, 0, 8);
	f->len += 8;
	compress(f, BLOCK);
	memset(f->packed + f->len, 0, 4);
	f->len += 4;
	store(f);
	assert_int_equal(count_parts(f, GIB), 2 * BLOCKS);
	expect_plain(f, 2);
}

static void expect_damaged(struct fixture *f, const char *say)
{
	struct err e = ERR_INIT;

	for (unsigned threads = 1; threads <= 4; threads++) {
		assert_int_equal(drain(f, threads, GIB, &e), -EBADMSG);
		assert_non_null(strstr(e.msg, say));
	}
}

static void finds_damage_in_any_block(void **state)
{
	struct fixture *f = *state;

	compress(f, BLOCK);
	for (size_t at = 100; at < f->len - 100; at += f->len / 7) {
		f->packed[at] ^= 0x40;
		store(f);
		f->packed[at] ^= 0x40;
		expect_damaged(f, "its xz data are damaged");
	}
}

static void finds_what_is_cut_off(void **state)
{
	struct fixture *f = *state;
	size_t whole;

	compress(f, BLOCK);
	whole = f->len;
	for (f->len = whole - 1; f->len > 100; f->len -= whole / 5) {
		store(f);
		assert_int_equal(count_parts(f, GIB), 0);
		expect_damaged(f, "it is cut short");
	}
}

/* The index, made right again as far as checksums go, says two other sizes of the same sum. */
static void does_not_trust_the_index(void **state)
{
	struct fixture *f = *state;
	uint8_t *footer, *index, *size[BLOCKS];
	size_t index_len, pos = 2;
	lzma_stream_flags flags;
	uint32_t crc;

	compress(f, BLOCK);
	footer = f->packed + f->len - LZMA_STREAM_HEADER_SIZE;
	assert_int_equal(lzma_stream_footer_decode(&flags, footer), LZMA_OK);
	index_len = (size_t)flags.backward_size;
	index = footer - index_len;
	for (size_t i = 0; i < BLOCKS; i++) {
		lzma_vli n;

		assert_int_equal(lzma_vli_decode(&n, NULL, index, &pos, index_len), LZMA_OK);
		size[i] = index + pos;
		assert_int_equal(lzma_vli_decode(&n, NULL, index, &pos, index_len), LZMA_OK);
		assert_int_equal(n, BLOCK);
	}
	*size[2] += 1;
	*size[5] += 1;
	crc = lzma_crc32(index, index_len - 4, 0);
	for (int i = 0; i < 4; i++)
		index[index_len - 4 + (size_t)i] = (uint8_t)(crc >> 8 * i);
	store(f);
	expect_damaged(f, "its xz data are damaged");
}

static void stops_early(void **state)
{
	struct fixture *f = *state;
	struct source_request r = {
		.fd = f->fd, .params = {GIB}, .threads = 3, .cancelled = is_cancelled, .ctx = f};
	struct source *s = NULL;
	struct err e = ERR_INIT;
	const void *data;
	ssize_t n;

	compress(f, BLOCK);
	store(f);
	assert_int_equal(source_open(&r, &s, &e), 0);
	source_close(s);
	assert_int_equal(source_open(&r, &s, &e), 0);
	source_allow(s, BLOCK);
	do {
		n = source_read(s, &data, &e);
	} while (n > 0);
	assert_int_equal(n, -E2BIG);
	source_close(s);
	f->left = 5;
	assert_int_equal(source_open(&r, &s, &e), 0);
	source_allow(s, UINT64_MAX);
	do {
		n = source_read(s, &data, &e);
	} while (n > 0);
	assert_int_equal(n, -ECANCELED);
	assert_int_equal(e.kind, ERR_TRANSIENT);
	source_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_one_block, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_many_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_many_streams, setup, teardown),
		cmocka_unit_test_setup_teardown(finds_damage_in_any_block, setup, teardown),
		cmocka_unit_test_setup_teardown(finds_what_is_cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(does_not_trust_the_index, setup, teardown),
		cmocka_unit_test_setup_teardown(stops_early, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
