/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/archive.h"
#include "agent/manifest.h"
#include "tests/unit/scratch.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

static char top[] = "app", sub[] = "app/bin";

/* Four frames, the second to fourth of one file; a manifest after 100 bytes. */
static void sample(struct archive_index *i)
{
	static struct archive_frame frame[] = {
		{.offset = 0, .packed = 10, .plain = 1000, .xxh64 = 1},
		{.offset = 10, .packed = 20, .plain = 4000, .xxh64 = 2},
		{.offset = 30, .packed = 30, .plain = 4000, .xxh64 = 3},
		{.offset = 60, .packed = 40, .plain = 7, .xxh64 = UINT64_MAX},
	};
	static struct archive_dir dir[] = {{.frame = 0, .path = top}, {.frame = 3, .path = sub}};
	static struct archive_span span[] = {{.first = 1, .n = 2}};

	*i = (struct archive_index){
		.frame = frame,
		.dir = dir,
		.span = span,
		.n_frames = 4,
		.n_dirs = 2,
		.n_spans = 1,
		.manifest_offset = 100,
	};
}

static void encode(struct buf *out)
{
	struct archive_index i;
	struct err e = ERR_INIT;

	sample(&i);
	assert_int_equal(archive_index_encode(&i, out, &e), 0);
}

static void test_order(void **state)
{
	static const char *const rising[] = {"", "a", "a/a", "a/a/b", "a/a.b", "a/b", "a b", "a!",
		"a-b", "a0", "aa", "b", "b/\xff", "\xff"};

	(void)state;
	for (size_t i = 0; i < sizeof(rising) / sizeof(*rising); i++)
		for (size_t k = 0; k < sizeof(rising) / sizeof(*rising); k++) {
			int order = archive_order(rising[i], rising[k]);

			assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
		}
	assert_true(archive_has_parent("a/b/c", "a/b/d", 3));
	assert_true(archive_has_parent("a/b/c", "a/d", 1));
	assert_true(archive_has_parent("", "d", 0));
	assert_false(archive_has_parent("a/bc", "a/b/d", 3));
	assert_false(archive_has_parent("a", "a/b/d", 3));
}

static void test_round_trip(void **state)
{
	auto_buf struct buf first = BUF_INIT(ARCHIVE_INDEX_MAX);
	auto_buf struct buf second = BUF_INIT(ARCHIVE_INDEX_MAX);
	struct archive_index i;
	struct err e = ERR_INIT;

	(void)state;
	encode(&first);
	assert_int_equal(archive_index_decode(first.data, first.len, "x", &i, &e), 0);
	assert_int_equal(i.n_frames, 4);
	assert_int_equal(i.frame[3].xxh64, UINT64_MAX);
	assert_int_equal(i.manifest_offset, 100);
	assert_string_equal(i.dir[1].path, "app/bin");
	assert_int_equal(i.dir[1].frame, 3);
	assert_int_equal(i.span[0].n, 2);
	assert_int_equal(archive_index_encode(&i, &second, &e), 0);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	archive_index_free(&i);
}

#define FRAME(k) (16 + 32 * (k))
#define DIRS     FRAME(4)
#define SPANS    (DIRS + 6 + 3 + 6 + 7)
#define FOOT     (SPANS + 8)

