/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_header.h"
#include "agent/unpack/lean.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

static const char zero[PACK_BLOCK];

static void add(struct buf *b, const void *data, size_t len)
{
	assert_int_equal(buf_add(b, data, len), 0);
}

static void pad(struct buf *b)
{
	add(b, zero, -b->len % PACK_BLOCK);
}

static void add_header(struct buf *b, const struct pack_entry *n)
{
	struct err e = ERR_INIT;

	assert_int_equal(pack_header(n, b, &e), 0);
}

static void add_records(struct buf *b, const char *records, size_t len)
{
	add_header(b, &(struct pack_entry){.path = "P", .link = "", .type = 'x', .size = len});
	add(b, records, len);
	pad(b);
}

static void test_what_pack_writes(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	auto_buf struct buf xattrs = BUF_INIT(1 << 20);
	struct lean *l = malloc(sizeof(*l));
	struct entry *got = malloc(sizeof(*got));
	struct err e = ERR_INIT;
	struct lean_content c;
	char longer[300] = "app/";

	(void)state;
	memset(longer + 4, 'n', 200);
	assert_int_equal(pack_header_xattr(&xattrs, "user.a", "1\0=\n2", 5, &e), 0);
	add_header(
		&b, &(struct pack_entry){.path = "app/", .link = "", .type = '5', .mode = 01755});
	add_header(&b, &(struct pack_entry){.path = longer,
			       .link = "",
			       .type = '0',
			       .mode = 0640,
			       .uid = 70000000,
			       .gid = 7,
			       .size = 5,
			       .mtime = {.tv_sec = -2, .tv_nsec = 500000000},
			       .xattrs = xattrs});
	add(&b, "hello", 5);
	pad(&b);
	add_header(&b, &(struct pack_entry){.path = "app/o", .link = longer, .type = '1'});
	add(&b, zero, PACK_BLOCK);

	lean_init(l);
	lean_start(l, b.data, b.len);
	assert_int_equal(lean_next(l, got, &c, &e), 1);
	assert_int_equal(got->kind, ENTRY_DIR);
	assert_int_equal(got->mode, 01755);
	assert_int_equal(c.stored, 0);
	lean_skip(l, &c);
	assert_int_equal(lean_next(l, got, &c, &e), 1);
	assert_string_equal(got->path, longer);
	assert_int_equal(got->uid, 70000000);
	assert_int_equal(got->mtime.tv_sec, -2);
	assert_int_equal(got->mtime.tv_nsec, 500000000);
	assert_int_equal(got->n_xattrs, 1);
	assert_string_equal(got->xattr[0].name, "user.a");
	assert_int_equal(got->xattr[0].len, 5);
	assert_memory_equal(got->xattr[0].value, "1\0=\n2", 5);
	assert_int_equal(c.stored, 5);
	assert_memory_equal(b.data + c.at, "hello", 5);
	lean_skip(l, &c);
	assert_int_equal(lean_next(l, got, &c, &e), 1);
	assert_int_equal(got->kind, ENTRY_HARDLINK);
	assert_string_equal(got->link, longer);
	lean_skip(l, &c);
	assert_int_equal(lean_next(l, got, &c, &e), 0);
	assert_int_equal(l->at, b.len - PACK_BLOCK);
	lean_free(l);
	free(l);
	free(got);
}

struct one {
	struct lean lean;
	struct entry entry;
	struct lean_content content;
	struct err err;
};

static int next(struct one *o, const struct buf *b)
{
	o->err = (struct err)ERR_INIT;
	lean_start(&o->lean, b->data, b->len);
	return lean_next(&o->lean, &o->entry, &o->content, &o->err);
}

static int setup(void **state)
{
	struct one *o = calloc(1, sizeof(*o));

	if (!o)
		return -1;
	lean_init(&o->lean);
	*state = o;
	return 0;
}

static int teardown(void **state)
{
	struct one *o = *state;

	lean_free(&o->lean);
	free(o);
	return 0;
}

/* why: NULL where it is taken */
static void expect(struct one *o, const struct buf *b, const char *what, const char *why)
{
	int rc = next(o, b);

	if (!why) {
		if (rc != 1)
			print_error("%s: %s\n", what, o->err.msg);
		assert_int_equal(rc, 1);
		return;
	}
	if (rc != -EBADMSG || !strstr(o->err.msg, why))
		print_error("%s: %d '%s' is not '%s'\n", what, rc, o->err.msg, why);
	assert_int_equal(rc, -EBADMSG);
	assert_int_equal(o->err.kind, ERR_DATA);
	assert_non_null(strstr(o->err.msg, why));
}

