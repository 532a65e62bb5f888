/* SPDX-License-Identifier: Apache-2.0 */
/* The index of blocks: what is read again, what is refused. tests/aws/blocks.py has images sent. */
#include "common/auto.h"
#include "controller/aws/ebs.h"
#include "controller/image/ebs_index.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define HEX  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD "shared-prep ebs 1\nimage 5 6 7\nvolume 2097152\nkey none\nparent -\nsnapshot snap-1\n"

static const struct ebs_index_head head = {
	.size = 5, .mtime = 6, .inode = 7, .volume = 4 * EBS_BLOCK, .key = "none", .parent = "-"};

/* Of an image whose former one is snap-1. */
static const struct ebs_index_head upon = {.size = 5,
	.mtime = 6,
	.inode = 7,
	.volume = 4 * EBS_BLOCK,
	.key = "none",
	.parent = "snap-1"};

static const char *path_of(const struct scratch *t, char out[static PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/i", t->path);
	return out;
}

static void test_again(void **state)
{
	static const uint8_t a[DIGEST_SIZE] = {0xab, 1}, b[DIGEST_SIZE] = {2};
	uint8_t sum[DIGEST_SIZE], again[DIGEST_SIZE];
	const struct scratch *t = *state;
	auto_ebs_index struct ebs_index i = EBS_INDEX_INIT;
	auto_ebs_index struct ebs_index child = EBS_INDEX_INIT;
	char path[PATH_MAX], other[PATH_MAX + 2];
	struct err e = ERR_INIT;

	assert_int_equal(
		ebs_index_create(
			&(struct ebs_index_new){path_of(t, path), &head, "snap-1", NULL}, &i, &e),
		0);
	assert_int_equal(ebs_index_note(&i, 3, a, &e), 0);
	assert_int_equal(ebs_index_note(&i, 1, b, &e), 0);
	assert_int_equal(ebs_index_note(&i, 1, a, &e), 0);
	assert_int_equal(ebs_index_sum(&i, sum), 2);
	/* Whoever adds to it is alone. */
	assert_int_equal(ebs_index_open(path, &child, &e), -EBUSY);
	ebs_index_close(&child);
	e = (struct err)ERR_INIT;
	ebs_index_close(&i);
	assert_int_equal(ebs_index_open(path, &i, &e), 0);
	assert_int_equal(ebs_index_sum(&i, again), 2);
	assert_memory_equal(sum, again, DIGEST_SIZE);
	assert_memory_equal(i.block[1].digest, a, DIGEST_SIZE);
	assert_false(i.block[0].known || i.block[2].known || i.complete);
	assert_string_equal(i.snapshot, "snap-1");
	assert_int_equal(i.head.volume, head.volume);
	assert_int_equal(ebs_index_completed(&i, &e), 0);

	/* What comes from the parent is known, and not sent. */
	snprintf(other, sizeof(other), "%s.2", path);
	assert_int_equal(
		ebs_index_create(&(struct ebs_index_new){other, &upon, "snap-2", &i}, &child, &e),
		0);
	assert_true(child.block[3].known && !child.block[3].sent && !child.complete);
	assert_int_equal(ebs_index_sum(&child, again), 0);
	assert_int_equal(ebs_index_note(&child, 3, b, &e), 0);
	assert_int_equal(ebs_index_sum(&child, again), 1);
	ebs_index_close(&child);
	assert_int_equal(ebs_index_read(other, &child, &e), 0);
	assert_memory_equal(child.block[3].digest, b, DIGEST_SIZE);
	assert_true(child.block[3].sent && child.block[1].known && !child.block[1].sent);
}

static void test_texts(void **state)
{
	static const struct {
		const char *text, *says; /* NULL: it is read */
	} row[] = {
		{HEAD, NULL},
		{HEAD "block 3 " HEX "\ncomplete\n", NULL},
		{HEAD "block 3 " HEX "\nblock 2 " HEX, NULL}, /* cut */
		{HEAD "block 3 " HEX "\nblo", NULL},
		{"", "ends too early"},
		{"shared-prep ebs 1\nimage 5 6 7\nvolume 2097152\n", "ends too early"},
		{"shared-prep ebs 2\n", "line 1: no index"},
		{HEAD "block 4 " HEX "\n", "line 7: '4'"},
		{HEAD "block -1 " HEX "\n", "line 7"},
		{HEAD "block 1 " HEX "0\n", "line 7: no digest"},
		{HEAD "block 1 x\n", "line 7: no digest"},
		{HEAD "block 1\n", "line 7: no line of ours"},
		{HEAD "complete 1\n", "line 7: no line of ours"},
		{HEAD "\n", "line 7: no line of ours"},
		{HEAD "volume 2097152\n", "line 7: two volumes"},
		{"shared-prep ebs 1\nblock 0 " HEX "\n", "line 2"},
		{"shared-prep ebs 1\nvolume 99999999999999999\n", "line 2"},
		{"shared-prep ebs 1\nsnapshot snap-01234567890123456789012345678901234567890\n",
			"is no snapshot"},
		/* It becomes part of the path of a request. */
		{"shared-prep ebs 1\nsnapshot ../../x\n", "line 2: '../../x' is no snapshot"},
		{"shared-prep ebs 1\nsnapshot snap-\n", "line 2: 'snap-' is no snapshot"},
		{"shared-prep ebs 1\nparent x\n", "line 2: 'x' is no snapshot"},
		/* It would be left out, and nobody would notice. */
		{HEAD "base 1 " HEX "\n", "line 7: a block of no parent"},
	};
	const struct scratch *t = *state;
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		auto_ebs_index struct ebs_index index = EBS_INDEX_INIT;
		struct err e = ERR_INIT;
		int rc;

		scratch_write(t, "i", row[i].text);
		rc = ebs_index_open(path_of(t, path), &index, &e);
		if ((rc == 0) != !row[i].says || (rc < 0 && e.kind != ERR_DATA) ||
			(rc < 0 && !strstr(e.msg, row[i].says)))
			fail_msg("row %zu: %d: %s", i, rc, e.msg);
	}
}

