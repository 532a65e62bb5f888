/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/image_test.h"

#include "common/cancel.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#define OUTPUT_MAX (1024UL * 1024) /* of a check; what is more is not kept */
#define SCRIPT_MAX (64UL * 1024)
#define STEP_MS    100

/* For the user's script, which is its input. */
static const char run_input[] = "d=$(mktemp -d) && cat >\"$d/check\" && chmod 700 \"$d/check\" &&\n"
				"cd \"$d\" && ./check\n"
				"rc=$?\n"
				"rm -rf \"$d\"\n"
				"exit $rc\n";

static void say(const struct image_test *t, const char *name, const struct image_result *r)
{
	if (t->say)
		t->say(t->ctx, name, r);
}

static int canceled(struct err *e)
{
	return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
}

/* --- until it is there */

static int wait_ready(const struct image_test *t, struct err *e)
{
	struct machine *m = t->machine;
	int rc = 0;

	while (rc == 0 && m->state == MACHINE_STARTING) {
		if (cancel_requested())
			return canceled(e);
		if (clock_left(t->deadline) == 0)
			return err_set(e, ERR_DATA, ETIMEDOUT,
				"%s: nothing answers there: the time for the test (--timeout) is "
				"over",
				m->name);
		rc = machine_poll(m, e);
		say(t, m->remark, NULL);
		(void)poll(NULL, 0, STEP_MS);
	}
	if (rc == 0 && m->state != MACHINE_READY)
		return err_set(e, ERR_TRANSIENT, ENOTCONN, "%s is lost", m->name);
	return rc;
}

/* --- one check */

struct running {
	struct child child;
	int out; /* -1: ended */
	struct buf text;
};

static int open_input(
	const struct image_test *t, const struct image_check *c, int *ret, struct err *e)
{
	return c->script ? 0 : fs_open(AT_FDCWD, t->check, O_RDONLY, 0, ret, e);
}

static int begin(
	const struct image_test *t, const struct image_check *c, struct running *r, struct err *e)
{
	auto_buf struct buf shell = BUF_INIT(SCRIPT_MAX);
	auto_close int in = -1;
	auto_close int out = -1;
	int ends[2];
	int rc = open_input(t, c, &in, e);

	if (rc < 0)
		return rc;
	if (buf_adds(&shell, c->script ? image_check_start : "") < 0 ||
		buf_adds(&shell, c->script ? c->script : run_input) < 0)
		return err_oom(e);
	if (pipe2(ends, O_CLOEXEC) < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
		return err_errno(e, "cannot make a pipe");
	r->out = ends[0];
	out = ends[1];
	return machine_run(t->machine,
		&(struct machine_command){
			.shell = buf_str(&shell), .in = in, .out = out, .err = out},
		&r->child.pid, e);
}

static void take(struct running *r)
{
	char chunk[4096];
	ssize_t n;

	/* Bounded, so that an endless talker does not keep us from looking at the time. */
	for (int i = 0; i < 64 && r->out >= 0; i++) {
		n = read(r->out, chunk, sizeof(chunk));
		if (n < 0)
			return;
		if (n == 0)
			close(take_fd(&r->out));
		if (r->text.len + (size_t)n <= OUTPUT_MAX &&
			buf_add(&r->text, chunk, (size_t)n) < 0)
			return;
	}
}

static int attend(
	const struct image_test *t, const struct image_check *c, struct running *r, struct err *e)
{
	const uint64_t own = clock_deadline(c->limit);
	const uint64_t deadline = own < t->deadline ? own : t->deadline;

	while (!child_ended(&r->child)) {
		struct pollfd p = {.fd = r->out, .events = POLLIN};
		int rc = machine_poll(t->machine, e);

		if (rc < 0)
			return rc;
		if (cancel_requested())
			return canceled(e);
		if (clock_left(deadline) == 0)
			return err_set(e, ERR_DATA, ETIMEDOUT, "its time is over");
		say(t, c->name, NULL);
		(void)poll(&p, 1, STEP_MS);
		take(r);
	}
	take(r);
	return 0;
}

/* The last line that is not empty, without what a terminal would act on. */
static void take_detail(const struct buf *text, char *out, size_t size)
{
	const char *end = buf_str(text) + text->len, *start;

	while (end > buf_str(text) && strchr("\n\r\t ", end[-1]))
		end--;
	for (start = end; start > buf_str(text) && start[-1] != '\n'; start--)
		;
	snprintf(out, size, "%.*s", (int)(end - start), start);
	for (; *out; out++) {
		if ((unsigned char)*out < ' ' || (unsigned char)*out > '~')
			*out = '?';
	}
}

static void write_log(
	const struct image_test *t, const struct image_check *c, const struct buf *text)
{
	if (t->log < 0)
		return;
	/* A log that cannot be kept is no reason to stop. */
	dprintf(t->log, "== check %s\n", c->name);
	(void)!fs_write_all(t->log, buf_str(text), text->len);
}

static int run_check(const struct image_test *t, const struct image_check *c,
	struct image_result *ret, struct err *e)
{
	struct running r = {.out = -1, .text = BUF_INIT(OUTPUT_MAX)};
	const uint64_t began = clock_now();
	int rc;

	*ret = (struct image_result){.check = c};
	say(t, c->name, NULL);
	rc = begin(t, c, &r, e);
	if (rc == 0)
		rc = attend(t, c, &r, e);
	child_kill(&r.child);
	auto_close_fn(&r.out);
	ret->took = clock_now() - began;
	ret->ok = rc == 0 && r.child.status == 0;
	if (rc < 0)
		snprintf(ret->detail, sizeof(ret->detail), "%.255s", e->msg);
	else
		take_detail(&r.text, ret->detail, sizeof(ret->detail));
	write_log(t, c, &r.text);
	buf_free(&r.text);
	say(t, c->name, ret);
	if (rc == -ECANCELED || ret->ok)
		return rc;
	return err_set(e, rc < 0 && e->kind != ERR_DATA ? e->kind : ERR_DATA, EPROTO,
		"check '%s': %s: %s", c->name, c->means,
		*ret->detail ? ret->detail : "it says nothing");
}

int image_test_run(const struct image_test *t, struct image_results *ret, struct err *e)
{
	int rc;

	ret->n = 0;
	rc = wait_ready(t, e);
	for (size_t i = 0; rc == 0 && i < n_image_checks; i++) {
		if (image_checks[i].script || *t->check)
			rc = run_check(t, &image_checks[i], &ret->item[ret->n++], e);
	}
	return rc;
}

json_t *image_test_json(const struct image_results *r)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < r->n; i++) {
		const struct image_result *item = &r->item[i];
		json_t *row = json_pack("{s:s, s:b, s:f, s:s}", "name", item->check->name, "ok",
			item->ok, "seconds", (double)item->took / (double)NSEC_PER_SEC, "detail",
			item->detail);

		if (!row || json_array_append_new(list, row) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}