/* An empty file after these records. */
static void expect_records(struct one *o, const char *records, size_t len, const char *why)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);

	add_records(&b, records, len);
	add_header(&b, &(struct pack_entry){.path = "f", .link = "", .type = '0'});
	expect(o, &b, records, why);
}

/* clang-format off */
static const struct {
	const char *records;
	const char *why;
} lengths[] = {
	{"12 path=a/b\n", NULL},
	{"12 path=a/b\n9 uid=12\n", NULL},
	{"013 path=a/b\n", NULL},
	{"13 path=a/b\n", "wrong length"},
	{"11 path=a/b\n", "wrong length"},
	{"12 path=a/b\n8 uid=12\n", "wrong length"},
	{"12 path=a/b\n0", "wrong length"},
	{"12 path=a/bx", "wrong length"},
	{"99999999999999999999999 path=a/b\n", "wrong length"},
	{"18446744073709551615 path=a/b\n", "wrong length"},
	{"-1 path=a/b\n", "wrong length"},
	{" 12 path=a/b\n", "wrong length"},
	{"0 path=a/b\n", "wrong length"},
	{"2 \n", "wrong length"},
	{"3 \n\n", "wrong length"},
	{"4 =\n", "wrong length"},
	{"path=a/b\n", "wrong length"},
	{"", "impossible size"},
	{"5 ab\n", "without '='"},
	{"9 pathab\n", "without '='"},
};

/* Lines that get their lengths from the test. */
static const struct {
	const char *lines;
	const char *why;
} records[] = {
	{"path=a/b", NULL},
	{"path=a=b", NULL},
	{"path=a/b/", "ends with a slash"},
	{"path=/", "ends with a slash"},
	{"path=a/b\nuid=12\ngid=4294967295\nsize=0", NULL},
	{"SCHILY.xattr.user.a=", NULL},
	{"uid=18446744073709551615", NULL},
	{"size=9223372036854775807", NULL},
	{"mtime=1700000000.25", NULL},
	{"mtime=1.123456789", NULL},
	{"mtime=-9999999999.5", NULL},
	{"mtime=9223372036854775806", NULL},
	{"=path", "does not write"},
	{"Path=a", "does not write"},
	{"path =a", "does not write"},
	{"comment=", "does not write"},
	{"SCHILY.xattr.security.a=b", "does not write"},
	{"SCHILY.xattr.trusted.a=b", "does not write"},
	{"uid=", "does not write"},
	{"uid=-12", "does not write"},
	{"uid=+12", "does not write"},
	{"uid= 12", "does not write"},
	{"uid=1x2", "does not write"},
	{"uid=18446744073709551616", "does not write"},
	{"gid=99999999999999999999", "does not write"},
	{"gid=999999999999999999999", "does not write"},
	{"size=", "does not write"},
	{"size=1.5", "does not write"},
	{"size=9223372036854775808", "impossible size"},
	{"size=18446744073709551615", "impossible size"},
	{"mtime=", "does not write"},
	{"mtime=-", "does not write"},
	{"mtime=--1", "does not write"},
	{"mtime=.", "does not write"},
	{"mtime=.5", "does not write"},
	{"mtime=1.", "does not write"},
	{"mtime=1.-5", "does not write"},
	{"mtime=1e300", "does not write"},
	{"mtime=1.1234567890", "does not write"},
	{"mtime=9223372036854775807", "does not write"},
	{"mtime=99999999999999999999.5", "does not write"},
	{"GNU.sparse.major=2", "does not write"},
	{"GNU.sparse.minor=1", "does not write"},
	{"GNU.sparse.realsize=-1", "does not write"},
	{"GNU.sparse.numblocks=1", "does not write"},
	{"GNU.sparse.major=1", "not of version 1.0"},
	{"GNU.sparse.name=f", "not of version 1.0"},
	{"GNU.sparse.realsize=000010", "not of version 1.0"},
	{"GNU.sparse.major=1\nGNU.sparse.minor=0\nGNU.sparse.name=f", "not of version 1.0"},
	{"GNU.sparse.major=1\nGNU.sparse.minor=0\nGNU.sparse.realsize=10", "not of version 1.0"},
};

