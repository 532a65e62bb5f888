/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cancel.h"
#include "common/fs.h"
#include "controller/child.h"
#include "controller/disk/disk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#define LAST_WORDS 4096 /* of its standard error; what is before is forgotten */

static bool is_there(const char *name)
{
	const char *path = getenv("PATH");
	char full[PATH_MAX];

	for (path = path ? path : ""; *path;) {
		size_t len = strcspn(path, ":");

		snprintf(full, sizeof(full), "%.*s/%s", (int)len, path, name);
		if (access(full, X_OK) == 0)
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

int disk_programs(const struct disk_program *p, size_t n, struct err *e)
{
	auto_buf struct buf names = BUF_INIT(256);
	auto_buf struct buf packages = BUF_INIT(256);

	for (size_t i = 0; i < n; i++) {
		if (is_there(p[i].name))
			continue;
		if (buf_addf(&names, "%s%s", names.len ? " " : "", p[i].name) < 0)
			return err_oom(e);
		if (!strstr(buf_str(&packages), p[i].package) &&
			buf_addf(&packages, " %s", p[i].package) < 0)
			return err_oom(e);
	}
	if (names.len == 0)
		return 0;
	return err_set(e, ERR_SYSTEM, ENOENT, "programs are missing: %s: install%s",
		buf_str(&names), buf_str(&packages));
}

/* A file that nobody else knows, to be read from its start. */
static int text_file(const char *text, int *ret, struct err *e)
{
	auto_close int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0 || fs_write_all(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(e, "cannot keep the input of a program");
	*ret = take_fd(&fd);
	return 0;
}

struct stream {
	int fd; /* -1: it has ended */
	struct buf *to;
	bool tail; /* what does not fit is the beginning */
};

static int take(struct stream *s, const char *name, struct err *e)
{
	char chunk[4096];
	ssize_t n = read(s->fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		close(s->fd);
		s->fd = -1;
		return 0;
	}
	if (!s->to)
		return 0;
	if (s->tail && s->to->len + (size_t)n > s->to->max)
		buf_reset(s->to);
	if (buf_add(s->to, chunk, (size_t)n) < 0)
		return err_set(
			e, ERR_DATA, EFBIG, "%s prints more than %zu bytes", name, s->to->max);
	return 0;
}

static int attend(struct child *c, struct stream s[2], const char *name, struct err *e)
{
	/* What it has started may hold the streams longer than it lives. */
	while (!child_ended(c)) {
		struct pollfd p[2] = {
			{.fd = s[0].fd, .events = POLLIN}, {.fd = s[1].fd, .events = POLLIN}};

		(void)poll(p, 2, s[0].fd < 0 && s[1].fd < 0 ? 10 : 100);
		for (int i = 0; i < 2; i++) {
			int rc = p[i].revents ? take(&s[i], name, e) : 0;

			if (rc < 0)
				return rc;
		}
		if (cancel_requested())
			return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
	}
	for (int i = 0; i < 2; i++) {
		while (s[i].fd >= 0 &&
			poll(&(struct pollfd){.fd = s[i].fd, .events = POLLIN}, 1, 0) == 1) {
			int rc = take(&s[i], name, e);

			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

/* The last line that is not empty, without what a terminal would act on. */
static const char *last_line(struct buf *b)
{
	char *text = b->data, *line;

	while (b->len > 0 && strchr("\n\r\t ", text[b->len - 1]))
		text[--b->len] = '\0';
	if (b->len == 0)
		return "no word of why";
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	for (char *c = line; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	}
	return line;
}

static int pipe_of(int *ours, int *its, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
		return err_errno(e, "cannot make a pipe");
	*ours = ends[0];
	*its = ends[1];
	return 0;
}

static int start(const struct disk_command *c, struct stream s[2], struct child *ret, struct err *e)
{
	auto_close int in = -1;
	auto_close int out = -1;
	auto_close int err = -1;
	int rc = c->in ? text_file(c->in, &in, e) : 0;

	if (rc == 0)
		rc = pipe_of(&s[0].fd, &out, e);
	if (rc == 0)
		rc = pipe_of(&s[1].fd, &err, e);
	if (rc < 0)
		return rc;
	return child_spawn(
		c->argv, environ, &(struct child_files){.in = in, .out = out, .err = err}, ret, e);
}

/* One may have mounted something, or have others work for it: it is asked first. */
static void end(struct child *c)
{
	child_stop(c);
	while (!child_ended(c))
		(void)poll(NULL, 0, 10);
}

int disk_run(const struct disk_command *c, struct err *e)
{
	auto_buf struct buf words = BUF_INIT(LAST_WORDS);
	struct stream s[2] = {{-1, c->out, false}, {-1, &words, true}};
	struct child child = {0};
	int rc = start(c, s, &child, e), code;

	if (rc == 0)
		rc = attend(&child, s, c->argv[0], e);
	if (rc < 0)
		end(&child);
	auto_close_fn(&s[0].fd);
	auto_close_fn(&s[1].fd);
	if (rc < 0)
		return rc;
	code = child_code(child.status);
	if (code != 0)
		return err_set(e, c->kind ? c->kind : ERR_SYSTEM, EIO, "%s ended with %d: %s",
			c->argv[0], code, last_line(&words));
	return 0;
}
