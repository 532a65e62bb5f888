/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cancel.h"
#include "controller/disk/disk_private.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD 4096

/* --- what a file is */

static void recognises_bases(void **state)
{
	static const struct {
		size_t at;
		const char *bytes;
		size_t len;
		enum disk_kind kind;
		const char *error;
	} cases[] = {
		{0, "QFI\xfb", 4, DISK_QCOW2, NULL},
		{257, "ustar\0", 6, DISK_TAR, NULL},
		{257, "ustar  ", 7, DISK_TAR, NULL},
		{0, "\x1f\x8b\x08", 3, DISK_TAR, NULL},
		{0, "\xfd\x37zXZ\0", 6, DISK_TAR, NULL},
		{0, "\x28\xb5\x2f\xfd", 4, DISK_TAR, NULL},
		{510, "\x55\xaa", 2, DISK_RAW, NULL},
		{512, "EFI PART", 8, DISK_RAW, NULL},
		{0, "KDMV", 4, 0, "VMDK: make it qcow2"},
		{0, "vhdxfile", 8, 0, "VHDX"},
		{1080, "\x53\xef", 2, 0, "file system without partitions"},
		{0, "XFSB", 4, 0, "file system without partitions"},
		{0, "#!/bin/sh", 9, 0, "no disk image"},
		{0, "", 0, 0, "no disk image"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned char head[HEAD] = {0};
		struct err e = ERR_INIT;
		enum disk_kind kind;
		int rc;

		memcpy(head + cases[i].at, cases[i].bytes, cases[i].len);
		rc = disk_recognise(head, sizeof(head), "x", &kind, &e);
		if (cases[i].error) {
			assert_true(rc < 0);
			assert_int_equal(e.kind, ERR_CONFIG);
			assert_non_null(strstr(e.msg, cases[i].error));
		} else {
			assert_int_equal(rc, 0);
			assert_int_equal(kind, cases[i].kind);
		}
	}
}

/* A file may end anywhere. */
static void bears_short_files(void **state)
{
	static const unsigned char head[HEAD] = "\x1f\x8b";

	(void)state;
	for (size_t len = 0; len < 600; len++) {
		unsigned char *exact = malloc(len ? len : 1);
		struct err e = ERR_INIT;
		enum disk_kind kind;
		int rc;

		memcpy(exact, head, len);
		rc = disk_recognise(exact, len, "x", &kind, &e);
		assert_int_equal(rc == 0, len >= 2);
		free(exact);
	}
}

static void refuses_other_files_in_qcow2(void **state)
{
	static const struct {
		size_t at; /* of a byte that is 1 */
		unsigned char byte;
		const char *error;
	} cases[] = {
		{0, 'Q', NULL},
		{15, 1, "changes to another file"},
		{8, 0x80, "changes to another file"},
		{35, 1, "encrypted"},
		{79, 4, "data in another file"},
		{79, 1, NULL}, /* it was not closed */
		{7, 4, "unknown version"},
		{7, 1, "unknown version"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned char head[104] = "QFI\xfb\0\0\0\3";
		struct err e = ERR_INIT;
		uint64_t size = 0;
		int rc;

		head[30] = 2;
		head[cases[i].at] = cases[i].byte;
		rc = disk_qcow2_check(head, sizeof(head), "x", &size, &e);
		assert_int_equal(rc == 0, !cases[i].error);
		if (cases[i].error)
			assert_non_null(strstr(e.msg, cases[i].error));
		else
			assert_int_equal(size, 512);
		assert_true(disk_qcow2_check(head, 103, "x", &size, &e) < 0);
	}
}

/* --- partition tables */

#define ROOT  "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"
#define LINUX "0fc63daf-8483-4772-8e79-3d69d8477de4"
#define ESP   "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"

#define TABLE(label, parts)                                                                        \
	"{\"partitiontable\": {\"label\": \"" label                                                \
	"\", \"unit\": \"sectors\", \"sectorsize\": 512, \"partitions\": [" parts "]}}"
#define PART(number, start, size, type)                                                            \
	"{\"node\": \"/x/disk" number "\", \"start\": " start ", \"size\": " size                  \
	", \"type\": \"" type "\"}"

#define DISK_BYTES (1000 * 512ULL)

static const struct {
	const char *what, *json;
	const char *error; /* NULL: it is right */
	size_t n;
	bool esp;
} tables[] = {
	{"a root", TABLE("gpt", PART("1", "34", "900", ROOT)), NULL, 1, false},
	{"up to the end", TABLE("gpt", PART("1", "34", "966", ROOT)), NULL, 1, false},
	{"an ESP and more",
		TABLE("gpt", PART("15", "100", "100", ESP) "," PART("1", "200", "700", LINUX)),
		NULL, 2, true},
	{"an MBR", TABLE("dos", PART("1", "2", "9", "83")), NULL, 1, false},
	{"its container", TABLE("dos", PART("1", "2", "90", "5") "," PART("5", "3", "9", "83")),
		NULL, 1, false},
	{"that of Linux", TABLE("dos", PART("2", "2", "90", "85") "," PART("5", "3", "9", "83")),
		NULL, 1, false},
	{"none", TABLE("gpt", ""), NULL, 0, false},
	{"beyond the end", TABLE("gpt", PART("1", "34", "967", ROOT)), "outside of the disk", 0, 0},
	{"from beyond", TABLE("gpt", PART("1", "1001", "1", ROOT)), "outside of the disk", 0, 0},
	{"a sum that overflows", TABLE("gpt", PART("1", "34", "9223372036854775807", ROOT)),
		"outside of the disk", 0, 0},
	{"the table itself", TABLE("gpt", PART("1", "0", "9", ROOT)), "outside of the disk", 0, 0},
	{"nothing", TABLE("gpt", PART("1", "34", "0", ROOT)), "outside of the disk", 0, 0},
	{"a negative place", TABLE("gpt", PART("1", "-34", "9", ROOT)), "start", 0, 0},
	{"text for a number", TABLE("gpt", PART("1", "\"34\"", "9", ROOT)), "start", 0, 0},
	{"one upon another",
		TABLE("gpt", PART("1", "34", "9", ROOT) "," PART("2", "42", "9", LINUX)), "overlap",
		0, 0},
	{"one number twice",
		TABLE("gpt", PART("1", "34", "9", ROOT) "," PART("1", "142", "9", LINUX)),
		"overlap", 0, 0},
	{"no number", TABLE("gpt", PART("", "34", "9", ROOT)), "no number", 0, 0},
	{"a number too large", TABLE("gpt", PART("129", "34", "9", ROOT)), "no number", 0, 0},
	{"of another kind", TABLE("sun", PART("1", "34", "9", ROOT)), "neither GPT nor MBR", 0, 0},
	{"odd sectors",
		"{\"partitiontable\": {\"label\": \"gpt\", \"sectorsize\": 0, \"partitions\": []}}",
		"sectors are", 0, 0},
	{"no table", "{}", "label", 0, 0},
	{"no JSON", "sfdisk: no table", "partition table", 0, 0},
	{"an empty answer", "", "partition table", 0, 0},
};

static void reads_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		struct disk_table *t = calloc(1, sizeof(*t));
		struct err e = ERR_INIT;
		int rc =
			disk_table_parse(tables[i].json, strlen(tables[i].json), DISK_BYTES, t, &e);

		if (tables[i].error) {
			if (rc == 0 || !strstr(e.msg, tables[i].error))
				fail_msg("%s: %d, %s", tables[i].what, rc, e.msg);
			assert_int_equal(e.kind, ERR_DATA);
		} else {
			if (rc < 0)
				fail_msg("%s: %s", tables[i].what, e.msg);
			assert_int_equal(t->n, tables[i].n);
			assert_int_equal(t->esp, tables[i].esp);
		}
		free(t);
	}
}

