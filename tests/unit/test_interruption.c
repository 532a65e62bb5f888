/* SPDX-License-Identifier: Apache-2.0 */
/* From the metadata service to hooks, as a loop that watches jobs sees it. */
#include "agent/identity.h"
#include "agent/interruption.h"
#include "common/clock.h"
#include "common/date.h"
#include "common/fs.h"
#include "common/num.h"
#include "tests/unit/capture.h"
#include "tests/unit/scratch.h"
#include "tests/unit/server.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define OK_HEAD   "HTTP/1.0 200 OK\r\n\r\n"
#define STATUS(n) "HTTP/1.1 " #n " X\r\nContent-Length: 0\r\n\r\n"

#define HOOK "etc/shared-prep/interrupt.d/10-test"
#define OUT  "shared/out"

/* What the loop was told, a word each. */
struct jobs {
	char said[512];
	unsigned running;
	bool stubborn; /* they do not end before they are killed */
};

static void say(struct jobs *j, const char *word)
{
	size_t len = strlen(j->said);

	snprintf(j->said + len, sizeof(j->said) - len, "%s%s", len ? " " : "", word);
}

static void hold(void *ctx, const char *reason)
{
	say(ctx, reason ? "hold" : "go-on");
}

static void end(void *ctx, const char *reason)
{
	struct jobs *j = ctx;

	say(j, strncmp(reason, "stop", 4) == 0 ? "end" : reason);
	if (!j->stubborn)
		j->running = 0;
}

static void kill_jobs(void *ctx)
{
	struct jobs *j = ctx;

	say(j, "kill");
	j->running = 0;
}

static unsigned running(void *ctx)
{
	return ((struct jobs *)ctx)->running;
}

struct scene {
	struct server server;
	struct settings settings;
	struct jobs jobs;
	struct interruption *i;
};

static void scene_open(
	struct scene *s, const struct scratch *t, struct server_route *routes, unsigned jobs)
{
	const char *hook = "#!/bin/sh\necho \"$SHARED_PREP_INTERRUPT_KIND $SHARED_PREP_JOBS "
			   "$SHARED_PREP_INSTANCE_ID $SHARED_PREP_PERSIST_TO\" >";
	struct interruption_setup setup = {.rootfd = t->fd, .spool = "/shared/jobs"};
	struct err e = ERR_INIT;
	char text[512];

