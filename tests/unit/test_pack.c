/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/archive.h"
#include "agent/pack.h"
#include "agent/pack_header.h"
#include "agent/unpack/unpack.h"
#include "common/fs.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_plain_header(void **state)
{
	const struct pack_entry n = {
		.path = "app/x",
		.link = "",
		.type = '0',
		.mode = S_IFREG | 0755,
		.uid = 1000,
		.gid = 07777777,
		.size = 12,
		.mtime = {.tv_sec = 1600000000},
	};
	auto_buf struct buf b = BUF_INIT(1 << 20);
	struct err e = ERR_INIT;
	unsigned sum = 0;
	char want[8];

	(void)state;
	assert_int_equal(pack_header(&n, &b, &e), 0);
	assert_int_equal(b.len, PACK_BLOCK);
	assert_string_equal(b.data, "app/x");
	assert_string_equal(b.data + 100, "0000755");
	assert_string_equal(b.data + 108, "0001750");
	assert_string_equal(b.data + 116, "7777777");
	assert_string_equal(b.data + 124, "00000000014");
	assert_string_equal(b.data + 136, "13727410000");
	assert_memory_equal(b.data + 257, "ustar\00000", 8);
	for (size_t i = 0; i < PACK_BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)b.data[i];
	snprintf(want, sizeof(want), "%06o", sum);
	assert_memory_equal(b.data + 148, want, 7);
}

/* What must stand in the extended header. */
static const struct {
	const char *name;
	struct timespec mtime;
	uint64_t uid, size;
	size_t path; /* length */
	const char *record;
} extended[] = {
	{"nanoseconds", {1, 500000000}, 0, 0, 5, "13 mtime=1.5\n"},
	{"all digits", {1, 1}, 0, 0, 5, "21 mtime=1.000000001\n"},
	{"before 1970", {-3, 0}, 0, 0, 5, "12 mtime=-3\n"},
	{"half a second before", {-1, 500000000}, 0, 0, 5, "14 mtime=-0.5\n"},
	{"before with a fraction", {-2, 500000000}, 0, 0, 5, "14 mtime=-1.5\n"},
	{"far", {INT64_MAX, 0}, 0, 0, 5, "29 mtime=9223372036854775807\n"},
	{"user", {0, 0}, 010000000, 0, 5, "15 uid=2097152\n"},
	{"size", {0, 0}, 0, 0100000000000, 5, "19 size=8589934592\n"},
	{"name", {0, 0}, 0, 0, 101, "111 path=aaaa"},
	{"length at 99", {0, 0}, 0, 0, 102, "112 path=aaaa"},
};

static void test_extended_header(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(extended); i++) {
		auto_buf struct buf b = BUF_INIT(1 << 20);
		struct err e = ERR_INIT;
		char path[200] = {0};
		const struct pack_entry n = {
			.path = path,
			.link = "",
			.type = '0',
			.uid = extended[i].uid,
			.size = extended[i].size,
			.mtime = extended[i].mtime,
		};

		memset(path, 'a', extended[i].path);
		assert_int_equal(pack_header(&n, &b, &e), 0);
		assert_int_equal(b.len, 3 * PACK_BLOCK);
		assert_int_equal(b.data[156], 'x');
		if (strncmp(b.data + PACK_BLOCK, extended[i].record, strlen(extended[i].record)) !=
			0)
			fail_msg("%s: '%.40s'", extended[i].name, b.data + PACK_BLOCK);
	}
}

/* The length counts its own digits: 98 + 2 = 100 needs three of them. */
static void test_record_length(void **state)
{
	(void)state;
	for (size_t len = 1; len < 2000; len++) {
		auto_buf struct buf b = BUF_INIT(1 << 20);
		auto_free char *value = calloc(1, len);
		struct err e = ERR_INIT;

		assert_int_equal(pack_header_xattr(&b, "user.x", value, len, &e), 0);
		assert_int_equal(strtoul(b.data, NULL, 10), b.len);
		assert_int_equal(b.data[b.len - 1], '\n');
	}
}

static void test_bad_xattr(void **state)
{
	auto_buf struct buf b = BUF_INIT(100);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(pack_header_xattr(&b, "user.a=b", "", 0, &e), -EINVAL);
	assert_int_equal(pack_header_xattr(&b, "user.a", "x", 1, &e), 0);
	assert_int_equal(pack_header_xattr(&b, "user.a", &b, sizeof(b) + 50, &e), -EFBIG);
}

static void make_tree(const struct scratch *t)
{
	auto_free char *big = calloc(1, 300 * KIB);

	memset(big, 'b', 300 * KIB - 1);
	scratch_write(t, "tree/bin/tool", "#!/bin/sh\n");
	scratch_write(t, "tree/a", "first");
	scratch_write(t, "tree/big", big);
	assert_int_equal(linkat(t->fd, "tree/a", t->fd, "tree/z", 0), 0);
	assert_int_equal(symlinkat("tool", t->fd, "tree/bin/link"), 0);
}

