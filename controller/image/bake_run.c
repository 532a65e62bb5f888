/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/bake_run.h"

#include "common/cancel.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/build/artifact.h"
#include "controller/project/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TICK_MS 100

/* A command may end with its connection a moment before that is known to have ended. */
#define DOUBT (3 * NSEC_PER_SEC)

#define LAST_LINE 200

struct baking {
	const struct bake_job *job;
	struct bake_made *made;
	struct bake_place place;
	int log;
	size_t count, index;

	/* The step at hand. */
	const struct bake_step *step;
	size_t k;
	off_t said; /* where in the log it began */
	int in, out;
	uint64_t bytes;    /* of in */
	uint64_t deadline; /* of the step */
	bool its_limit;    /* and not that of the whole */
	pid_t pid;
};

/* "archive octave_c5.tar.zst" */
static const char *name_of(const struct baking *b, char out[static BAKE_NAME + 32])
{
	const char *item = bake_step_item(b->step, b->job->bake, b->k);

	snprintf(out, BAKE_NAME + 32, "%s%s%s", b->step->name, *item ? " " : "", item);
	return out;
}

static void tell(const struct baking *b)
{
	const off_t at = b->in >= 0 ? lseek(b->in, 0, SEEK_CUR) : 0;
	const struct bake_progress p = {
		.step = b->step->name,
		.item = bake_step_item(b->step, b->job->bake, b->k),
		.index = b->index,
		.count = b->count,
		.sent = at > 0 ? (uint64_t)at : 0,
		.bytes = b->bytes,
	};

	if (b->job->progress)
		b->job->progress(b->job->ctx, &p);
}

/* --- its files */

/* The machine's process reads with our offset, which is how far it is. */
static int open_input(struct baking *b, struct err *e)
{
	const struct bake_file *f = bake_step_input(b->step, b->job->bake, b->k);
	struct stat st;
	int rc;

	b->bytes = 0;
	if (!f)
		return 0;
	rc = S_ISDIR(f->mode) ? source_pack(f->path, NULL, b->job->tmpdir, &b->in, e)
			      : fs_open(AT_FDCWD, f->path, O_RDONLY, 0, &b->in, e);
	if (rc < 0)
		return rc;
	if (fstat(b->in, &st) < 0 || lseek(b->in, 0, SEEK_SET) < 0)
		return err_errno(e, "'%s'", f->path);
	b->bytes = (uint64_t)st.st_size;
	return 0;
}

static int open_output(struct baking *b, struct err *e)
{
	return b->step->output == BAKE_LOG ? 0 : fs_open_nameless(b->job->tmpdir, &b->out, e);
}

static void close_files(struct baking *b)
{
	auto_close_fn(&b->in);
	auto_close_fn(&b->out);
	b->in = b->out = -1;
}

/* --- its end */

static int lost(const struct baking *b, struct err *e)
{
	const struct machine *m = b->job->machine;
	char name[BAKE_NAME + 32];

	return err_set(e, ERR_TRANSIENT, ECONNRESET, "%s: the machine %s is lost%s%s: see '%s'",
		name_of(b, name), m->place, *m->notice ? ": " : "", m->notice, b->made->log);
}

static int is_there(const struct baking *b, struct err *e)
{
	int rc = machine_poll(b->job->machine, e);

	return rc < 0 ? rc : b->job->machine->state == MACHINE_READY ? 0 : lost(b, e);
}

static int failed(const struct baking *b, int status, struct err *e)
{
	char name[BAKE_NAME + 32], last[LAST_LINE];

	artifact_last_line(b->log, b->said, last, sizeof(last));
	return err_set(e, status == BAKE_REFUSED ? ERR_CONFIG : ERR_SYSTEM, EIO,
		"%s: ended with %d%s%s: see '%s'", name_of(b, name), status, *last ? ": " : "",
		last, b->made->log);
}

static int late(const struct baking *b, struct err *e)
{
	char name[BAKE_NAME + 32], limit[NUM_TEXT];

	if (!b->its_limit)
		return err_set(e, ERR_TRANSIENT, ETIMEDOUT,
			"%s: the time for all of it is over: see '%s'", name_of(b, name),
			b->made->log);
	return err_set(e, ERR_TRANSIENT, ETIMEDOUT, "%s: did not end in %s: see '%s'",
		name_of(b, name), num_duration_text(b->step->limit, limit), b->made->log);
}

static void end_process(struct baking *b)
{
	if (b->pid <= 0)
		return;
	kill(-b->pid, SIGKILL);
	while (waitpid(b->pid, NULL, 0) < 0 && errno == EINTR)
		;
	b->pid = 0;
}

static int check_output(const struct baking *b, struct err *e)
{
	struct stat st;

	if (b->out < 0 || (fstat(b->out, &st) == 0 && (uint64_t)st.st_size <= IMAGE_LIST_MAX))
		return 0;
	return err_set(e, ERR_DATA, EFBIG, "%s: the machine prints more than %u MiB", b->step->name,
		IMAGE_LIST_MAX / (unsigned)MIB);
}

static int look(struct baking *b, struct err *e)
{
	tell(b);
	if (cancel_requested())
		return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
	if (clock_left(b->deadline) == 0)
		return late(b, e);
	return check_output(b, e);
}

/* *ret_status as a shell has it. */
static int wait_end(struct baking *b, int *ret_status, struct err *e)
{
	/* Where the kernel has none, the clock alone tells when to look. */
	auto_close int pidfd = pidfd_open(b->pid, 0);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int status, rc;

	for (;;) {
		pid_t pid = waitpid(b->pid, &status, WNOHANG);

		if (pid == b->pid)
			break;
		if ((rc = look(b, e)) < 0 || (rc = is_there(b, e)) < 0)
			return rc;
		(void)poll(&p, pidfd >= 0, TICK_MS);
	}
	b->pid = 0;
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return check_output(b, e);
}

