/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_header.h"
#include "agent/pack_map.h"
#include "common/num.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define K 1024ULL

/* Files whose data is ones, else zeros; {0, 0} ends a list. */
static const struct {
	const char *name;
	uint64_t size;
	struct pack_extent data[4], want[4];
	bool sparse;
} files[] = {
	{"empty", 0, {{0, 0}}, {{0, 0}}, false},
	{"one byte", 1, {{0, 1}}, {{0, 1}}, false},
	{"zeros, too few", 64 * K - 1, {{0, 0}}, {{0, 64 * K - 1}}, false},
	{"zeros, enough", 64 * K, {{0, 0}}, {{0, 0}}, true},
	{"no zeros", 300 * K, {{0, 300 * K}}, {{0, 300 * K}}, false},
	{"a hole inside", 72 * K, {{0, 4 * K}, {68 * K, 4 * K}}, {{0, 4 * K}, {68 * K, 4 * K}},
		true},
	{"a hole too small", 68 * K, {{0, 4 * K}, {64 * K, 4 * K}}, {{0, 68 * K}}, false},
	{"a hole not aligned", 70 * K, {{0, 1}, {65 * K, 1}}, {{0, 70 * K}}, false},
	{"a hole from the next block", 72 * K, {{0, 1}, {68 * K, 1}}, {{0, 4 * K}, {68 * K, 4 * K}},
		true},
	{"its last byte is data", 72 * K, {{0, 4 * K}, {68 * K - 1, 1}}, {{0, 72 * K}}, false},
	{"a hole at the start", 65 * K, {{64 * K, 1}}, {{64 * K, 1 * K}}, true},
	{"a hole at the end, not aligned", 68 * K + 5, {{0, 4 * K}}, {{0, 4 * K}}, true},
	{"one byte too few at the end", 68 * K - 1, {{0, 4 * K}}, {{0, 68 * K - 1}}, false},
	{"data at the end of a chunk", 1024 * K, {{256 * K - 1, 2}}, {{252 * K, 8 * K}}, true},
	{"two holes", 400 * K, {{100 * K, 1}, {300 * K, 100 * K}},
		{{100 * K, 4 * K}, {300 * K, 100 * K}}, true},
};

static int count_polls(void *ctx, struct err *e)
{
	(void)e;
	++*(unsigned *)ctx;
	return 0;
}

static int stop(void *ctx, struct err *e)
{
	(void)ctx;
	return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
}

static int read_map(int fd, uint64_t size, struct pack_map *m, unsigned *ret_polls)
{
	auto_free uint8_t *chunk = malloc(PACK_MAP_CHUNK);
	struct err e = ERR_INIT;

	*ret_polls = 0;
	return pack_map_read(&(struct pack_map_request){.fd = fd,
				     .size = size,
				     .chunk = chunk,
				     .poll = count_polls,
				     .ctx = ret_polls},
		m, &e);
}

static void write_ones(int fd, uint64_t at, uint64_t len)
{
	auto_free char *ones = malloc(len + 1);

	memset(ones, 1, len);
	assert_int_equal(pwrite(fd, ones, len, (off_t)at), len);
}

static void expect(
	const char *name, const struct pack_map *m, const struct pack_extent *want, bool sparse)
{
	unsigned n = 0;
	uint64_t sum = 0;

	for (; want[n].len > 0; n++)
		sum += want[n].len;
	if (m->n != n || m->sparse != sparse || m->stored != sum ||
		memcmp(m->extent, want, n * sizeof(*want)) != 0)
		fail_msg("%s: %u extents, the first %llu + %llu", name, m->n,
			(unsigned long long)m->extent[0].offset,
			(unsigned long long)m->extent[0].len);
}

/* The same map whether the zeros are holes of the file system, or written, or some of both. */
static void test_by_content(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		for (unsigned how = 0; how < 3; how++) {
			auto_free struct pack_map *m = malloc(sizeof(*m));
			auto_free char *zeros = calloc(1, files[i].size + 1);
			auto_close int fd = memfd_create("file", MFD_CLOEXEC);
			uint64_t written = how == 0 ? 0 : files[i].size / how;
			unsigned polls;

			assert_int_equal(ftruncate(fd, (off_t)files[i].size), 0);
			assert_int_equal(pwrite(fd, zeros, written, 0), written);
			for (unsigned k = 0; k < 4 && files[i].data[k].len > 0; k++)
				write_ones(fd, files[i].data[k].offset, files[i].data[k].len);
			assert_int_equal(read_map(fd, files[i].size, m, &polls), 0);
			expect(files[i].name, m, files[i].want, files[i].sparse);
		}
	}
}