static struct pack_request request_of(const struct scratch *t, char path[2][128])
{
	snprintf(path[0], 128, "%s/tree", t->path);
	snprintf(path[1], 128, "%s/app_c5.tar.zst", t->path);
	return (struct pack_request){
		.dir = path[0],
		.output = path[1],
		.level = 1,
		.frame_size = PACK_FRAME_MIN,
		.threads = 2,
		.memory = UINT64_MAX,
		.manifest = {.app = "app", .key = "c5", .version = "1"},
	};
}

static int unpack(const struct scratch *t, const char *strip, bool verify, uint64_t space,
	struct unpack_result *ret, struct err *e)
{
	auto_close int fd = openat(t->fd, "app_c5.tar.zst", O_RDONLY | O_CLOEXEC);
	const struct unpack_request r = {
		.archive = fd,
		.name = "app_c5.tar.zst",
		.parent = t->fd,
		.tree = "out",
		.strip = strip,
		.verify = verify,
		.space = space,
		.inodes = UINT64_MAX,
		.limits = unpack_default_limits,
	};

	return unpack_archive(&r, ret, e);
}

static void test_there_and_back(void **state)
{
	const struct scratch *t = *state;
	struct unpack_result result;
	struct manifest m;
	struct err e = ERR_INIT;
	char path[2][128], text[32];
	struct pack_request r = request_of(t, path);

	make_tree(t);
	assert_int_equal(pack_tree(&r, &m, &e), 0);
	assert_int_equal(m.entries, 7);
	assert_int_equal(m.largest, 300 * KIB - 1);
	assert_int_equal(m.bytes, 300 * KIB - 1 + 10 + 5);
	assert_int_equal(unpack(t, NULL, true, UINT64_MAX, &result, &e), 0);
	assert_string_equal(result.digest, m.digest);
	assert_string_equal(result.format, "zst");
	assert_int_equal(result.bytes, m.bytes);
	assert_false(fs_exists(t->fd, "out"));
	assert_int_equal(unpack(t, "app_c5", false, UINT64_MAX, &result, &e), 0);
	scratch_read(t, "out/z", text, sizeof(text));
	assert_string_equal(text, "first");
	scratch_read(t, "out/bin/link", text, sizeof(text));
	assert_string_equal(text, "#!/bin/sh\n");
	assert_int_equal(fs_remove_tree(t->fd, "out", &e), 0);
	assert_int_equal(unpack(t, "other", false, UINT64_MAX, &result, &e), 0);
	assert_true(fs_exists(t->fd, "out/app_c5/bin/tool"));
	assert_int_equal(fs_remove_tree(t->fd, "out", &e), 0);
	assert_int_equal(unpack(t, NULL, false, 1000, &result, &e), -ENOSPC);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_false(fs_exists(t->fd, "out"));
}

/* The digest that pack computes is the one that a reader of any version computes. */
static void test_digest(void **state)
{
	const struct scratch *t = *state;
	auto_buf struct buf json = BUF_INIT(MANIFEST_MAX);
	auto_buf struct buf text = BUF_INIT(MANIFEST_MAX);
	auto_buf struct buf index = BUF_INIT(ARCHIVE_INDEX_MAX);
	struct archive_index i = {0};
	struct manifest m;
	struct err e = ERR_INIT;
	char path[2][128], sum[DIGEST_TEXT];
	struct pack_request r = request_of(t, path);
	auto_close int fd = -1;
	struct digest d;

	make_tree(t);
	assert_int_equal(pack_tree(&r, &m, &e), 0);
	fd = openat(t->fd, "app_c5.tar.zst", O_RDONLY | O_CLOEXEC);
	assert_int_equal(archive_read_trailer(fd, "x", &json, &i, &e), 0);
	assert_int_equal(manifest_undigested(json.data, json.len, "x", &text, &e), 0);
	assert_int_equal(archive_index_encode(&i, &index, &e), 0);
	digest_start(&d);
	digest_add(&d, text.data, text.len);
	digest_add(&d, index.data, index.len);
	digest_end(&d, sum);
	assert_string_equal(sum, m.digest);
	assert_int_equal(i.n_dirs, 2);
	assert_string_equal(i.dir[1].path, "app_c5/bin");
	assert_int_equal(i.n_spans, 1);
	assert_int_equal(i.span[0].n, 5);
	archive_index_free(&i);
}