/* A line that was cut is taken off before another is added. */
static void test_cut(void **state)
{
	static const uint8_t a[DIGEST_SIZE] = {1};
	const struct scratch *t = *state;
	auto_ebs_index struct ebs_index i = EBS_INDEX_INIT;
	struct err e = ERR_INIT;
	char path[PATH_MAX];

	scratch_write(t, "i", HEAD "block 3 01234");
	assert_int_equal(ebs_index_open(path_of(t, path), &i, &e), 0);
	assert_int_equal(ebs_index_note(&i, 2, a, &e), 0);
	ebs_index_close(&i);
	assert_int_equal(ebs_index_read(path, &i, &e), 0);
	assert_true(i.block[2].sent && !i.block[3].known);
}

static void test_absent(void **state)
{
	const struct scratch *t = *state;
	auto_ebs_index struct ebs_index i = EBS_INDEX_INIT;
	struct err e = ERR_INIT;
	char path[PATH_MAX];

	assert_int_equal(ebs_index_open(path_of(t, path), &i, &e), -ENOENT);
	assert_int_equal(e.kind, ERR_SYSTEM);
}

/* What others have put there is neither waited for nor written to. */
static void test_others(void **state)
{
	const struct scratch *t = *state;
	auto_ebs_index struct ebs_index i = EBS_INDEX_INIT;
	struct err e = ERR_INIT;
	char path[PATH_MAX], other[PATH_MAX + 8], victim[16];

	snprintf(other, sizeof(other), "%s.new", path_of(t, path));
	scratch_write(t, "victim", "mine");
	assert_int_equal(symlink("victim", other), 0);
	assert_int_equal(
		ebs_index_create(&(struct ebs_index_new){path, &head, "snap-1", NULL}, &i, &e), 0);
	scratch_read(t, "victim", victim, sizeof(victim));
	assert_string_equal(victim, "mine");
	ebs_index_close(&i);

	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(20);
	assert_true(ebs_index_read(path, &i, &e) < 0);
	assert_int_equal(e.kind, ERR_DATA);
	ebs_index_close(&i);
	assert_true(ebs_index_open(path, &i, &e) < 0);
	assert_int_equal(e.kind, ERR_DATA);
	alarm(0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_again),
		TEST(test_texts),
		TEST(test_cut),
		TEST(test_absent),
		TEST(test_others),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
