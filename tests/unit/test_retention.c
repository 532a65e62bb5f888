/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/retention.h"
#include "common/num.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define FOLDERS   5
#define JOB_BYTES 65536
#define MANY      3000 /* more than are considered at a time */
#define OLD       (20 * 365 * 86400)
#define ONE_HOUR  (3600 * NSEC_PER_SEC)

struct fixture {
	const struct scratch *t;
	struct spool spool;
	struct settings_keep keep;
	struct retention r;
	time_t now;
};

static void setup(struct fixture *f, void **state)
{
	struct err e = ERR_INIT;

	*f = (struct fixture){
		.t = *state, .spool = SPOOL_INIT, .keep = {.jobs = UINT64_MAX}, .now = time(NULL)};
	f->r = (struct retention){.spool = &f->spool, .keep = &f->keep};
	assert_int_equal(spool_make(f->t->fd, "jobs", &e), 0);
	assert_int_equal(spool_open(f->t->fd, "jobs", &f->spool, &e), 0);
}

/* A folder whose job ended so many seconds ago. */
static void set_age(const struct fixture *f, const char *path, time_t age)
{
	const struct timespec times[2] = {{.tv_sec = f->now - age}, {.tv_sec = f->now - age}};

	assert_int_equal(utimensat(f->t->fd, path, times, 0), 0);
}

static void add_ended(const struct fixture *f, const char *path, time_t age)
{
	static char text[JOB_BYTES];
	char file[128];

	memset(text, 'x', sizeof(text) - 1);
	snprintf(file, sizeof(file), "%s/stdout", path);
	scratch_write(f->t, file, text);
	set_age(f, path, age);
}

