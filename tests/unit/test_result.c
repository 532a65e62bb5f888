/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/metrics.h"
#include "agent/owner.h"
#include "agent/result.h"
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
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define NO_GROUP ((gid_t)-1)

static void a_result_is_read_back(void **state)
{
	static char archives[] = "{\"octave\": \"0123\"}";
	const struct scratch *t = *state;
	const struct result_machine m = {.instance_type = "c5.large", .archives = archives};
	const struct job_result r = {.id = "job~2",
		.name = "name",
		.uid = 1000,
		.state = JOB_CANCELLED,
		.reason = "a \"reason\" with \\ and \x1b and \xc3\xa9",
		.exit = -1,
		.signal = 15,
		.submitted = 1764108000.25,
		.started = 1764108001,
		.ended = 1764108002.5,
		.user_s = 0.5,
		.wall_s = 1.5,
		.peak_memory = 1234567,
		.output = 42};
	struct job_result back;
	struct err e = ERR_INIT;
	int fd;

	assert_int_equal(result_read(t->fd, &back, &e), -ENOENT);
	assert_int_equal(result_reserve(t->fd, &m, &fd, &e), 0);
	assert_int_equal(result_read(t->fd, &back, &e), -ENOENT);
	assert_int_equal(result_write(t->fd, fd, &r, &m, NO_GROUP, &e), 0);
	close(fd);
	assert_int_equal(result_read(t->fd, &back, &e), 0);
	assert_string_equal(back.id, "job~2");
	assert_string_equal(back.name, "name");
	assert_int_equal(back.uid, 1000);
	assert_int_equal(back.state, JOB_CANCELLED);
	assert_string_equal(back.reason, "a \"reason\" with \\ and ? and ??");
	assert_int_equal(back.exit, -1);
	assert_int_equal(back.signal, 15);
	assert_true(back.started > 1764108000.9 && back.started < 1764108001.1);
	assert_int_equal(back.peak_memory, 1234567);
	assert_int_equal(back.output, 42);
}

struct exit_case {
	struct job_result r;
	int code;
};