/* One number of the sample changed; what the refusal says. */
static const struct {
	const char *name;
	size_t at;
	size_t bytes;
	uint64_t value;
	const char *why;
} lies[] = {
	{"version", 0, 4, 2, "another version"},
	{"no frames", 4, 4, 0, "counts more"},
	{"many frames", 4, 4, UINT32_MAX, "counts more"},
	{"one frame less", 4, 4, 3, "do not end at the manifest"},
	{"many directories", 8, 4, UINT32_MAX, "counts more"},
	{"a directory more", 8, 4, 3, "no proper name"},
	{"many spans", 12, 4, UINT32_MAX, "counts more"},
	{"no spans", 12, 4, 0, "longer or shorter"},
	{"first offset", FRAME(0), 8, 1, "wrong place"},
	{"gap", FRAME(2), 8, 31, "wrong place"},
	{"overlap", FRAME(2), 8, 29, "wrong place"},
	{"packed 0", FRAME(3) + 8, 8, 0, "wrong place or size"},
	{"packed overflow", FRAME(3) + 8, 8, UINT64_MAX, "impossible size"},
	{"plain 0", FRAME(1) + 16, 8, 0, "wrong place or size"},
	{"plain overflow", FRAME(1) + 16, 8, UINT64_MAX, "impossible size"},
	{"plain beyond files", FRAME(1) + 16, 8, INT64_MAX, "impossible size"},
	{"directory in no frame", DIRS, 4, 4, "in no frame"},
	{"directories backwards", DIRS + 9, 4, 0, NULL},
	{"directory order", DIRS, 4, 3, NULL},
	{"directory length 0", DIRS + 4, 2, 0, "unsafe name"},
	{"directory length", DIRS + 4, 2, 0xffff, "no proper name"},
	{"absolute", DIRS + 6, 1, '/', "unsafe name"},
	{"NUL", DIRS + 7, 1, 0, "no proper name"},
	{"dot dot", DIRS + 15, 4, 0x2f2e2e2f, "unsafe name"},
	{"empty component", DIRS + 15 + 4, 1, '/', "unsafe name"},
	{"span of one", SPANS + 4, 4, 1, "impossible frames"},
	{"span too long", SPANS + 4, 4, 4, "impossible frames"},
	{"span overflow", SPANS + 4, 4, UINT32_MAX, "impossible frames"},
	{"manifest", FOOT, 8, 101, "do not end at the manifest"},
	{"length", FOOT + 8, 8, 1, "its end"},
	{"magic", FOOT + 16, 1, 'X', "its end"},
};

static void test_lies(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(lies); k++) {
		auto_buf struct buf b = BUF_INIT(ARCHIVE_INDEX_MAX);
		uint64_t value = htole64(lies[k].value);
		struct archive_index i = {0};
		struct err e = ERR_INIT;
		int rc;

		encode(&b);
		memcpy(b.data + lies[k].at, &value, lies[k].bytes);
		rc = archive_index_decode(b.data, b.len, "x", &i, &e);
		if (!lies[k].why) {
			assert_int_equal(rc, 0);
			archive_index_free(&i);
			continue;
		}
		if (rc != -EBADMSG || e.kind != ERR_DATA || !strstr(e.msg, lies[k].why))
			fail_msg("%s: %d, '%s'", lies[k].name, rc, e.msg);
	}
}

/* Two spans that share a frame. */
static void test_spans_overlap(void **state)
{
	auto_buf struct buf b = BUF_INIT(ARCHIVE_INDEX_MAX);
	struct archive_span span[] = {{.first = 0, .n = 2}, {.first = 1, .n = 2}};
	struct archive_index i, out;
	struct err e = ERR_INIT;

	(void)state;
	sample(&i);
	i.span = span;
	i.n_spans = 2;
	assert_int_equal(archive_index_encode(&i, &b, &e), 0);
	assert_int_equal(archive_index_decode(b.data, b.len, "x", &out, &e), -EBADMSG);
}

/* Each prefix is refused; each flipped bit is refused or gives an index that encodes to the same
 * bytes. Copies of the exact size let the sanitizer see a read past the end. */