/* Was it the command's own end, or its connection's? */
static int doubt(struct baking *b, struct err *e)
{
	const uint64_t until = clock_deadline(DOUBT);
	int rc = 0;

	while (rc == 0 && clock_left(until) > 0 && !cancel_requested()) {
		rc = is_there(b, e);
		clock_sleep(TICK_MS * NSEC_PER_MSEC, until);
	}
	return rc < 0 ? rc : failed(b, MACHINE_BROKEN, e);
}

/* --- what it has brought */

static int take_plan(struct baking *b, struct err *e)
{
	auto_buf struct buf plan = BUF_INIT(16 * MIB);
	const char *type = bake_step_item(b->step, b->job->bake, b->k);
	size_t unseen = 0;
	int rc;

	if (lseek(b->out, 0, SEEK_SET) < 0)
		return err_errno(e, "self-check");
	rc = fs_read_fd(b->out, "what shared-prep plan printed", &plan, e);
	if (rc == 0)
		rc = bake_plan_check(b->job->bake, type, &plan, &unseen, e);
	b->made->unseen += unseen;
	return rc;
}

static int keep_list(struct baking *b, struct err *e)
{
	auto_image_manifest struct image_manifest m = {0};
	auto_buf struct buf list = BUF_INIT(IMAGE_LIST_MAX);
	auto_close int fd = -1;
	int rc;

	if (lseek(b->out, 0, SEEK_SET) < 0)
		return err_errno(e, "manifest");
	if ((rc = fs_read_fd(b->out, "the machine's list of its files", &list, e)) < 0 ||
		(rc = image_manifest_read(&list, &m, e)) < 0 ||
		(rc = image_manifest_write(&m, b->made->manifest, e)) < 0 ||
		(rc = fs_open(AT_FDCWD, b->made->manifest, O_RDONLY, 0, &fd, e)) < 0 ||
		(rc = digest_fd(fd, b->made->manifest, b->made->digest, e)) < 0)
		return rc;
	return image_bom_write(&m, b->job->bake, &b->job->origin, b->made->bom, e);
}

static int take(struct baking *b, struct err *e)
{
	switch (b->step->output) {
	case BAKE_PLAN:
		return take_plan(b, e);
	case BAKE_LIST:
		return keep_list(b, e);
	case BAKE_LOG:
		break;
	}
	return 0;
}

/* --- from one to the next */

static int begin(struct baking *b, struct err *e)
{
	auto_buf struct buf script = BUF_INIT(BAKE_SCRIPT_MAX);
	struct machine_command c = {.err = b->log};
	char name[BAKE_NAME + 32];
	int rc;

	if ((rc = bake_step_script(b->step, b->k, &b->place, &script, e)) < 0 ||
		(rc = open_input(b, e)) < 0 || (rc = open_output(b, e)) < 0)
		return rc;
	c.shell = buf_str(&script);
	c.in = b->in;
	c.out = b->out >= 0 ? b->out : b->log;
	dprintf(b->log, "== %s on %s\n", name_of(b, name), b->job->machine->place);
	b->said = lseek(b->log, 0, SEEK_END);
	b->deadline = clock_deadline(b->step->limit);
	b->its_limit = b->deadline < b->job->deadline;
	if (!b->its_limit)
		b->deadline = b->job->deadline;
	return machine_run(b->job->machine, &c, &b->pid, e);
}

static int run_once(struct baking *b, struct err *e)
{
	int status = 0, rc = begin(b, e);

	if (rc == 0)
		rc = wait_end(b, &status, e);
	if (rc == 0 && status == MACHINE_BROKEN)
		rc = doubt(b, e);
	else if (rc == 0 && status != 0)
		rc = failed(b, status, e);
	end_process(b);
	if (rc == 0) {
		tell(b);
		rc = take(b, e);
	}
	close_files(b);
	return rc;
}

static int name_files(const struct bake_job *job, struct bake_made *m, struct err *e)
{
	const struct {
		char *path;
		const char *suffix;
	} rows[] = {{m->log, ".log"}, {m->manifest, ".manifest"}, {m->bom, ".cdx.json"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (snprintf(rows[i].path, PATH_MAX, "%s/%s%s", job->images, job->origin.name,
			    rows[i].suffix) >= PATH_MAX)
			return err_set(
				e, ERR_CONFIG, ENAMETOOLONG, "'%s' is too long", job->images);
	}
	return fs_mkdir_p(AT_FDCWD, job->images, 0755, e);
}

int bake_provision(const struct bake_job *job, struct bake_made *ret, struct err *e)
{
	struct baking b = {.job = job, .made = ret, .log = -1, .in = -1, .out = -1};
	auto_close int log = -1;
	char here[128];
	int rc;

	*ret = (struct bake_made){0};
	if ((rc = name_files(job, ret, e)) < 0 || (rc = bake_here(here, e)) < 0 ||
		(rc = fs_open(AT_FDCWD, ret->log,
			 O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, 0644, &log, e)) < 0)
		return rc;
	b.log = log;
	b.place = (struct bake_place){.bake = job->bake, .run = job->run, .here = here};
	for (size_t i = 0; i < n_bake_steps; i++)
		b.count += bake_step_count(&bake_steps[i], job->bake);
	for (size_t i = 0; i < n_bake_steps && rc == 0; i++) {
		b.step = &bake_steps[i];
		for (b.k = 0; b.k < bake_step_count(b.step, job->bake) && rc == 0; b.k++) {
			b.index++;
			rc = run_once(&b, e);
		}
	}
	return rc;
}