static void results_become_exit_codes(void **state)
{
	static const struct exit_case table[] = {
		{{.state = JOB_DONE, .exit = 0}, 0},
		{{.state = JOB_FAILED, .exit = 3}, 3},
		{{.state = JOB_FAILED, .exit = -1, .signal = 9}, 137},
		{{.state = JOB_FAILED, .exit = -1}, 1},
		{{.state = JOB_FAILED, .exit = 0}, 1},
		{{.state = JOB_FAILED, .exit = 127}, 127},
		{{.state = JOB_CANCELLED, .exit = -1, .signal = 15}, 143},
		{{.state = JOB_CANCELLED, .exit = -1}, 1},
		{{.state = JOB_INTERRUPTED, .exit = 0}, 75},
		{{.state = JOB_INTERRUPTED, .exit = -1, .signal = 15}, 75},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(result_exit_code(&table[i].r), table[i].code);
}

static void who_asked_for_the_end_is_kept(void **state)
{
	const struct scratch *t = *state;
	char reason[RESULT_REASON];
	enum job_state s;
	struct err e = ERR_INIT;

	assert_int_equal(result_stop_read(t->fd, &s, reason, &e), -ENOENT);
	assert_int_equal(result_stop_write(t->fd, JOB_INTERRUPTED, "spot", &e), 0);
	assert_int_equal(result_stop_write(t->fd, JOB_CANCELLED, "by user 5", &e), 0);
	assert_int_equal(result_stop_read(t->fd, &s, reason, &e), 0);
	assert_int_equal(s, JOB_CANCELLED);
	assert_string_equal(reason, "by user 5");
}

struct owner_case {
	struct owner_policy p;
	uid_t uid;
	gid_t gid;
	int rc;
	uid_t as;
	gid_t as_group, reads;
};

static void owners_decide_as_whom_it_runs(void **state)
{
#define ROOT .self = 0, .job_user = "jobs"
	static const struct owner_case table[] = {
		/* an ordinary one, as itself */
		{{ROOT, .has_job_user = true, .job_uid = 9, .job_gid = 8}, 1000, 100, 0, 1000, 100,
			100},
		/* root's, as the user for jobs */
		{{ROOT, .has_job_user = true, .job_uid = 9, .job_gid = 8}, 0, 0, 0, 9, 8, 8},
		{{ROOT}, 0, 0, -EPERM, 0, 0, 0},
		{{ROOT, .has_job_user = true, .job_uid = 0}, 0, 0, -EPERM, 0, 0, 0},
		{{ROOT, .allow_root = true}, 0, 0, 0, 0, 0, 0},
		/* a container's user with root's group */
		{{ROOT, .has_job_user = true, .job_uid = 9, .job_gid = 8}, 1000, 0, 0, 1000, 8, 0},
		{{ROOT}, 1000, 0, 0, 1000, 65534, 0},
		/* an agent without privileges */
		{{.self = 1000}, 1000, 100, 0, 1000, 100, 100},
		{{.self = 1000, .has_job_user = true, .job_uid = 9}, 1001, 100, -EPERM, 0, 0, 0},
		{{.self = 1000, .allow_root = true}, 0, 0, -EPERM, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct owner_case *t = &table[i];
		struct err e = ERR_INIT;
		struct owner o;

		assert_int_equal(owner_decide(&t->p, t->uid, t->gid, &o, &e), t->rc);
		if (t->rc < 0)
			continue;
		assert_int_equal(o.uid, t->as);
		assert_int_equal(o.gid, t->as_group);
		assert_int_equal(o.group, t->reads);
		assert_int_equal(o.change, t->p.self == 0);
	}
}

static void passwd_is_read_strictly(void **state)
{
	static const char *const bad[] = {"", "jobs", "jobs:x", "jobs:x:5",
		"jobs:x:5:", "jobs:x:a:5:", "jobs:x:5:-1:", "jobs:x:4294967295:5:", "jobsx:x:5:6:",
		"xjobs:x:5:6:", "jobs:x:99999999999999999999:1:"};
	uid_t uid;
	gid_t gid;

	(void)state;
	assert_true(owner_parse_passwd("jobs:x:12:34:Name:/:/bin/sh", "jobs", &uid, &gid));
	assert_int_equal(uid, 12);
	assert_int_equal(gid, 34);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(owner_parse_passwd(bad[i], "jobs", &uid, &gid));
}

/* No file is no such user; one that cannot be read is an error. */
static void passwd_that_cannot_be_read(void **state)
{
	const struct scratch *t = *state;
	struct owner_policy p;
	struct err e = ERR_INIT;

	assert_int_equal(owner_policy_read(t->fd, "jobs", false, &p, &e), 0);
	assert_false(p.has_job_user);
	assert_int_equal(mkdirat(t->fd, "etc", 0755), 0);
	assert_int_equal(symlinkat("passwd", t->fd, "etc/passwd"), 0);
	assert_true(owner_policy_read(t->fd, "jobs", false, &p, &e) < 0);
}

static void metrics_are_text(void **state)
{
	const struct metrics m = {.ended = {[JOB_DONE] = 5}, .queued = 7, .held = true};
	auto_buf struct buf text = BUF_INIT(8192);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(metrics_text(&m, &text, &e), 0);
	assert_non_null(strstr(buf_str(&text), "shared_prep_jobs_ended_total{state=\"done\"} 5\n"));
	assert_non_null(strstr(buf_str(&text), "\nshared_prep_jobs_queued 7\n"));
	assert_non_null(strstr(buf_str(&text), "\nshared_prep_jobs_held 1\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_result_is_read_back, scratch_setup, scratch_teardown),
		cmocka_unit_test(results_become_exit_codes),
		cmocka_unit_test_setup_teardown(
			passwd_that_cannot_be_read, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			who_asked_for_the_end_is_kept, scratch_setup, scratch_teardown),
		cmocka_unit_test(owners_decide_as_whom_it_runs),
		cmocka_unit_test(passwd_is_read_strictly),
		cmocka_unit_test(metrics_are_text),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