/* A file of several frames: but for its headers each begins at a multiple of a huge page. */
static void test_cut(void **state)
{
	const struct scratch *t = *state;
	const size_t size = 9 * MIB, head = 512;
	char *noise = test_malloc(size);
	struct archive_index i = {0};
	struct manifest m;
	struct err e = ERR_INIT;
	char path[2][128];
	struct pack_request r = request_of(t, path);
	auto_close int fd = -1;

	for (size_t k = 0; k < size; k++)
		noise[k] = (char)(k * 2654435761U >> 24 | 1);
	noise[size - 1] = '\0';
	scratch_write(t, "tree/big", noise);
	test_free(noise);
	assert_int_equal(utimensat(t->fd, "tree/big", (struct timespec[2]){{1, 0}, {1, 0}}, 0), 0);
	r.frame_size = PACK_FRAME;
	r.level = 1;
	assert_int_equal(pack_tree(&r, &m, &e), 0);
	fd = openat(t->fd, "app_c5.tar.zst", O_RDONLY | O_CLOEXEC);
	assert_int_equal(archive_read_trailer(fd, "x", NULL, &i, &e), 0);
	assert_int_equal(i.n_spans, 1);
	assert_int_equal(i.span[0].n, 6);
	assert_int_equal(i.frame[i.span[0].first].plain, head);
	assert_int_equal(i.frame[i.span[0].first + 1].plain, 2 * MIB);
	assert_int_equal(i.frame[i.span[0].first + 5].plain, MIB);
	archive_index_free(&i);
}

/* A plain tar of one file that has the name which a top directory would have. */
static void test_strip_no_file(void **state)
{
	const struct scratch *t = *state;
	auto_buf struct buf tar = BUF_INIT(65536);
	auto_close int fd = openat(t->fd, "app_c5.tar.zst", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	const struct pack_entry n = {.path = "app_c5", .link = "", .type = '0', .mode = 0644};
	static const char end[2 * PACK_BLOCK];
	struct unpack_result result;
	struct err e = ERR_INIT;

	assert_int_equal(pack_header(&n, &tar, &e), 0);
	assert_int_equal(buf_add(&tar, end, sizeof(end)), 0);
	assert_int_equal(write(fd, tar.data, tar.len), tar.len);
	assert_int_equal(unpack(t, "app_c5", false, UINT64_MAX, &result, &e), 0);
	assert_true(fs_exists(t->fd, "out/app_c5"));
}

static void test_epoch(void **state)
{
	const struct scratch *t = *state;
	struct manifest m;
	struct err e = ERR_INIT;
	char path[2][128];
	struct pack_request r = request_of(t, path);

	make_tree(t);
	setenv("SOURCE_DATE_EPOCH", "12345", 1);
	assert_int_equal(pack_tree(&r, &m, &e), 0);
	assert_int_equal(m.created, 12345);
	setenv("SOURCE_DATE_EPOCH", "yesterday", 1);
	assert_true(pack_tree(&r, &m, &e) < 0);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_non_null(strstr(e.msg, "SOURCE_DATE_EPOCH"));
	unsetenv("SOURCE_DATE_EPOCH");
}

static bool cancel(void *ctx)
{
	(void)ctx;
	return true;
}

static void test_refusals(void **state)
{
	const struct scratch *t = *state;
	struct manifest m;
	struct err e = ERR_INIT;
	char path[2][128];
	struct pack_request r = request_of(t, path);

	make_tree(t);
	r.level = 0;
	assert_int_equal(pack_tree(&r, &m, &e), -EINVAL);
	r.level = 1;
	r.frame_size = PACK_FRAME_MIN - 1;
	assert_int_equal(pack_tree(&r, &m, &e), -EINVAL);
	r.frame_size = PACK_FRAME_MAX + 1;
	assert_int_equal(pack_tree(&r, &m, &e), -EINVAL);
	r.frame_size = PACK_FRAME_MIN;
	r.cancelled = cancel;
	assert_int_equal(pack_tree(&r, &m, &e), -ECANCELED);
	r.cancelled = NULL;
	assert_int_equal(mkfifoat(t->fd, "tree/fifo", 0600), 0);
	assert_int_equal(pack_tree(&r, &m, &e), -EINVAL);
	assert_int_equal(e.kind, ERR_DATA);
	r.dir = "/nonexistent";
	assert_int_equal(pack_tree(&r, &m, &e), -ENOENT);
	assert_false(fs_exists(t->fd, "app_c5.tar.zst"));
	assert_false(fs_exists(t->fd, ".app_c5.tar.zst.new"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_header),
		cmocka_unit_test(test_extended_header),
		cmocka_unit_test(test_record_length),
		cmocka_unit_test(test_bad_xattr),
		cmocka_unit_test_setup_teardown(
			test_there_and_back, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_digest, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_cut, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_strip_no_file, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_epoch, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_refusals, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
