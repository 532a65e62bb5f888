/* SPDX-License-Identifier: Apache-2.0 */
/* What builds leave: archives and logs, the report and what is taken from a journal again. */
#include "common/digest.h"
#include "controller/build/artifact.h"
#include "controller/build/dist.h"
#include "controller/build/report.h"

#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

static const struct project_app app = {.name = (char[]){"app"}};
static const struct project_flags flags = {.name = (char[]){"fast"}};

static struct build make_build(void)
{
	return (struct build){
		.app = &app, .flags = &flags, .target = {.name = "znver4"}, .key = "app_znver4"};
}

static void write_archive(const struct scratch *t, struct build *b, const char *digest_of)
{
	struct err e = ERR_INIT;
	int fd;

	scratch_write(t, "of", digest_of);
	fd = openat(t->fd, "of", O_RDONLY | O_CLOEXEC);
	assert_int_equal(digest_fd(fd, "of", b->digest, &e), 0);
	close(fd);
	assert_int_equal(artifact_begin(t->path, b, &fd, &e), 0);
	assert_int_equal(write(fd, "content", 7), 7);
	assert_int_not_equal(faccessat(t->fd, "fast/app_znver4.tar.zst", F_OK, 0), 0);
	assert_int_equal(artifact_keep(t->path, b, fd, &e),
		strcmp(digest_of, "content") == 0 ? 0 : -EBADMSG);
	close(fd);
}

static void test_keep(void **state)
{
	const struct scratch *t = *state;
	struct build b = make_build();
	char text[32];

	write_archive(t, &b, "content");
	assert_int_equal(b.bytes, 7);
	scratch_read(t, "fast/app_znver4.tar.zst", text, sizeof(text));
	assert_string_equal(text, "content");
	b.bytes = 0;
	assert_true(artifact_is_there(t->path, &b));
	assert_int_equal(b.bytes, 7);
	b.digest[0] = b.digest[0] == 'f' ? '0' : 'f';
	assert_false(artifact_is_there(t->path, &b));
	assert_int_equal(unlinkat(t->fd, "fast/app_znver4.tar.zst", 0), 0);
	assert_false(artifact_is_there(t->path, &b));
}

static void test_damaged(void **state)
{
	const struct scratch *t = *state;
	struct build b = make_build();
	struct err e = ERR_INIT;
	int fd;

	write_archive(t, &b, "contenT");
	assert_int_not_equal(faccessat(t->fd, "fast/app_znver4.tar.zst", F_OK, 0), 0);
	assert_int_not_equal(faccessat(t->fd, "fast/app_znver4.tar.zst.partial", F_OK, 0), 0);
	assert_int_equal(artifact_begin(t->path, &b, &fd, &e), 0);
	close(fd);
	assert_int_equal(faccessat(t->fd, "fast/app_znver4.tar.zst.partial", F_OK, 0), 0);
	artifact_drop(t->path, &b);
	assert_int_not_equal(faccessat(t->fd, "fast/app_znver4.tar.zst.partial", F_OK, 0), 0);
}

static void test_last_line(void **state)
{
	static const struct {
		const char *log;
		off_t from;
		const char *want;
	} cases[] = {
		{"", 0, ""},
		{"one", 0, "one"},
		{"one\n", 0, "one"},
		{"one\ntwo\n\n \t\n", 0, "two"},
		{"\n\n\n", 0, ""},
		{"one\n", 4, ""},
		{"one\ntwo\n", 4, "two"},
		{"one\n\n", 4, ""},
		{"a\033[31m\tb\rc\177\n", 0, "a [31m b c?"},
		{"\303\244\377\n", 0, "???"},
		{"0123456789012345678901234567890123456789\n", 0,
			"0123456789012345678901234567890"},
	};
	const struct scratch *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char out[32];
		int fd;

		scratch_write(t, "log", cases[i].log);
		fd = openat(t->fd, "log", O_RDONLY | O_CLOEXEC);
		artifact_last_line(fd, cases[i].from, out, sizeof(out));
		close(fd);
		assert_string_equal(out, cases[i].want);
	}
}

