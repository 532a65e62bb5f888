/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/account/journal.h"
#include "controller/account/run.h"

#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define INTENT(token)                                                                              \
	"{\"event\":\"intent\",\"kind\":\"instance\",\"token\":\"" token                           \
	"\",\"region\":\"r\",\"time\":\"2026-01-02T03:04:05Z\"}\n"

static void open_good(const struct scratch *t, struct journal *j)
{
	struct err e = ERR_INIT;

	if (journal_open(t->fd, "j", j, &e) < 0)
		fail_msg("%s", e.msg);
}

static void test_reopen(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	const struct journal_entry *entry;

	for (unsigned i = 0; i < 2; i++) {
		auto_journal struct journal j = JOURNAL_INIT;

		open_good(t, &j);
		if (i == 0) {
			assert_int_equal(scratch_mode(t, "j") & 07777, 0600);
			assert_int_equal(journal_intend(&j, "instance", "one", "r1", &e), 0);
			assert_int_equal(journal_intend(&j, "group", "two", "r2", &e), 0);
			assert_int_equal(journal_intend(&j, "instance", "three", "r1", &e), 0);
			assert_int_equal(journal_made(&j, "one", "i-1", &e), 0);
			assert_int_equal(journal_refused(&j, "two", &e), 0);
			assert_int_equal(
				journal_event(&j, json_pack("{s:s}", "event", "x"), &e), 0);
		}
		assert_int_equal(j.n, 3);
		assert_int_equal(journal_open_entries(&j), 2);
		entry = journal_find(&j, "one");
		assert_int_equal(entry->state, JOURNAL_MADE);
		assert_string_equal(entry->id, "i-1");
		assert_string_equal(entry->kind, "instance");
		assert_string_equal(entry->region, "r1");
		assert_int_equal(journal_find(&j, "two")->state, JOURNAL_REFUSED);
		assert_int_equal(journal_find(&j, "three")->state, JOURNAL_INTENDED);
		assert_null(journal_find(&j, "four"));
		assert_int_equal(json_array_size(j.events), 1);
		if (i == 1) {
			assert_int_equal(journal_gone(&j, "one", &e), 0);
			assert_int_equal(journal_open_entries(&j), 1);
		}
	}
}

/* A crash cut the last line short; what comes next is a line of its own. */
/* What is kept is not left, and what is kept can be removed yet. */
static void test_kept(void **state)
{
	const struct scratch *t = *state;
	struct err e = ERR_INIT;

	for (unsigned i = 0; i < 2; i++) {
		auto_journal struct journal j = JOURNAL_INIT;

		open_good(t, &j);
		if (i == 0) {
			assert_int_equal(journal_intend(&j, "image", "one", "r1", &e), 0);
			assert_int_equal(journal_made(&j, "one", "ami-1", &e), 0);
			assert_int_equal(journal_open_entries(&j), 1);
			assert_null(journal_find_event(&j, "x"));
			assert_int_equal(journal_kept(&j, "one", &e), 0);
			assert_true(journal_kept(&j, "two", &e) < 0);
			assert_int_equal(
				journal_event(&j, json_pack("{s:s}", "event", "x"), &e), 0);
		}
		assert_int_equal(journal_open_entries(&j), 0);
		assert_int_equal(journal_find(&j, "one")->state, JOURNAL_KEPT);
		assert_string_equal(journal_find(&j, "one")->id, "ami-1");
		assert_non_null(journal_find_event(&j, "x"));
		if (i == 1)
			assert_int_equal(journal_gone(&j, "one", &e), 0);
	}
}

static void test_torn(void **state)
{
	static const char *const torn[] = {"{\"event\":\"made\",\"tok", "{}", "\1", "x"};
	const struct scratch *t = *state;
	char text[1024];

	for (size_t i = 0; i < ARRAY_LEN(torn); i++) {
		struct err e = ERR_INIT;

		snprintf(text, sizeof(text), INTENT("a") "%s", torn[i]);
		scratch_write(t, "j", text);
		for (unsigned n = 0; n < 2; n++) {
			auto_journal struct journal j = JOURNAL_INIT;

			open_good(t, &j);
			assert_int_equal(j.n, 1);
			assert_int_equal(
				journal_find(&j, "a")->state, n ? JOURNAL_MADE : JOURNAL_INTENDED);
			if (n == 0)
				assert_int_equal(journal_made(&j, "a", "i", &e), 0);
		}
	}
}