static bool is_there(const struct fixture *f, const char *path)
{
	return faccessat(f->t->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int kept;

static int keep_b(int folder, const char *id, void *ctx)
{
	(void)folder;
	(void)ctx;
	kept++;
	return strcmp(id, "b") == 0 ? -EBUSY : 0;
}

static void the_oldest_go_first(void **state)
{
	struct err e = ERR_INIT;
	struct fixture f;

	setup(&f, state);
	f.keep.jobs = 3;
	add_ended(&f, "jobs/done/a", OLD + 50);
	add_ended(&f, "jobs/failed/b", OLD + 40);
	add_ended(&f, "jobs/done/c", OLD + 30);
	assert_int_equal(retention_open(&f.r, &e), 0);
	assert_int_equal(f.r.jobs, 3);
	assert_false(retention_is_due(&f.r));
	add_ended(&f, "jobs/done/d", OLD + 20);
	retention_add(&f.r, 4096);
	assert_true(retention_is_due(&f.r));
	assert_int_equal(retention_enforce(&f.r, &e), 0);
	assert_false(is_there(&f, "jobs/done/a"));
	assert_true(is_there(&f, "jobs/failed/b") && is_there(&f, "jobs/done/d"));
	assert_int_equal(f.r.jobs, 3);
	/* What the hook keeps stays. */
	f.keep.jobs = 1;
	f.r.before = keep_b;
	assert_int_equal(retention_enforce(&f.r, &e), 0);
	assert_true(is_there(&f, "jobs/failed/b"));
	assert_false(is_there(&f, "jobs/done/c"));
	assert_true(kept > 0);
	/* All of these are years old. */
	f.keep = (struct settings_keep){.jobs = UINT64_MAX, .age = ONE_HOUR};
	f.r.before = NULL;
	assert_int_equal(retention_enforce(&f.r, &e), 0);
	assert_false(is_there(&f, "jobs/failed/b") || is_there(&f, "jobs/done/d"));
	assert_int_equal(f.r.jobs, 0);
	assert_int_equal(f.r.bytes, 0);
	spool_close(&f.spool);
}

/* Five jobs of one size; 0 for the seconds since the end of one makes no folder. */
struct bound {
	const char *text;
	time_t age[FOLDERS];
	struct settings_keep keep;
	double share; /* bytes kept, as a share of what is there, 0: no bound */
	bool stays[FOLDERS];
};

static const struct bound bounds[] = {
	{"nothing is bounded", {50, 40, 30, 20, 10}, {.jobs = UINT64_MAX}, 0, {1, 1, 1, 1, 1}},
	{"a count", {50, 40, 30, 20, 10}, {.jobs = 2}, 0, {0, 0, 0, 1, 1}},
	{"the order is by the end, not by the name", {10, 50, 20, 40, 30}, {.jobs = 2}, 0,
		{1, 0, 1, 0, 0}},
	{"a count of none: the last stays", {50, 40, 10, 30, 20}, {.jobs = 0}, 0, {0, 0, 1, 0, 0}},
	{"bytes", {50, 40, 30, 20, 10}, {.jobs = UINT64_MAX}, 0.63, {0, 0, 1, 1, 1}},
	{"too few bytes for any: the last stays", {50, 40, 30, 20, 10}, {.jobs = UINT64_MAX}, 1e-9,
		{0, 0, 0, 0, 1}},
	{"the smaller of two bounds counts", {50, 40, 30, 20, 10}, {.jobs = 4}, 0.44,
		{0, 0, 0, 1, 1}},
	{"either of them", {50, 40, 30, 20, 10}, {.jobs = 1}, 0.81, {0, 0, 0, 0, 1}},
	{"an age", {7300, 7200, 30, 20, 10}, {.jobs = UINT64_MAX, .age = ONE_HOUR}, 0,
		{0, 0, 1, 1, 1}},
	{"an age, for the last too", {7300, 7200, 7100, 7000, 6900},
		{.jobs = UINT64_MAX, .age = ONE_HOUR}, 0, {0, 0, 0, 0, 0}},
	{"an age and a count", {7300, 40, 30, 20, 10}, {.jobs = 2, .age = ONE_HOUR}, 0,
		{0, 0, 0, 1, 1}},
	{"a single one, too old", {7300}, {.jobs = 0, .age = ONE_HOUR}, 0, {0}},
	{"a single one that is too much", {50}, {.jobs = 0, .age = ONE_HOUR}, 0, {1}},
	{"one that ends in the future is not old", {-7300}, {.jobs = 5, .age = ONE_HOUR}, 0, {1}},
	{"nothing at all", {0}, {.jobs = 0, .age = ONE_HOUR}, 0, {0}},
};

/* In both folders, in turns. */
static const char *path_of(size_t i)
{
	static const char *const path[FOLDERS] = {
		"jobs/done/e", "jobs/failed/d", "jobs/done/c", "jobs/failed/b", "jobs/done/a"};

	return path[i];
}

static void check_bound(const struct bound *b, void **state)
{
	struct err e = ERR_INIT;
	struct fixture f;
	uint64_t left = 0;

	setup(&f, state);
	for (size_t i = 0; i < FOLDERS; i++)
		if (b->age[i] != 0)
			add_ended(&f, path_of(i), b->age[i]);
	f.keep = b->keep;
	assert_int_equal(retention_open(&f.r, &e), 0);
	if (b->share > 0)
		f.keep.bytes = 1 + (uint64_t)((double)f.r.bytes * b->share);
	assert_int_equal(retention_enforce(&f.r, &e), 0);
	for (size_t i = 0; i < FOLDERS; i++) {
		if (is_there(&f, path_of(i)) != b->stays[i])
			fail_msg("%s: job %zu is %s", b->text, i, b->stays[i] ? "gone" : "there");
		left += b->stays[i];
	}
	assert_int_equal(f.r.jobs, left);
	/* The folders themselves take some, but on a tmpfs. */
	assert_true(f.r.bytes >= left * JOB_BYTES && f.r.bytes < (left + 1) * JOB_BYTES);
	f.keep = (struct settings_keep){.jobs = UINT64_MAX, .age = 1};
	for (size_t i = 0; i < FOLDERS; i++)
		if (b->stays[i])
			set_age(&f, path_of(i), 10);
	assert_int_equal(retention_enforce(&f.r, &e), 0);
	spool_close(&f.spool);
}

static void each_bound_removes_what_is_too_much(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(bounds); i++)
		check_bound(&bounds[i], state);
}

/* Up to a tenth more than the bound is kept for a while. */
static void it_is_due_at_a_tenth_more(void **state)
{
	struct settings_keep keep = {.jobs = 100};
	struct retention r = {.keep = &keep, .jobs = 110};

	(void)state;
	assert_false(retention_is_due(&r));
	r.jobs = 111;
	assert_true(retention_is_due(&r));
	keep = (struct settings_keep){.jobs = UINT64_MAX, .bytes = 1000};
	r.bytes = 1100;
	assert_false(retention_is_due(&r));
	r.bytes = 1101;
	assert_true(retention_is_due(&r));
	keep = (struct settings_keep){.jobs = UINT64_MAX, .percent = 5};
	r.size = 22000;
	r.bytes = 1210;
	assert_false(retention_is_due(&r));
	r.bytes = 1211;
	assert_true(retention_is_due(&r));
	/* No bound. */
	keep = (struct settings_keep){.jobs = UINT64_MAX};
	r.jobs = r.bytes = UINT64_MAX;
	assert_false(retention_is_due(&r));
}

/* Nothing that stands there keeps the others from going. */
static void what_is_no_job_harms_nobody(void **state)
{
	char name[SPOOL_ID + 8] = "", path[SPOOL_ID + 32];
	struct err e = ERR_INIT;
	struct fixture f;

	setup(&f, state);
	f.keep.jobs = 1;
	/* A file, a link, a folder in the place of a file, nothing in it, and names that no job
	 * has. */
	scratch_write(f.t, "jobs/done/file", "text");
	set_age(&f, "jobs/done/file", OLD + 9);
	scratch_write(f.t, "outside/file", "text");
	assert_int_equal(symlinkat("../../outside", f.t->fd, "jobs/failed/link"), 0);
	scratch_write(f.t, "jobs/failed/tree/submitted/deep/er", "text");
	set_age(&f, "jobs/failed/tree", OLD + 7);
	assert_int_equal(mkdirat(f.t->fd, "jobs/done/empty", 0700), 0);
	set_age(&f, "jobs/done/empty", OLD + 6);
	add_ended(&f, "jobs/done/.hidden", OLD + 5);
	add_ended(&f, "jobs/done/new\nline", OLD + 4);
	add_ended(&f, "jobs/done/-x", OLD + 3);
	add_ended(&f, "jobs/done/a", 2);
	/* Longer than an ID: none of ours, and left alone. */
	memset(name, 'x', SPOOL_ID);
	snprintf(path, sizeof(path), "jobs/failed/%s", name);
	add_ended(&f, path, OLD + 2);
	/* The link is as young as can be. */
	assert_int_equal(retention_open(&f.r, &e), 0);
	assert_int_equal(retention_enforce(&f.r, &e), 0);
	assert_false(is_there(&f, "jobs/done/file") || is_there(&f, "jobs/failed/tree") ||
		     is_there(&f, "jobs/done/empty") || is_there(&f, "jobs/done/.hidden") ||
		     is_there(&f, "jobs/done/new\nline") || is_there(&f, "jobs/done/-x") ||
		     is_there(&f, "jobs/done/a"));
	assert_true(is_there(&f, path));
	assert_true(is_there(&f, "jobs/failed/link"));
	f.keep.age = 1;
	add_ended(&f, "jobs/done/a", 10);
	assert_int_equal(retention_enforce(&f.r, &e), 0);
	assert_true(is_there(&f, "outside/file"));
	spool_close(&f.spool);
}

/* More than are considered at a time: no younger one goes before an older one. */
static void many_go_in_rounds(void **state)
{
	struct err e = ERR_INIT;
	struct fixture f;
	char path[64];
	uint64_t before;

	setup(&f, state);
	for (int i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "jobs/done/job%d", i);
		assert_int_equal(mkdirat(f.t->fd, path, 0700), 0);
		/* The names in another order than the ends. */
		set_age(&f, path, 10 + (i * 7) % MANY);
	}
	f.keep.jobs = 0;
	assert_int_equal(retention_open(&f.r, &e), 0);
	do {
		before = f.r.jobs;
		assert_int_equal(retention_enforce(&f.r, &e), 0);
		/* Of those that are left, none is older than one that is gone. */
		assert_true(f.r.jobs <= 1 || is_there(&f, "jobs/done/job0"));
	} while (f.r.jobs < before);
	assert_int_equal(f.r.jobs, 1);
	assert_true(is_there(&f, "jobs/done/job0"));
	spool_close(&f.spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_oldest_go_first, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			each_bound_removes_what_is_too_much, scratch_setup, scratch_teardown),
		cmocka_unit_test(it_is_due_at_a_tenth_more),
		cmocka_unit_test_setup_teardown(
			what_is_no_job_harms_nobody, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(many_go_in_rounds, scratch_setup, scratch_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
