/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cores.h"
#include "agent/idset.h"
#include "agent/queue.h"
#include "agent/rundir.h"
#include "agent/spool.h"
#include "agent/submit.h"
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

static struct spool open_spool(const struct scratch *t)
{
	struct spool s = SPOOL_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(spool_make(t->fd, "jobs", &e), 0);
	assert_int_equal(spool_open(t->fd, "jobs", &s, &e), 0);
	return s;
}

static void names_are_strict(void **state)
{
	static const char *const good[] = {"a", "0", "job.sh", "A-b_c.9",
		"a234567890123456789012345678901234567890123456789012345678901234"};
	static const char *const bad[] = {"", ".", "..", ".a", "-a", "_a", "a/b", "a b", "a\n",
		"\xc3\xa9", "a~2",
		"a234567890123456789012345678901234567890123456789012345678901234x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(spool_is_name(good[i]));
		assert_true(spool_is_id(good[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char safe[SPOOL_NAME];

		assert_false(spool_is_name(bad[i]));
		spool_safe_name(bad[i], safe);
		assert_true(spool_is_name(safe));
	}
}

static void ids_bear_a_number(void **state)
{
	static const char *const good[] = {"a~2", "a~10", "a.b~1234567"};
	static const char *const bad[] = {
		"~2", "a~", "a~0", "a~02", "a~x", "a~2~3", "a~12345678", "a~-1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(spool_is_id(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(spool_is_id(bad[i]));
}

static void folders_have_their_modes(void **state)
{
	const struct scratch *t = *state;
	auto_spool struct spool s = open_spool(t);

	assert_true(s.fd >= 0);
	assert_int_equal(scratch_mode(t, "jobs") & 07777, 0755);
	assert_int_equal(scratch_mode(t, "jobs/new") & 07777, 01777);
	assert_int_equal(scratch_mode(t, "jobs/tmp") & 07777, 01777);
	assert_int_equal(scratch_mode(t, "jobs/cancel") & 07777, 01777);
	assert_int_equal(scratch_mode(t, "jobs/run") & 07777, 0755);
}

static void a_planted_spool_is_refused(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;

	assert_int_equal(mkdirat(t->fd, "elsewhere", 0777), 0);
	assert_int_equal(symlinkat("elsewhere", t->fd, "jobs"), 0);
	assert_true(spool_make(t->fd, "jobs", &e) < 0);
	assert_int_equal(unlinkat(t->fd, "jobs", 0), 0);
	assert_int_equal(mkdirat(t->fd, "jobs", 0755), 0);
	assert_int_equal(symlinkat("../elsewhere", t->fd, "jobs/new"), 0);
	assert_true(spool_make(t->fd, "jobs", &e) < 0);
	if (geteuid() == 0) {
		assert_int_equal(unlinkat(t->fd, "jobs/new", 0), 0);
		assert_int_equal(fchownat(t->fd, "jobs", 1, 1, 0), 0);
		assert_int_equal(spool_make(t->fd, "jobs", &e), -EPERM);
	}
}

static void a_claim_takes_the_next_free_id(void **state)
{
	const struct scratch *t = *state;
	auto_spool struct spool s = open_spool(t);
	struct err e = ERR_INIT;
	char id[SPOOL_ID];

	assert_int_equal(spool_claim(&s, "job", id, &e), -ENOENT);
	assert_int_equal(spool_find(&s, "job"), SPOOL_NOWHERE);
	scratch_write(t, "jobs/new/job", "one");
	assert_int_equal(spool_find(&s, "job"), SPOOL_NEW);
	assert_int_equal(spool_claim(&s, "job", id, &e), 0);
	assert_string_equal(id, "job");
	assert_int_equal(spool_find(&s, "job"), SPOOL_RUN);
	scratch_write(t, "jobs/new/job", "two");
	assert_int_equal(spool_claim(&s, "job", id, &e), 0);
	assert_string_equal(id, "job~2");
	assert_int_equal(spool_finish(&s, "job", true, &e), 0);
	assert_int_equal(spool_finish(&s, "job~2", false, &e), 0);
	assert_int_equal(spool_finish(&s, "job~2", false, &e), -ENOENT);
	assert_int_equal(spool_find(&s, "job"), SPOOL_DONE);
	assert_int_equal(spool_find(&s, "job~2"), SPOOL_FAILED);
	scratch_write(t, "jobs/new/job", "three");
	assert_int_equal(spool_claim(&s, "job", id, &e), 0);
	assert_string_equal(id, "job~3");
	scratch_write(t, "jobs/new/.bad\n", "four");
	assert_int_equal(spool_claim(&s, ".bad\n", id, &e), 0);
	assert_int_equal(strncmp(id, "bad-", 4), 0);
}

static enum rundir_state state_of(int dir)
{
	enum rundir_state state;
	struct rundir_lock lock;
	struct err e = ERR_INIT;

	assert_int_equal(rundir_state(dir, &state, &lock, &e), 0);
	return state;
}

/* The table of spool.h. */
static void a_folder_tells_where_its_job_stands(void **state)
{
	const struct scratch *t = *state;
	auto_spool struct spool s = open_spool(t);
	struct err e = ERR_INIT;
	auto_close int dir = -1;
	int lock = -1, other = -1;

	assert_int_equal(mkdirat(s.run, "job", 0700), 0);
	assert_int_equal(rundir_open(s.run, "job", &dir, &e), 0);
	assert_int_equal(state_of(dir), RUNDIR_EMPTY);
	assert_false(rundir_has_job(dir));
	scratch_write(t, "jobs/run/job/submitted", "x");
	assert_int_equal(state_of(dir), RUNDIR_CLAIMED);
	assert_true(rundir_has_job(dir));
	/* Of a recorder that died while it made its lock. */
	scratch_write(t, "jobs/run/job/.lock.123", "123");
	rundir_sweep(dir);
	assert_int_equal(faccessat(dir, ".lock.123", F_OK, 0), -1);
	assert_int_equal(state_of(dir), RUNDIR_CLAIMED);
	assert_int_equal(rundir_lock(dir, NULL, &lock, &e), 0);
	assert_int_equal(state_of(dir), RUNDIR_RUNNING);
	assert_int_equal(rundir_lock(dir, NULL, &other, &e), -EEXIST);
	close(lock);
	assert_int_equal(state_of(dir), RUNDIR_DEAD);
	assert_int_equal(rundir_lock(dir, NULL, &other, &e), -EEXIST);
	scratch_write(t, "jobs/run/job/result.json", "{}");
	assert_int_equal(state_of(dir), RUNDIR_ENDED);
	assert_int_equal(rundir_reset(dir, &e), 0);
	assert_int_equal(state_of(dir), RUNDIR_CLAIMED);
	assert_int_equal(rundir_lock(dir, NULL, &lock, &e), 0);
	close(lock);
}

/* One of an earlier version has no list. */
static void a_lock_tells_who_and_where(void **state)
{
	static const struct {
		const char *text, *list;
		pid_t pid;
		uint64_t started;
	} table[] = {{"12 345\n", NULL, 12, 345}, {"12 345 0-1,3\n", "0-1,3", 12, 345},
		{"12 345 \n", NULL, 12, 345}, {"12 345 x\n", NULL, 12, 345}, {"12", NULL, 12, 0},
		{"", NULL, 0, 0}};
	const struct scratch *t = *state;
	auto_spool struct spool s = open_spool(t);
	struct err e = ERR_INIT;
	auto_close int dir = -1;
	char list[CORES_LIST];
	struct rundir_lock lock;
	enum rundir_state where;
	cpu_set_t set;
	int fd;

	assert_int_equal(mkdirat(s.run, "job", 0700), 0);
	assert_int_equal(rundir_open(s.run, "job", &dir, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		scratch_write(t, "jobs/run/job/lock", table[i].text);
		assert_int_equal(rundir_state(dir, &where, &lock, &e), 0);
		assert_int_equal(lock.pid, table[i].pid);
		assert_int_equal(lock.started_ns, table[i].started);
		assert_int_equal(lock.pinned, table[i].list != NULL);
		if (lock.pinned) {
			cores_print_list(&lock.set, list);
			assert_string_equal(list, table[i].list);
		}
	}
	/* The longest. */
	CPU_ZERO(&set);
	for (unsigned i = 0; i < CPU_SETSIZE; i++)
		if (i % 3 != 2)
			CPU_SET(i, &set);
	assert_int_equal(unlinkat(dir, "lock", 0), 0);
	assert_int_equal(rundir_lock(dir, &set, &fd, &e), 0);
	close(fd);
	assert_int_equal(rundir_state(dir, &where, &lock, &e), 0);
	assert_int_equal(lock.pid, getpid());
	assert_true(lock.pinned && CPU_EQUAL(&lock.set, &set));
}

struct file_case {
	const char *name, *why;
};

static void only_plain_files_are_jobs(void **state)
{
	static const struct file_case table[] = {{"link", "symbolic link"}, {"dir", "directory"},
		{"fifo", "FIFO"}, {"two", "hard link"}, {"empty", "empty"}, {"long", "1 MiB"},
		{"sparse", "1 MiB"}};
	const struct scratch *t = *state;
	auto_buf struct buf text = BUF_INIT(SPOOL_JOB_MAX + 1);
	struct stat st;
	struct err e = ERR_INIT;
	int fd;

	scratch_write(t, "plain", "x");
	scratch_write(t, "one", "x");
	scratch_write(t, "empty", "");
	assert_int_equal(symlinkat("plain", t->fd, "link"), 0);
	assert_int_equal(mkdirat(t->fd, "dir", 0700), 0);
	assert_int_equal(mkfifoat(t->fd, "fifo", 0600), 0);
	assert_int_equal(linkat(t->fd, "one", t->fd, "two", 0), 0);
	fd = openat(t->fd, "long", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, SPOOL_JOB_MAX + 1), 0);
	close(fd);
	fd = openat(t->fd, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_true(rundir_read_submitted(t->fd, table[i].name, &text, &st, &e) < 0);
		assert_int_equal(e.kind, ERR_DATA);
		if (!strstr(e.msg, table[i].why))
			fail_msg("%s: %s", table[i].name, e.msg);
	}
	assert_int_equal(rundir_read_submitted(t->fd, "none", &text, &st, &e), -ENOENT);
	assert_int_equal(rundir_read_submitted(t->fd, "plain", &text, &st, &e), 0);
	assert_string_equal(buf_str(&text), "x");
}

static void the_least_name_comes_first(void **state)
{
	struct queue q;
	struct err e = ERR_INIT;
	char name[16], last[16] = "";
	const char *least;
	size_t n = 0;

	(void)state;
	assert_int_equal(queue_open(&q, 4096, 64, &e), 0);
	for (unsigned i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "j%02u", (i * 37) % 50);
		queue_add(&q, name);
	}
	while ((least = queue_take(&q))) {
		assert_true(strcmp(last, least) < 0);
		snprintf(last, sizeof(last), "%s", least);
		n++;
	}
	assert_int_equal(n, 50);
	assert_false(q.more);
	queue_close(&q);
}

/* With more than fit it keeps the least, says so, and after a reset the rest has its turn. */
static void too_many_names_come_in_parts(void **state)
{
	enum { ALL = 5000 };
	static bool seen[ALL];
	struct queue q;
	struct err e = ERR_INIT;
	unsigned next = 0, parts = 0;
	const char *least;
	char name[16];

	(void)state;
	assert_int_equal(queue_open(&q, 4096, 256, &e), 0);
	do {
		queue_reset(&q);
		for (unsigned i = 0; i < ALL; i++) {
			unsigned k = (i * 2287) % ALL;

			snprintf(name, sizeof(name), "j%04u", k);
			if (!seen[k])
				queue_add(&q, name);
		}
		while ((least = queue_take(&q))) {
			unsigned k = (unsigned)strtoul(least + 1, NULL, 10);

			assert_int_equal(k, next++);
			seen[k] = true;
		}
		parts++;
	} while (q.more);
	assert_int_equal(next, ALL);
	assert_true(parts > 5);
	queue_close(&q);
}

static void a_set_of_ids_has_what_was_added(void **state)
{
	static struct idset set;
	unsigned wrong = 0;
	char id[SPOOL_ID];

	(void)state;
	assert_false(idset_has(&set, "job-0"));
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "job-%u", i);
		idset_add(&set, id);
		assert_true(idset_has(&set, id));
		snprintf(id, sizeof(id), "other-%u", i);
		wrong += idset_has(&set, id);
	}
	assert_in_range(wrong, 0, 20);
	idset_reset(&set);
	assert_false(idset_has(&set, "job-0"));
}

static void ids_sort_by_time(void **state)
{
	char a[SPOOL_ID], b[SPOOL_ID];

	(void)state;
	submit_id(1764108000000000, 77, "name", a);
	submit_id(1764108000000001, 3, NULL, b);
	assert_true(strcmp(a, b) < 0);
	assert_int_equal(strlen(b), SUBMIT_PREFIX);
	assert_string_equal(a + SUBMIT_PREFIX, "-name");
	assert_true(spool_is_name(a) && spool_is_name(b));
	submit_id(UINT64_MAX, UINT32_MAX, NULL, a);
	assert_true(spool_is_name(a));
}

struct array_case {
	const char *text;
	uint64_t first, last;
};

static void arrays_are_ranges(void **state)
{
	static const struct array_case good[] = {{"0-99", 0, 99}, {"7", 7, 7}, {"5-5", 5, 5}};
	static const char *const bad[] = {"", "-", "1-", "-1", "2-1", "a-b", "1-2-3", "0-100000"};
	struct err e = ERR_INIT;
	uint64_t first, last;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(submit_array(good[i].text, &first, &last, &e), 0);
		assert_int_equal(first, good[i].first);
		assert_int_equal(last, good[i].last);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(submit_array(bad[i], &first, &last, &e) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_strict),
		cmocka_unit_test(ids_bear_a_number),
		cmocka_unit_test_setup_teardown(
			folders_have_their_modes, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			a_planted_spool_is_refused, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			a_claim_takes_the_next_free_id, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			a_folder_tells_where_its_job_stands, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			a_lock_tells_who_and_where, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			only_plain_files_are_jobs, scratch_setup, scratch_teardown),
		cmocka_unit_test(the_least_name_comes_first),
		cmocka_unit_test(too_many_names_come_in_parts),
		cmocka_unit_test(a_set_of_ids_has_what_was_added),
		cmocka_unit_test(ids_sort_by_time),
		cmocka_unit_test(arrays_are_ranges),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
