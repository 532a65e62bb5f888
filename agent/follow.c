/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/follow.h"

#include "agent/rundir.h"
#include "common/clock.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVENTS     4096
#define POLL_STEP  (100 * NSEC_PER_MSEC)
#define AGAIN_STEP NSEC_PER_SEC
/* How long the watcher may take to move an ended job. */
#define MOVE_TIME  (2 * NSEC_PER_SEC)

struct wait {
	const struct follow *f;
	int inotify; /* -1: by looking */
	int signals; /* -1: none */
	int dir;     /* of the job, -1: not there yet */
	bool watched;
	int in[2]; /* its stdout and stderr */
	unsigned asked;
	uint64_t moved_by; /* CLOCK_FOREVER: it has no result yet */
	int lost[2];       /* the errno of our own stdout or stderr: nothing to copy to */
	bool full[2];      /* they take no more now: there may be more to copy */
};

static void wait_free(struct wait *w)
{
	auto_close_fn(&w->inotify);
	auto_close_fn(&w->signals);
	auto_close_fn(&w->dir);
	auto_close_fn(&w->in[0]);
	auto_close_fn(&w->in[1]);
}

int follow_cancel(const struct spool *s, const char *id, struct err *e)
{
	auto_close int fd = openat(
		s->cancel, id, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

	return fd < 0 ? err_errno(e, "cannot ask for the end of '%s'", id) : 0;
}

static int add_watch(struct wait *w, const char *name, uint32_t mask)
{
	char path[PATH_MAX + SPOOL_ID + 16];

	snprintf(path, sizeof(path), "%s/%s", w->f->spool->path, name);
	return inotify_add_watch(w->inotify, path, mask | IN_ONLYDIR);
}

/* Without instances or watches left (fs.inotify.max_user_instances) it looks. */
static void open_inotify(struct wait *w)
{
	w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->inotify < 0)
		return;
	if (add_watch(w, "run", IN_CREATE | IN_ATTRIB | IN_MOVED_FROM) < 0 ||
		add_watch(w, "done", IN_MOVED_TO) < 0 || add_watch(w, "failed", IN_MOVED_TO) < 0) {
		close(w->inotify);
		w->inotify = -1;
	}
}

static void open_signals(struct wait *w)
{
	sigset_t set;

	if (!w->f->cancels)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w->signals >= 0)
		sigprocmask(SIG_BLOCK, &set, NULL);
}