static void test_cut_and_flipped(void **state)
{
	auto_buf struct buf b = BUF_INIT(ARCHIVE_INDEX_MAX);
	struct archive_index i;
	struct err e = ERR_INIT;

	(void)state;
	encode(&b);
	for (size_t len = 0; len < b.len; len++) {
		auto_free char *copy = malloc(len + 1);

		memcpy(copy, b.data, len);
		copy = realloc(copy, len ? len : 1);
		assert_int_equal(archive_index_decode(copy, len, "x", &i, &e), -EBADMSG);
	}
	for (size_t bit = 0; bit < 8 * b.len; bit++) {
		auto_free char *copy = malloc(b.len);
		auto_buf struct buf again = BUF_INIT(ARCHIVE_INDEX_MAX);

		memcpy(copy, b.data, b.len);
		copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
		if (archive_index_decode(copy, b.len, "x", &i, &e) < 0)
			continue;
		assert_int_equal(archive_index_encode(&i, &again, &e), 0);
		assert_int_equal(again.len, b.len);
		assert_memory_equal(again.data, copy, b.len);
		archive_index_free(&i);
	}
}

static void put_skippable(struct buf *b, uint32_t magic, const void *data, size_t len)
{
	const uint32_t head[] = {htole32(magic), htole32((uint32_t)len)};

	assert_int_equal(buf_add(b, head, sizeof(head)), 0);
	assert_int_equal(buf_add(b, data, len), 0);
}

/* A file of 100 bytes where the frames would be, and the trailer. */
static int make_file(const struct scratch *t, const char *json, size_t cut, size_t flip)
{
	auto_buf struct buf index = BUF_INIT(ARCHIVE_INDEX_MAX);
	auto_buf struct buf file = BUF_INIT(ARCHIVE_INDEX_MAX);
	char frames[100] = {0};
	int fd = openat(t->fd, "archive", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	encode(&index);
	assert_int_equal(buf_add(&file, frames, sizeof(frames)), 0);
	put_skippable(&file, ARCHIVE_MANIFEST_MAGIC, json, strlen(json));
	put_skippable(&file, ARCHIVE_INDEX_MAGIC, index.data, index.len);
	if (flip)
		file.data[flip] ^= 1;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, file.data, file.len - cut), file.len - cut);
	return fd;
}

static void test_trailer(void **state)
{
	const size_t manifest = 100, index = 100 + 8 + 2;
	const struct {
		size_t cut, flip;
		int rc;
	} cases[] = {
		{0, 0, 0},
		{1, 0, -ENODATA},
		{FOOT + 24, 0, -ENODATA},
		{0, manifest, -EBADMSG},
		{0, manifest + 4, -EBADMSG},
		{0, index, -EBADMSG},
		{0, index + 4, -EBADMSG},
		{0, index + 8 + FOOT, -EBADMSG},
		{0, index + 8 + FOOT + 8, -EBADMSG},
		{0, index + 8 + FOOT + 16, -ENODATA},
	};

	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		auto_close int fd = make_file(*state, "{}", cases[k].cut, cases[k].flip);
		auto_buf struct buf json = BUF_INIT(MANIFEST_MAX);
		struct archive_index i = {0};
		struct err e = ERR_INIT;
		int rc = archive_read_trailer(fd, "x", &json, &i, &e);

		if (rc != cases[k].rc)
			fail_msg("case %zu: %d, '%s'", k, rc, e.msg);
		if (rc == 0)
			assert_string_equal(buf_str(&json), "{}");
		archive_index_free(&i);
		if (rc == 0)
			assert_int_equal(archive_read_trailer(fd, "x", NULL, NULL, &e), 0);
	}
}

static void test_no_file(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	auto_close int fd = -1;

	assert_int_equal(archive_read_trailer(t->fd, "x", NULL, NULL, &e), -ENODATA);
	scratch_write(t, "short", "SPINDEX1");
	fd = openat(t->fd, "short", O_RDONLY | O_CLOEXEC);
	assert_int_equal(archive_read_trailer(fd, "x", NULL, NULL, &e), -ENODATA);
	assert_int_equal(archive_read_trailer(-1, "x", NULL, NULL, &e), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_spans_overlap),
		cmocka_unit_test(test_cut_and_flipped),
		cmocka_unit_test_setup_teardown(test_trailer, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_no_file, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