static void refuses_too_many_partitions(void **state)
{
	auto_buf struct buf json = BUF_INIT(65536);
	struct disk_table *t = calloc(1, sizeof(*t));
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(
		buf_adds(&json, "{\"partitiontable\": {\"label\": \"gpt\", \"partitions\": ["), 0);
	for (int i = 1; i <= DISK_PARTS + 1; i++)
		assert_int_equal(buf_addf(&json,
					 "%s{\"node\": \"d%d\", \"start\": %d, \"size\": 1, "
					 "\"type\": \"x\"}",
					 i > 1 ? "," : "", i, i),
			0);
	assert_int_equal(buf_adds(&json, "]}}"), 0);
	assert_true(disk_table_parse(json.data, json.len, DISK_BYTES, t, &e) < 0);
	assert_non_null(strstr(e.msg, "more than 128"));
	free(t);
}

static void knows_the_last_partition(void **state)
{
	static const char json[] =
		TABLE("gpt", PART("1", "200", "700", LINUX) "," PART("15", "100", "100", ESP));
	struct disk_table *t = calloc(1, sizeof(*t));
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(disk_table_parse(json, strlen(json), DISK_BYTES, t, &e), 0);
	assert_int_equal(t->part[0].number, 1);
	assert_int_equal(t->part[0].start, 200 * 512);
	assert_int_equal(t->part[1].number, 15);
	assert_true(disk_part_is_last(t, &t->part[0]));
	assert_false(disk_part_is_last(t, &t->part[1]));
	free(t);
}

/* --- a kernel that would follow the links of an image into this machine */

static int without_openat2(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = ARRAY_LEN(filter), .filter = filter};
	struct err e = ERR_INIT;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return 99;
	return disk_namespace(&e) < 0 && strstr(e.msg, "openat2") ? 0 : 1;
}

static void needs_links_that_stay(void **state)
{
	int status = -1;
	pid_t pid;

	(void)state;
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(without_openat2());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- programs of others */

/* Last: there is no way back. */
static void asks_programs_to_end(void **state)
{
	const struct scratch *t = *state;
	char path[96], text[16];
	const char *argv[] = {"sh", "-c",
		"trap 'echo clean >\"$0\"; exit' TERM; kill -TERM $PPID; while :; do sleep 0.05; done",
		path, NULL};
	struct err e = ERR_INIT;

	cancel_setup();
	snprintf(path, sizeof(path), "%s/said", t->path);
	assert_int_equal(disk_run(&(struct disk_command){.argv = argv}, &e), -ECANCELED);
	scratch_read(t, "said", text, sizeof(text));
	assert_string_equal(text, "clean\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recognises_bases),
		cmocka_unit_test(bears_short_files),
		cmocka_unit_test(refuses_other_files_in_qcow2),
		cmocka_unit_test(reads_tables),
		cmocka_unit_test(refuses_too_many_partitions),
		cmocka_unit_test(knows_the_last_partition),
		cmocka_unit_test(needs_links_that_stay),
		cmocka_unit_test_setup_teardown(
			asks_programs_to_end, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