/* A file system may leave zeros where data was to come. */
static void test_zeros(void **state)
{
	static const char zeros[512], after[] = "\n" INTENT("b");
	const struct scratch *t = *state;
	auto_journal struct journal j = JOURNAL_INIT;
	struct err e = ERR_INIT;
	int fd;

	scratch_write(t, "j", INTENT("a"));
	fd = openat(t->fd, "j", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
	open_good(t, &j);
	assert_int_equal(j.n, 1);
	journal_close(&j);

	assert_int_equal(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
	assert_int_equal(write(fd, after, sizeof(after) - 1), sizeof(after) - 1);
	close(fd);
	/* Entries come after: nothing is thrown away. */
	assert_true(journal_open(t->fd, "j", &j, &e) < 0);
	assert_int_equal(e.kind, ERR_DATA);
}

static void test_alien(void **state)
{
	static const char *const lines[] = {
		"\n",
		"x\n",
		"[]\n",
		"{}\n",
		"{\"event\":1}\n",
		"{\"event\":\"made\",\"token\":\"never\",\"id\":\"i\"}\n",
		"{\"event\":\"intent\",\"kind\":\"k\",\"token\":\"t\",\"region\":\"r\"}\n",
		"{\"event\":\"intent\",\"kind\":\"k\",\"token\":\"\",\"region\":\"r\","
		"\"time\":\"2026-01-02T03:04:05Z\"}\n",
		INTENT("01234567890123456789012345678901234567890123456789012345678901234"),
		INTENT("a") "x\n",
		INTENT("a") INTENT("a"),
		INTENT("a") "{\"event\":\"made\",\"token\":\"a\"}\n",
	};
	const struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		auto_journal struct journal j = JOURNAL_INIT;
		struct err e = ERR_INIT;
		char text[1024];

		scratch_write(t, "j", lines[i]);
		assert_true(journal_open(t->fd, "j", &j, &e) < 0);
		assert_int_equal(e.kind, ERR_DATA);
		assert_non_null(strstr(e.msg, "line "));
		/* It is somebody's: it stays as it is. */
		scratch_read(t, "j", text, sizeof(text));
		assert_string_equal(text, lines[i]);
	}
}

/* What is refused is not in the file, so that it can be read again. */
static void test_refused_entries(void **state)
{
	const struct scratch *t = *state;
	char before[1024], after[1024];
	auto_journal struct journal j = JOURNAL_INIT;
	struct err e = ERR_INIT;

	open_good(t, &j);
	assert_int_equal(journal_intend(&j, "instance", "a", "r", &e), 0);
	scratch_read(t, "j", before, sizeof(before));
	assert_true(journal_intend(&j, "instance", "a", "r", &e) < 0);
	assert_true(journal_intend(&j, "instance", "", "r", &e) < 0);
	assert_true(journal_made(&j, "b", "i", &e) < 0);
	assert_true(journal_made(&j, "a", "", &e) < 0);
	assert_true(journal_event(&j, json_object(), &e) < 0);
	assert_true(journal_event(&j, NULL, &e) < 0);
	scratch_read(t, "j", after, sizeof(after));
	assert_string_equal(before, after);
	assert_int_equal(journal_find(&j, "a")->state, JOURNAL_INTENDED);
}

/* Half a line would be in front of the next one. */
static void test_no_space(void **state)
{
	const struct scratch *t = *state;
	struct rlimit old, limit;
	auto_journal struct journal j = JOURNAL_INIT;
	struct err e = ERR_INIT;

	open_good(t, &j);
	assert_int_equal(journal_intend(&j, "instance", "a", "r", &e), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = (rlim_t)lseek(j.fd, 0, SEEK_END) + 10;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_true(journal_made(&j, "a", "i", &e) < 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(e.kind, ERR_SYSTEM);
	e = (struct err)ERR_INIT;
	assert_int_equal(journal_made(&j, "a", "i", &e), 0);
	journal_close(&j);
	open_good(t, &j);
	assert_int_equal(journal_find(&j, "a")->state, JOURNAL_MADE);
}

static void test_runs(void **state)
{
	const struct scratch *t = *state;
	char ids[3][RUN_ID], **list;
	struct err e = ERR_INIT;
	size_t n;

	assert_int_equal(setenv("XDG_STATE_HOME", t->path, 1), 0);
	assert_int_equal(run_list(&list, &n, &e), 0);
	assert_int_equal(n, 0);
	run_list_free(list, n);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		auto_run struct run r = RUN_INIT;
		auto_run struct run again = RUN_INIT;

		assert_int_equal(run_new(json_pack("{s:i}", "n", (int)i), &r, &e), 0);
		memcpy(ids[i], r.id, RUN_ID);
		assert_int_equal(r.id[14], '7');
		assert_non_null(strchr("89ab", r.id[19]));
		/* Times in milliseconds: they sort once that has moved on. */
		usleep(2000);
		assert_int_equal(run_open(r.id, &again, &e), -EBUSY);
		assert_int_equal(e.kind, ERR_TRANSIENT);
		e = (struct err)ERR_INIT;
	}
	scratch_write(t, "shared-prep/alien/file", "");
	assert_int_equal(run_list(&list, &n, &e), 0);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		auto_run struct run r = RUN_INIT;

		assert_string_equal(list[i], ids[i]);
		assert_int_equal(run_open(ids[i], &r, &e), 0);
		assert_int_equal(json_integer_value(json_object_get(run_about(&r), "n")), i);
		assert_int_equal(run_forget(&r, &e), 0);
	}
	run_list_free(list, n);
}

static void test_run_names(void **state)
{
	static const char *const bad[] = {"", "0", "..", "../x", "x"};
	const struct scratch *t = *state;
	struct err e = ERR_INIT;
	char id[2][RUN_ID];

	assert_int_equal(setenv("XDG_STATE_HOME", t->path, 1), 0);
	for (size_t i = 0; i < 2; i++) {
		auto_run struct run r = RUN_INIT;

		assert_int_equal(run_new(json_object(), &r, &e), 0);
		memcpy(id[i], r.id, RUN_ID);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_run struct run r = RUN_INIT;

		/* "0" is the beginning of both. */
		assert_true(run_open(bad[i], &r, &e) < 0);
		assert_int_equal(e.kind, ERR_USAGE);
	}
	for (size_t i = 0; i < 2; i++) {
		auto_run struct run r = RUN_INIT;

		id[i][RUN_ID - 3] = '\0';
		e = (struct err)ERR_INIT;
		assert_int_equal(run_open(id[i], &r, &e), 0);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reopen),
		TEST(test_kept),
		TEST(test_torn),
		TEST(test_zeros),
		TEST(test_alien),
		TEST(test_refused_entries),
		TEST(test_no_space),
		TEST(test_runs),
		TEST(test_run_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
