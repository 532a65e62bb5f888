/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd.h"
#include "agent/follow.h"
#include "agent/listing.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#define JSON_FLAGS   (JSON_COMPACT | JSON_REAL_PRECISION(16))
#define EVENTS_BYTES 65536

struct jobs_options {
	const char *spool;
	const char *wait;
	bool json, follow;
};

static const struct opt opts[] = {
	{OPT_FLAG, 0, "json", offsetof(struct jobs_options, json), NULL, "print JSON"},
	{OPT_FLAG, 'f', "follow", offsetof(struct jobs_options, follow), NULL,
		"print a line for each change from now on"},
	{OPT_STRING, 'w', "wait", offsetof(struct jobs_options, wait), "ID",
		"wait for a job, end as it ends"},
	{OPT_STRING, 0, "spool", offsetof(struct jobs_options, spool), "DIR",
		"the spool (default: $SHARED_PREP_SPOOL or " SPOOL_DEFAULT ")"},
	{0},
};

struct printing {
	bool json;
	bool list; /* in an array */
	size_t n;
};

static int print_json(const struct listed *j, struct printing *p)
{
	auto_json json_t *o = listing_json(j);
	auto_free char *text = o ? json_dumps(o, JSON_FLAGS) : NULL;

	if (!text)
		return -ENOMEM;
	printf("%s%s%s",
		p->list && p->n > 0 ? ",\n  "
		: p->list           ? "\n  "
				    : "",
		text, p->list ? "" : "\n");
	p->n++;
	return 0;
}

/* Anybody may have put anything there: no escape sequence, of 8 bits neither, gets to the terminal.
 */
static void print_name(const char *name, int width)
{
	int n = 0;

	for (; *name; name++, n++)
		putchar(*name > ' ' && *name < 127 ? *name : '?');
	for (; n < width; n++)
		putchar(' ');
}

static int print_line(const struct listed *j, struct printing *p)
{
	print_name(j->id, 24);
	printf(" %-11s", j->state);
	if (j->has_result) {
		if (j->result.exit >= 0)
			printf(" exit %-3d", j->result.exit);
		else if (j->result.signal)
			printf(" signal %d", j->result.signal);
		printf(" %.3f s", j->result.wall_s);
		if (*j->result.reason)
			printf("  %s", j->result.reason);
	}
	putchar('\n');
	p->n++;
	return 0;
}

static int print(const struct listed *j, void *ctx)
{
	struct printing *p = ctx;

	return p->json ? print_json(j, p) : print_line(j, p);
}

static int list(const struct spool *s, bool json, struct err *e)
{
	struct printing p = {.json = json, .list = true};
	int rc;

	if (json)
		printf("{\"format\": 1, \"jobs\": [");
	rc = listing_each(s, print, &p, e);
	if (json)
		printf("%s]}\n", p.n > 0 ? "\n" : "");
	return rc == -ENOMEM ? err_oom(e) : rc;
}

static int add_watch(
	int fd, const struct spool *s, const char *folder, uint32_t mask, struct err *e)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/%s", s->path, folder);
	if (inotify_add_watch(fd, path, mask | IN_ONLYDIR) < 0)
		return err_errno(e, "jobs: cannot watch '%s'", path);
	return 0;
}

static int print_changes(int fd, const struct spool *s, struct printing *p, struct err *e)
{
	char text[EVENTS_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(fd, text, sizeof(text));

	if (n < 0 && errno != EINTR)
		return err_errno(e, "jobs: cannot read events");
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *ev = (const void *)(text + at);
		struct listed j;

		if (ev->len > 0 && listing_one(s, ev->name, &j) && print(&j, p) < 0)
			return err_oom(e);
		at += (ssize_t)(sizeof(*ev) + ev->len);
	}
	return fflush(stdout) == 0 ? 0 : err_errno(e, "cannot write to standard output");
}

static int follow(const struct spool *s, bool json, struct err *e)
{
	struct printing p = {.json = json};
	auto_close int fd = inotify_init1(IN_CLOEXEC);
	int rc = fd < 0 ? err_errno(e, "jobs: no inotify") : 0;

	if (rc == 0)
		rc = add_watch(fd, s, "new", IN_MOVED_TO, e);
	if (rc == 0)
		rc = add_watch(fd, s, "run", IN_CREATE, e);
	if (rc == 0)
		rc = add_watch(fd, s, "done", IN_MOVED_TO, e);
	if (rc == 0)
		rc = add_watch(fd, s, "failed", IN_MOVED_TO, e);
	while (rc == 0)
		rc = print_changes(fd, s, &p, e);
	return rc;
}

static int wait_for(const struct spool *s, const char *id, bool json, struct err *e)
{
	struct listed j = {.id = id, .has_result = true};
	int rc;

	if (!spool_is_id(id))
		return err_set(e, ERR_USAGE, EINVAL, "jobs: '%s' is not the ID of a job", id);
	rc = follow_job(&(struct follow){.spool = s, .id = id}, &j.result, e);
	if (rc < 0)
		return rc;
	j.state = job_state_name(j.result.state);
	if (print(&j, &(struct printing){.json = json}) < 0)
		return err_oom(e);
	return result_exit_code(&j.result);
}

static int run(const void *options, const struct opt_operands *operands, struct err *e)
{
	const struct jobs_options *o = options;
	auto_spool struct spool s = SPOOL_INIT;
	int rc = spool_open(AT_FDCWD, spool_default(o->spool), &s, e);

	(void)operands;
	if (rc < 0)
		return rc;
	if (o->wait)
		return wait_for(&s, o->wait, o->json, e);
	return o->follow ? follow(&s, o->json, e) : list(&s, o->json, e);
}

const struct command cmd_jobs = {
	.name = "jobs",
	.operands = "",
	.summary = "list the jobs of the spool, or wait for one",
	.opts = opts,
	.options_size = sizeof(struct jobs_options),
	.run = run,
};