/* Content of a sparse file of 10 bytes whose stored part has the size of this. */
static const struct {
	const char *content;
	const char *why;
} maps[] = {
	{"", "no map"},
	{"x", "no map"},
	{"\n", "no map"},
	{"-1\n", "no map"},
	{"18446744073709551616\n", "no map"},
	{"99999\n", "too many pieces"},
	{"1026\n", "too many pieces"},
	{"1\n", "damaged map"},
	{"1\n4\n", "damaged map"},
	{"1\n4\nx\n", "damaged map"},
	{"1\n4\n7\n", "overlap or pass its end"},
	{"1\n11\n0\n", "overlap or pass its end"},
	{"1\n1\n18446744073709551615\n", "overlap or pass its end"},
	{"2\n4\n3\n2\n3\n", "overlap or pass its end"},
	{"2\n4\n3\n6\n1\n", "overlap or pass its end"},
	{"1\n4\n3\nabc", "does not fit its size"},
	{"0\n", "does not fit its size"},
	{"2\n0\n1\n9\n1\n", "not of whole blocks"},
};

/* A header with bytes replaced and its sum made right again. */
static const struct {
	const char *what;
	size_t at;
	const char *bytes;
	const char *why;
} fields[] = {
	{"the same", 156, "0", NULL},
	{"v7 file", 156, "\0", "a kind that pack does not write"},
	{"character device", 156, "3", "a kind that pack does not write"},
	{"FIFO", 156, "6", "a kind that pack does not write"},
	{"global header", 156, "g", "a kind that pack does not write"},
	{"GNU long name", 156, "L", "a kind that pack does not write"},
	{"extended header of nothing", 156, "x", "impossible size"},
	{"mode", 100, "8", "a number that is none"},
	{"mode in base 256", 100, "\x80", "a number that is none"},
	{"owner", 108, "-", "a number that is none"},
	{"group", 116, " ", "a number that is none"},
	{"size", 124, "0x", "a number that is none"},
	{"size in base 256", 124, "\xff", "a number that is none"},
	{"time", 140, "\x01", "a number that is none"},
	{"magic", 257, "w", "fields that pack does not write"},
	{"magic of GNU tar", 262, " ", "fields that pack does not write"},
	{"version", 264, "1", "fields that pack does not write"},
	{"user", 265, "root", "fields that pack does not write"},
	{"device", 329, "1", "fields that pack does not write"},
	{"prefix", 345, "p", "fields that pack does not write"},
	{"padding", 511, "p", "fields that pack does not write"},
};
/* clang-format on */

static void test_lengths(void **state)
{
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
		expect_records(
			*state, lengths[i].records, strlen(lengths[i].records), lengths[i].why);
	expect_records(*state, "12 path=a\0b\n", 12, "a NUL in it");
	expect_records(*state, "12 pat\0=a/b\n", 12, "a NUL in it");
	expect_records(*state, "25 SCHILY.xattr.user.a=\0\n", 25, NULL);
}

static void add_line(struct buf *b, const char *line, size_t len)
{
	size_t total = len + 3;

	total += total > 9;
	total += total > 99;
	assert_int_equal(buf_addf(b, "%zu %.*s\n", total, (int)len, line), 0);
}

static void test_records(void **state)
{
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
		auto_buf struct buf b = BUF_INIT(1 << 20);
		const char *line = records[i].lines;

		for (; *line; line += strcspn(line, "\n"), line += *line == '\n')
			add_line(&b, line, strcspn(line, "\n"));
		expect_records(*state, b.data, b.len, records[i].why);
	}
}

static void test_maps(void **state)
{
	static const char head[] = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
				   "21 GNU.sparse.name=f\n26 GNU.sparse.realsize=10\n";

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		auto_buf struct buf b = BUF_INIT(1 << 20);
		const size_t len = strlen(maps[i].content);

		add_records(&b, head, sizeof(head) - 1);
		add_header(&b,
			&(struct pack_entry){.path = "f", .link = "", .type = '0', .size = len});
		add(&b, maps[i].content, len);
		pad(&b);
		expect(*state, &b, maps[i].content, maps[i].why);
	}
}

static void test_fields(void **state)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		auto_buf struct buf b = BUF_INIT(1 << 20);
		unsigned sum = 0;
		char text[8];

		add_header(&b, &(struct pack_entry){.path = "f", .link = "", .type = '0'});
		memcpy(b.data + fields[i].at, fields[i].bytes,
			fields[i].bytes[0] ? strlen(fields[i].bytes) : 1);
		memset(b.data + 148, ' ', 8);
		for (size_t k = 0; k < b.len; k++)
			sum += (unsigned char)b.data[k];
		snprintf(text, sizeof(text), "%06o", sum);
		memcpy(b.data + 148, text, 7);
		expect(*state, &b, fields[i].what, fields[i].why);
	}
}