/* The number of the second one. */
static int on_signals(struct wait *w, struct err *e)
{
	struct signalfd_siginfo info;

	while (w->signals >= 0 && read(w->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int rc = 0;

		if (w->asked++ > 0)
			return (int)info.ssi_signo;
		rc = follow_cancel(w->f->spool, w->f->id, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void copy_chunk(struct wait *w, int i, bool *ret_more)
{
	char chunk[PIPE_BUF]; /* what a pipe takes at once, if it takes anything */
	ssize_t n = read(w->in[i], chunk, sizeof(chunk));

	if (n > 0 && w->lost[i] == 0)
		w->lost[i] = -fs_write_all(i + 1, chunk, (size_t)n);
	*ret_more = n > 0;
}

static bool is_full(const struct wait *w, int i)
{
	struct pollfd p = {.fd = i + 1, .events = POLLOUT};

	return w->lost[i] == 0 && poll(&p, 1, 0) == 0;
}

/* As far as there is room: a reader that is slow keeps nobody from signals. */
static void copy_output(struct wait *w)
{
	for (int i = 0; i < 2; i++) {
		bool more = w->in[i] >= 0;

		while (more && !(w->full[i] = is_full(w, i)))
			copy_chunk(w, i, &more);
	}
}

/* Under this name there is now another file than the one that is open. */
static bool is_replaced(int fd, int folder, const char *name)
{
	struct stat ours, theirs;

	return fd >= 0 && fstat(fd, &ours) == 0 &&
	       fstatat(folder, name, &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev);
}

static void forget_output(struct wait *w, int i)
{
	for (bool more = w->in[i] >= 0; more;)
		copy_chunk(w, i, &more);
	auto_close_fn(&w->in[i]);
	w->in[i] = -1;
	w->full[i] = false;
}

/* It was queued again: what is open is of the time before. */
static void forget(struct wait *w)
{
	forget_output(w, 0);
	forget_output(w, 1);
	auto_close_fn(&w->dir);
	w->dir = -1;
	w->watched = false;
	w->moved_by = CLOCK_FOREVER;
}

/* The folder can be read only when its recorder has given it to the group. */
static void open_dir(struct wait *w, int folder)
{
	static const char *const name[] = {"stdout", "stderr"};
	char path[SPOOL_ID + 8];

	if (is_replaced(w->dir, folder, w->f->id))
		forget(w);
	if (w->dir < 0)
		w->dir = openat(folder, w->f->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (w->dir < 0)
		return;
	if (!w->watched && w->inotify >= 0 && folder == w->f->spool->run) {
		snprintf(path, sizeof(path), "run/%s", w->f->id);
		w->watched = add_watch(w, path, IN_CREATE | IN_MODIFY | IN_MOVED_TO) >= 0;
	}
	for (int i = 0; i < 2 && w->f->copy; i++) {
		/* Its recorder could not begin, and another has. */
		if (is_replaced(w->in[i], w->dir, name[i]))
			forget_output(w, i);
		if (w->in[i] < 0)
			w->in[i] = openat(w->dir, name[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	}
}

/* 1, as look(). A reader that has gone wants no more; whatever else keeps us from writing is a
 * failure. */
static int check_output(const struct wait *w, struct err *e)
{
	for (int i = 0; i < 2; i++)
		if (w->lost[i] != 0 && w->lost[i] != EPIPE) {
			errno = w->lost[i];
			return err_errno(
				e, "'%s' has ended, but its output could not be written", w->f->id);
		}
	return 1;
}

/* 1: it has ended, *ret says how. */
static int look(struct wait *w, struct job_result *ret, struct err *e)
{
	const struct spool *s = w->f->spool;
	enum spool_place place = spool_find(s, w->f->id);
	struct err ignored = ERR_INIT;
	bool over = place == SPOOL_DONE || place == SPOOL_FAILED;
	int rc;

	if (place == SPOOL_RUN)
		open_dir(w, s->run);
	if (over)
		open_dir(w, place == SPOOL_DONE ? s->done : s->failed);
	rc = w->dir < 0 ? -ENOENT : result_read(w->dir, ret, &ignored);
	/* The result first: what was printed before it is then there. */
	copy_output(w);
	if (w->full[0] || w->full[1])
		return 0;
	if (rc == 0 && !over && w->moved_by == CLOCK_FOREVER)
		w->moved_by = clock_deadline(MOVE_TIME);
	if (rc == 0 && (over || clock_left(w->moved_by) == 0))
		return check_output(w, e);
	if (over)
		return err_set(e, ERR_SYSTEM, EACCES,
			"'%s' has ended, but its result cannot be read: %s", w->f->id, ignored.msg);
	if (place == SPOOL_NOWHERE && w->dir >= 0)
		return err_set(e, ERR_SYSTEM, ECANCELED, "'%s' was removed", w->f->id);
	if (place == SPOOL_NOWHERE)
		return err_set(e, ERR_USAGE, ENOENT, "there is no job '%s'", w->f->id);
	return 0;
}

static void wait_for_change(struct wait *w)
{
	char text[EVENTS] __attribute__((aligned(8)));
	struct pollfd p[4] = {{.fd = w->inotify, .events = POLLIN},
		{.fd = w->signals, .events = POLLIN},
		{.fd = w->full[0] ? STDOUT_FILENO : -1, .events = POLLOUT},
		{.fd = w->full[1] ? STDERR_FILENO : -1, .events = POLLOUT}};
	/* Beside events also now and then: they are a hint. */
	uint64_t ns = w->inotify < 0 ? POLL_STEP : AGAIN_STEP;
	struct timespec ts = {
		.tv_sec = (time_t)(ns / NSEC_PER_SEC), .tv_nsec = (long)(ns % NSEC_PER_SEC)};

	if (ppoll(p, ARRAY_LEN(p), &ts, NULL) > 0 && p[0].revents &&
		read(w->inotify, text, sizeof(text)) < 0)
		return;
}

int follow_job(const struct follow *f, struct job_result *ret, struct err *e)
{
	__attribute__((cleanup(wait_free))) struct wait w = {.f = f,
		.inotify = -1,
		.signals = -1,
		.dir = -1,
		.in = {-1, -1},
		.moved_by = CLOCK_FOREVER};
	int rc;

	open_signals(&w);
	open_inotify(&w);
	for (;;) {
		rc = on_signals(&w, e);
		if (rc != 0)
			return rc;
		rc = look(&w, ret, e);
		if (rc != 0)
			return rc < 0 ? rc : 0;
		wait_for_change(&w);
	}
}