/* What the file system knows to be zeros is not read. */
static void test_huge(void **state)
{
	auto_free struct pack_map *m = malloc(sizeof(*m));
	auto_close int fd = memfd_create("file", MFD_CLOEXEC);
	const uint64_t size = 200 * GIB, at = 100 * GIB + 4096 + 17;
	const struct pack_extent want[] = {{100 * GIB + 4096, 4096}, {0, 0}};
	unsigned polls;

	(void)state;
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(read_map(fd, size, m, &polls), 0);
	expect("nothing", m, &want[1], true);
	assert_int_equal(polls, 0);
	assert_int_equal(pack_map_estimate(fd, size), 0);
	write_ones(fd, at, 1);
	assert_int_equal(read_map(fd, size, m, &polls), 0);
	expect("one byte", m, want, true);
	assert_true(polls < 100);
	assert_in_range(pack_map_estimate(fd, size), 1, 4 * MIB);
}

/* More holes than the format takes: the largest stay, of equal ones the first. */
static void test_many_holes(void **state)
{
	const unsigned n = ARCHIVE_EXTENTS + 76;
	auto_free struct pack_map *m = malloc(sizeof(*m));
	auto_close int fd = memfd_create("file", MFD_CLOEXEC);
	uint64_t at = 0;
	unsigned polls;

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		write_ones(fd, at, 1);
		at += 4 * K + (i % 100 == 99 ? 128 * K : 64 * K);
	}
	write_ones(fd, at, 1);
	assert_int_equal(read_map(fd, at + 1, m, &polls), 0);
	assert_int_equal(m->n, ARCHIVE_EXTENTS);
	assert_true(m->sparse);
	/* 11 are large, so 1,012 of the others stay: up to that before number 1,022. */
	for (unsigned i = 0; i < 1021; i++)
		assert_int_equal(m->extent[i].len, 4 * K);
	assert_int_equal(m->extent[1022].len, 78 * 68 * K - 64 * K - (78 * 68 * K - 64 * K) % 4096);
	assert_int_equal(m->extent[m->n - 1].offset + m->extent[m->n - 1].len, at + 1);
	for (unsigned i = 1; i < m->n; i++)
		assert_true(m->extent[i].offset >=
			    m->extent[i - 1].offset + m->extent[i - 1].len + PACK_HOLE_MIN);
}

static void test_failures(void **state)
{
	auto_free struct pack_map *m = malloc(sizeof(*m));
	auto_free uint8_t *chunk = malloc(PACK_MAP_CHUNK);
	auto_close int fd = memfd_create("file", MFD_CLOEXEC);
	struct pack_map_request r = {.fd = fd, .size = 128 * K, .chunk = chunk, .poll = stop};
	struct err e = ERR_INIT;
	unsigned polls;

	(void)state;
	write_ones(fd, 0, 100 * K);
	assert_int_equal(pack_map_read(&r, m, &e), -ECANCELED);
	r.poll = count_polls;
	r.ctx = &polls;
	r.fd = -1;
	assert_int_equal(pack_map_read(&r, m, &e), -EBADF);
}

static const struct {
	struct pack_map map;
	uint64_t size;
	const char *text;
} texts[] = {
	{{.n = 0}, 5, "1\n5\n0\n"},
	{{.extent = {{0, 4096}}, .n = 1}, 100000, "2\n0\n4096\n100000\n0\n"},
	{{.extent = {{69632, 10}}, .n = 1}, 69642, "1\n69632\n10\n"},
	{{.extent = {{0, 1}, {200, 2}}, .n = 2}, 202, "2\n0\n1\n200\n2\n"},
};

static void test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		auto_buf struct buf b = BUF_INIT(1 << 20);
		struct err e = ERR_INIT;

		assert_int_equal(pack_map_text(&texts[i].map, texts[i].size, &b, &e), 0);
		assert_int_equal(b.len, PACK_BLOCK);
		assert_string_equal(b.data, texts[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_content),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_many_holes),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_text),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