	*s = (struct scene){.jobs.running = jobs};
	scratch_write(t, "sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
	scratch_write(t, "sys/class/dmi/id/product_name", "c5.large\n");
	scratch_write(t, "sys/class/dmi/id/board_asset_tag", "i-0123456789abcdef0\n");
	assert_int_equal(fs_mkdir_p(t->fd, "run/shared-prep", 0755, &e), 0);
	assert_int_equal(fs_mkdir_p(t->fd, "shared", 01777, &e), 0);
	snprintf(text, sizeof(text), "%s%s/" OUT ".new && mv %s/" OUT ".new %s/" OUT "\n", hook,
		t->path, t->path, t->path);
	scratch_write(t, HOOK, text);
	assert_int_equal(fchmodat(t->fd, HOOK, 0755, 0), 0);
	assert_int_equal(settings_load(t->fd, &s->settings, &e), 0);
	s->settings.poll = 5 * NSEC_PER_MSEC;
	s->settings.persist_to = strdup("/srv");
	setup.settings = &s->settings;
	setup.jobs = (struct interruption_jobs){&s->jobs, hold, end, kill_jobs, running};
	server_start_routes(&s->server, routes);
	setenv(IDENTITY_URL_VARIABLE, s->server.url, 1);
	assert_int_equal(interruption_open(&setup, &s->i, &e), 0);
	unsetenv(IDENTITY_URL_VARIABLE);
}

static void scene_close(struct scene *s)
{
	interruption_close(s->i);
	server_stop(&s->server);
	settings_free(&s->settings);
}

/* Turns until the loop was told this and the file is there; returns what was logged. */
static void turn_until(const struct scratch *t, struct scene *s, const char *said, const char *file,
	char *log, size_t size)
{
	uint64_t deadline = clock_deadline(60 * NSEC_PER_SEC);
	struct capture c;

	capture_start(&c, STDERR_FILENO);
	while ((strcmp(s->jobs.said, said) != 0 || (file && !fs_exists(t->fd, file))) &&
		clock_left(deadline) > 0) {
		struct pollfd p = {.fd = interruption_fd(s->i), .events = POLLIN};

		poll(&p, 1, 1000);
		interruption_turn(s->i);
	}
	capture_end(&c, log, size);
	assert_string_equal(s->jobs.said, said);
}

#define TOKEN_ROUTE                                                                                \
	{.path = "PUT /latest/api/token", .answer = (const char *const[]){OK_HEAD "abc", NULL}},   \
	{                                                                                          \
		.path = "instance-life-cycle", .answer = (const char *const[])                     \
		{                                                                                  \
			OK_HEAD "spot", NULL                                                       \
		}                                                                                  \
	}

static void make_action(char *out, size_t size, int64_t left)
{
	char date[DATE_TEXT];

	snprintf(out, size, OK_HEAD "{\"action\":\"stop\",\"time\":\"%s\"}",
		date_text(date_now() + left, date));
}

static void test_jobs_then_hooks(void **state)
{
	char action[256], log[4096], out[512];
	const char *const actions[] = {STATUS(404), STATUS(404), action, NULL};
	struct server_route routes[] = {
		TOKEN_ROUTE, {.path = "spot/instance-action", .answer = actions}, {0}};
	const struct scratch *t = *state;
	struct scene s;

	make_action(action, sizeof(action), 120);
	scene_open(&s, t, routes, 2);
	assert_false(interruption_is_near(s.i));
	turn_until(t, &s, "hold end", OUT, log, sizeof(log));
	assert_true(interruption_is_near(s.i));
	assert_true(fs_exists(t->fd, "shared/interrupt.json"));
	assert_true(fs_exists(t->fd, "run/shared-prep/interrupt.json"));
	scene_close(&s);
	scratch_read(t, OUT, out, sizeof(out));
	assert_string_equal(out, "stop /shared/jobs i-0123456789abcdef0 /srv\n");
	assert_non_null(strstr(log, "spot/instance-action announces: stop"));
	assert_non_null(strstr(log, "hook '10-test' runs"));
	assert_null(strstr(log, "abc"));
}

/* Jobs that do not end are killed at half time: here a second ahead of the machine's end. */
static void test_stubborn_jobs(void **state)
{
	char action[256], log[4096];
	const char *const actions[] = {action, NULL};
	struct server_route routes[] = {
		TOKEN_ROUTE, {.path = "spot/instance-action", .answer = actions}, {0}};
	const struct scratch *t = *state;
	struct scene s;

	make_action(action, sizeof(action), 2);
	scene_open(&s, t, routes, 1);
	s.jobs.stubborn = true;
	turn_until(t, &s, "hold end kill", OUT, log, sizeof(log));
	scene_close(&s);
	assert_non_null(strstr(log, "jobs that still run are killed"));
}

static void test_no_hooks(void **state)
{
	char action[256], log[4096];
	const char *const actions[] = {action, NULL};
	struct server_route routes[] = {
		TOKEN_ROUTE, {.path = "spot/instance-action", .answer = actions}, {0}};
	const struct scratch *t = *state;
	struct scene s;

	make_action(action, sizeof(action), 120);
	scene_open(&s, t, routes, 1);
	s.settings.hooks = false;
	turn_until(t, &s, "hold end", NULL, log, sizeof(log));
	interruption_turn(s.i);
	scene_close(&s);
	assert_false(fs_exists(t->fd, OUT));
	assert_null(strstr(log, "hook '"));
}

/* A hint holds, and its end lets go; no job is touched and no hook runs. */
static void test_rebalance_and_over(void **state)
{
	static const char *const hints[] = {OK_HEAD "{\"noticeTime\":\"2017-09-18T08:22:00Z\"}",
		STATUS(503), STATUS(404), STATUS(404), STATUS(404), NULL};
	struct server_route routes[] = {
		TOKEN_ROUTE, {.path = "recommendations/rebalance", .answer = hints}, {0}};
	const struct scratch *t = *state;
	struct scene s;
	char log[4096];

	scene_open(&s, t, routes, 2);
	turn_until(t, &s, "hold", "shared/interrupt.json", log, sizeof(log));
	assert_false(interruption_is_near(s.i));
	turn_until(t, &s, "hold go-on", NULL, log, sizeof(log));
	assert_false(fs_exists(t->fd, "shared/interrupt.json"));
	assert_false(fs_exists(t->fd, "run/shared-prep/interrupt.json"));
	scene_close(&s);
	assert_int_equal(s.jobs.running, 2);
	assert_false(fs_exists(t->fd, OUT));
}

/* False notices do nothing but a line in the log. */
static void test_false_notices(void **state)
{
	static const char *const lies[] = {STATUS(503), OK_HEAD "<html>terminate</html>",
		OK_HEAD "{\"action\":\"terminate\"}", "\x81\r\n\r\n", STATUS(404), NULL};
	struct server_route routes[] = {
		TOKEN_ROUTE, {.path = "spot/instance-action", .answer = lies}, {0}};
	const struct scratch *t = *state;
	struct capture c;
	struct scene s;
	char log[4096];

	scene_open(&s, t, routes, 2);
	server_wait(&s.server, 20);
	capture_start(&c, STDERR_FILENO);
	interruption_turn(s.i);
	capture_end(&c, log, sizeof(log));
	scene_close(&s);
	assert_string_equal(s.jobs.said, "");
	assert_non_null(strstr(log, "a notice of interruption might be missed"));
	assert_non_null(strstr(log, "can be read again"));
	assert_false(fs_exists(t->fd, "shared/interrupt.json"));
}

/* A retention may remove what has been saved; saving goes on beside the loop, and not all the time.
 */
static void test_saving(void **state)
{
	struct server_route routes[] = {TOKEN_ROUTE, {0}};
	const char *hook = "usr/lib/shared-prep/interrupt.d/" INTERRUPTION_SAVES;
	const struct scratch *t = *state;
	struct pollfd p = {.events = POLLIN};
	struct capture c;
	struct scene s;
	char text[512], log[1024];
	uint64_t deadline = clock_deadline(60 * NSEC_PER_SEC);
	int64_t ended = date_now() - 5;

	scene_open(&s, t, routes, 1);
	snprintf(text, sizeof(text), "#!/bin/sh\necho $SHARED_PREP_INTERRUPT_KIND >>%s/saved\n",
		t->path);
	scratch_write(t, hook, text);
	assert_int_equal(fchmodat(t->fd, hook, 0755, 0), 0);
	p.fd = interruption_fd(s.i);
	while (!interruption_is_saved(s.i, ended) && clock_left(deadline) > 0) {
		poll(&p, 1, 100);
		interruption_turn(s.i);
	}
	assert_true(interruption_is_saved(s.i, ended));
	scratch_read(t, "saved", text, sizeof(text));
	assert_string_equal(text, "none\n");
	assert_false(fs_exists(t->fd, OUT));
	/* it fails: said once, not tried again at once */
	snprintf(text, sizeof(text), "#!/bin/sh\necho >>%s/tried\nexit 1\n", t->path);
	scratch_write(t, hook, text);
	assert_int_equal(fchmodat(t->fd, hook, 0755, 0), 0);
	capture_start(&c, STDERR_FILENO);
	for (int i = 0; i < 20 && clock_left(deadline) > 0; i += fs_exists(t->fd, "tried")) {
		if (interruption_is_saved(s.i, ended + 3600))
			break;
		poll(&p, 1, 100);
		interruption_turn(s.i);
	}
	capture_end(&c, log, sizeof(log));
	scratch_read(t, "tried", text, sizeof(text));
	assert_string_equal(text, "\n");
	assert_string_equal(log, ": hook '50-persist' failed: exit status 1\n");
	free(s.settings.persist_to);
	s.settings.persist_to = NULL;
	assert_true(interruption_is_saved(s.i, INT64_MAX));
	scene_close(&s);
}

/* No cloud: no thread, and the descriptor never wakes anybody. */
static void test_no_cloud(void **state)
{
	const struct scratch *t = *state;
	auto_settings struct settings settings = {0};
	struct jobs jobs = {.running = 1};
	const struct interruption_setup setup = {
		.rootfd = t->fd,
		.settings = &settings,
		.spool = "/shared/jobs",
		.jobs = {&jobs, hold, end, NULL, running},
	};
	struct interruption *i = NULL;
	struct pollfd p = {.events = POLLIN};
	struct err e = ERR_INIT;

	assert_int_equal(settings_load(t->fd, &settings, &e), 0);
	assert_int_equal(interruption_open(&setup, &i, &e), 0);
	interruption_turn(i);
	p.fd = interruption_fd(i);
	assert_int_equal(poll(&p, 1, 50), 0);
	interruption_close(i);
	interruption_close(NULL);
	assert_string_equal(jobs.said, "");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_jobs_then_hooks),
		ROW(test_stubborn_jobs),
		ROW(test_no_hooks),
		ROW(test_rebalance_and_over),
		ROW(test_false_notices),
		ROW(test_saving),
		ROW(test_no_cloud),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