/* More than is looked at. */
static void test_last_line_of_many(void **state)
{
	const struct scratch *t = *state;
	static char text[100000];
	char out[32];
	int fd;

	memset(text, 'x', sizeof(text) - 1);
	memcpy(text + sizeof(text) - 6, "\nend\n", 5);
	scratch_write(t, "log", text);
	fd = openat(t->fd, "log", O_RDONLY | O_CLOEXEC);
	artifact_last_line(fd, 0, out, sizeof(out));
	assert_string_equal(out, "end");
	assert_int_equal(ftruncate(openat(t->fd, "log", O_WRONLY), 0), 0);
	/* It was cut meanwhile. */
	artifact_last_line(fd, 50000, out, sizeof(out));
	close(fd);
	assert_string_equal(out, "");
}

static void test_report(void **state)
{
	const struct scratch *t = *state;
	static struct build b[2];
	const struct matrix m = {.build = b, .n = 2};
	const struct project p = {.name = (char[]){"\377 p"}, .provider = PROVIDER_LOCAL};
	const struct report r = {.project = &p, .matrix = &m, .run = "run", .cost = 1500000};
	auto_json json_t *report = NULL;
	const json_t *builds;
	struct err e = ERR_INIT;

	b[0] = b[1] = make_build();
	write_archive(t, &b[0], "content");
	b[0].state = BUILD_DONE;
	b[1].state = BUILD_FAILED;
	/* Cut in the middle of a character. */
	snprintf(b[1].why, sizeof(b[1].why), "why \342\200");
	assert_int_equal(report_json(&r, &report, &e), 0);
	assert_string_equal(json_string_value(json_object_get(report, "project")), "? p");
	builds = json_object_get(report, "builds");
	assert_int_equal(json_array_size(builds), 2);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(builds, 0), "archive")),
		"fast/app_znver4.tar.zst");
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(builds, 1), "why")), "why ??");
	assert_null(json_object_get(json_array_get(builds, 1), "archive"));
	assert_int_equal(dist_report(t->path, report, &e), 0);
	assert_int_equal(faccessat(t->fd, "build.json", R_OK, 0), 0);
}

static void test_resume(void **state)
{
	const struct scratch *t = *state;
	struct build b = make_build(), again = make_build();
	struct matrix m = {.build = &again, .n = 1};
	auto_json json_t *events = json_array();
	json_t *event;
	struct err e = ERR_INIT;

	write_archive(t, &b, "content");
	b.state = BUILD_FAILED;
	assert_int_equal(report_event(&b, &event, &e), 0);
	json_array_append_new(events, event);
	json_array_append_new(events, json_pack("{s:s, s:s}", "event", "built", "state", "done"));
	json_array_append_new(events,
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "event", "built", "state", "done",
			"app", "app", "target", "znver4", "flags", "fast", "sha256", "short"));
	report_resume(&m, events, t->path);
	assert_int_equal(again.state, BUILD_WAITING);

	b.state = BUILD_DONE;
	assert_int_equal(report_event(&b, &event, &e), 0);
	json_array_append_new(events, event);
	again.target.name[0] = 'Z';
	report_resume(&m, events, t->path);
	assert_int_equal(again.state, BUILD_WAITING);
	again = make_build();
	report_resume(&m, events, t->path);
	assert_int_equal(again.state, BUILD_DONE);
	assert_true(again.told);
	assert_int_equal(again.bytes, 7);
	again = make_build();
	scratch_write(t, "fast/app_znver4.tar.zst", "another");
	report_resume(&m, events, t->path);
	assert_int_equal(again.state, BUILD_WAITING);
}

static void test_enter(void **state)
{
	const struct scratch *t = *state;
	char path[128];
	struct err e = ERR_INIT;
	int fd, other;

	snprintf(path, sizeof(path), "%s/a/dist", t->path);
	assert_int_equal(dist_enter(path, &fd, &e), 0);
	assert_int_equal(dist_enter(path, &other, &e), -EBUSY);
	assert_int_equal(e.kind, ERR_TRANSIENT);
	close(fd);
	assert_int_equal(dist_enter(path, &fd, &e), 0);
	close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keep),
		TEST(test_damaged),
		TEST(test_last_line),
		TEST(test_last_line_of_many),
		TEST(test_report),
		TEST(test_resume),
		TEST(test_enter),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