static void test_xattrs(void **state)
{
	struct one *o = *state;

	for (unsigned n = ENTRY_XATTRS; n <= ENTRY_XATTRS + 1; n++) {
		auto_buf struct buf xattrs = BUF_INIT(1 << 20);
		auto_buf struct buf b = BUF_INIT(1 << 20);
		struct err e = ERR_INIT;
		char name[32];

		for (unsigned i = 0; i < n; i++) {
			snprintf(name, sizeof(name), "user.%u", i);
			assert_int_equal(pack_header_xattr(&xattrs, name, name, i % 5, &e), 0);
		}
		add_header(&b, &(struct pack_entry){
				       .path = "f", .link = "", .type = '0', .xattrs = xattrs});
		assert_int_equal(next(o, &b), n > ENTRY_XATTRS ? -E2BIG : 1);
		assert_int_equal(o->entry.n_xattrs, ENTRY_XATTRS);
		assert_string_equal(o->entry.xattr[63].name, "user.63");
		assert_memory_equal(o->entry.xattr[63].value, "use", 3);
	}
}

#define SPARSE_RECORDS                                                                             \
	"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n21 GNU.sparse.name=f\n"                     \
	"28 GNU.sparse.realsize=9999\n"
#define SPARSE_MAP "3\n4\n512\n5000\n2\n9999\n0\n"

/* Two pieces: 512 bytes from 4 on, 2 from 5000 on. */
static void add_sparse(struct buf *b)
{
	const size_t stored = PACK_BLOCK + 2;

	add_records(b, SPARSE_RECORDS, sizeof(SPARSE_RECORDS) - 1);
	add_header(b, &(struct pack_entry){
			      .path = "g", .link = "", .type = '0', .size = PACK_BLOCK + stored});
	add(b, SPARSE_MAP, sizeof(SPARSE_MAP) - 1);
	pad(b);
}

static void test_sparse(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	struct one *o = *state;
	const struct lean_content *c = &o->content;
	uint64_t offset;

	add_sparse(&b);
	assert_int_equal(next(o, &b), 1);
	assert_string_equal(o->entry.path, "f");
	assert_int_equal(o->entry.size, 9999);
	assert_int_equal(c->at, b.len);
	assert_int_equal(c->stored, PACK_BLOCK + 2);
	assert_int_equal(c->n_extents, 3);
	assert_int_equal(lean_end(c), b.len + 2 * PACK_BLOCK);
	assert_int_equal(lean_place(c, 0, 514, &offset), 512);
	assert_int_equal(offset, 4);
	assert_int_equal(lean_place(c, 511, 3, &offset), 1);
	assert_int_equal(offset, 515);
	assert_int_equal(lean_place(c, 512, 2, &offset), 2);
	assert_int_equal(offset, 5000);
	assert_int_equal(lean_place(c, 513, 1, &offset), 1);
	assert_int_equal(offset, 5001);
}

/* Every bit of a header is covered by its checksum, or it says what is wrong. */
static void test_header_bits(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	struct one *o = *state;

	add_header(&b, &(struct pack_entry){.path = "f", .link = "", .type = '0', .size = 0});
	for (size_t bit = 0; bit < 8 * b.len; bit++) {
		b.data[bit / 8] = (char)(b.data[bit / 8] ^ 1 << bit % 8);
		if (next(o, &b) != -EBADMSG) /* in the blanks of the sum itself */
			assert_in_range(bit / 8, 148, 155);
		b.data[bit / 8] = (char)(b.data[bit / 8] ^ 1 << bit % 8);
	}
}

/* Headers that go on beyond the bytes there are. */
static void test_cut(void **state)
{
	auto_buf struct buf b = BUF_INIT(1 << 20);
	struct one *o = *state;

	add_sparse(&b);
	assert_int_equal(next(o, &b), 1);
	for (size_t len = 0; len < b.len; len++) {
		/* Of exactly that size, so that reading beyond it is found. */
		auto_free char *copy = malloc(len + !len);
		const struct buf part = {.data = copy, .len = len};

		memcpy(copy, b.data, len);
		assert_int_equal(next(o, &part), -EBADMSG);
		assert_true(o->lean.cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_pack_writes),
		cmocka_unit_test_setup_teardown(test_lengths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_records, setup, teardown),
		cmocka_unit_test_setup_teardown(test_maps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fields, setup, teardown),
		cmocka_unit_test_setup_teardown(test_xattrs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sparse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_header_bits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
