/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/ssh.h"

#include "common/clock.h"
#include "common/fs.h"
#include "common/num.h"
#include "controller/child.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Short: the path of a socket has 108 bytes at most, and ssh adds 17 while it makes it. */
#define FOLDER "/tmp/shared-prep-ssh.XXXXXX"

#define PRINTED_MAX   8192
#define COMMAND_MAX   131072
#define BETWEEN_FIRST NSEC_PER_SEC /* attempts; doubled each time */
#define BETWEEN_MAX   (8 * NSEC_PER_SEC)

struct ssh {
	enum ssh_state state;
	struct child master;
	struct ssh_words words;
	char **env; /* points into ours */
	char *host; /* for messages */
	char folder[sizeof(FOLDER)];
	char socket[sizeof(FOLDER) + 2];
	int printed_fd; /* what the master prints */
	struct buf printed;
	bool boots;
	uint64_t deadline; /* clock.h */
	uint64_t next;     /* attempt; 0: one is being made */
	uint64_t between;
	char reason[512];
};

static char **make_env(bool config)
{
	/* It reads what we quote for it. */
	static char shell[] = "SHELL=/bin/sh";
	size_t n = 0, kept = 0;
	char **env;

	while (environ && environ[n])
		n++;
	env = calloc(n + 2, sizeof(*env));
	for (size_t i = 0; env && i < n; i++) {
		if (ssh_keeps_variable(environ[i], config))
			env[kept++] = environ[i];
	}
	if (env)
		env[kept] = shell;
	return env;
}

static int connect_once(struct ssh *s, struct err *e)
{
	auto_close int out = -1;
	int ends[2], rc;

	auto_close_fn(&s->printed_fd);
	s->printed_fd = -1;
	buf_reset(&s->printed);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, "ssh to '%s'", s->host);
	s->printed_fd = ends[0];
	out = ends[1];
	if (fcntl(s->printed_fd, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(e, "ssh to '%s'", s->host);
	rc = child_spawn((const char *const *)s->words.word, s->env,
		&(struct child_files){.in = -1, .out = -1, .err = out}, &s->master, e);
	if (rc == 0)
		s->next = 0;
	return rc;
}

static int make_folder(struct ssh *s, struct err *e)
{
	snprintf(s->folder, sizeof(s->folder), FOLDER);
	if (!mkdtemp(s->folder)) {
		s->folder[0] = '\0';
		return err_errno(e, "cannot make a folder like '%s'", FOLDER);
	}
	snprintf(s->socket, sizeof(s->socket), "%s/s", s->folder);
	return 0;
}

static int begin(struct ssh *s, const struct ssh_options *o, struct err *e)
{
	int rc;

	s->host = strdup(o->to.host);
	s->env = make_env(o->to.config || (o->jump && o->jump->config));
	if (!s->host || !s->env)
		return err_oom(e);
	rc = make_folder(s, e);
	if (rc == 0)
		rc = ssh_master_words(o, s->socket, &s->words, e);
	return rc < 0 ? rc : connect_once(s, e);
}

int ssh_open(const struct ssh_options *o, struct ssh **ret, struct err *e)
{
	struct ssh *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return err_oom(e);
	s->printed_fd = -1;
	s->printed.max = PRINTED_MAX;
	s->boots = o->boots;
	s->deadline = clock_deadline(o->patience);
	s->between = BETWEEN_FIRST;
	rc = begin(s, o, e);
	if (rc < 0)
		ssh_free(s);
	else
		*ret = s;
	return rc;
}

/* What does not fit is read all the same, so that ssh does not wait for us. */
static void read_printed(struct ssh *s)
{
	char chunk[1024];
	ssize_t n;

	while ((n = read(s->printed_fd, chunk, sizeof(chunk))) > 0) {
		const size_t room = s->printed.max - s->printed.len;

		if (buf_add(&s->printed, chunk, (size_t)n < room ? (size_t)n : room) < 0)
			return;
	}
}

static int attempt_failed(struct ssh *s, struct err *e)
{
	enum ssh_fault fault = ssh_classify(s->host, buf_str(&s->printed), e);

	snprintf(s->reason, sizeof(s->reason), "%s", e->msg);
	if (fault == SSH_FAULT_FINAL || (fault == SSH_FAULT_LOGIN && !s->boots))
		return -e->num;
	if (clock_left(s->deadline) <= s->between) {
		err_ctx(e, "not reached in time");
		return -e->num;
	}
	*e = (struct err)ERR_INIT;
	s->next = clock_deadline(s->between);
	s->between = s->between * 2 < BETWEEN_MAX ? s->between * 2 : BETWEEN_MAX;
	return 0;
}

static int poll_connecting(struct ssh *s, struct err *e)
{
	bool ended;

	if (s->next)
		return clock_left(s->next) ? 0 : connect_once(s, e);
	/* In this order: what it has printed before its end is then there. */
	ended = child_ended(&s->master);
	read_printed(s);
	if (ended)
		return attempt_failed(s, e);
	/* It is made when the login has succeeded, by link(2): all or not. */
	if (access(s->socket, F_OK) == 0) {
		s->state = SSH_CONNECTED;
		s->reason[0] = '\0';
	} else if (clock_left(s->deadline) == 0) {
		child_kill(&s->master);
		return err_set(e, ERR_TRANSIENT, ETIMEDOUT, "ssh to '%s': no answer in time%s%s",
			s->host, *s->reason ? "; before: " : "", s->reason);
	}
	return 0;
}

static void poll_connected(struct ssh *s)
{
	const bool ended = child_ended(&s->master);
	struct err e = ERR_INIT;

	read_printed(s);
	if (!ended)
		return;
	(void)ssh_classify(s->host, buf_str(&s->printed), &e);
	snprintf(s->reason, sizeof(s->reason), "%s", e.msg);
	s->state = SSH_LOST;
}

int ssh_poll(struct ssh *s, struct err *e)
{
	if (s->master.kill_at || s->state == SSH_CLOSED) {
		if (child_ended(&s->master))
			s->state = SSH_CLOSED;
		return 0;
	}
	if (s->state == SSH_CONNECTING)
		return poll_connecting(s, e);
	if (s->state == SSH_CONNECTED)
		poll_connected(s);
	return 0;
}

enum ssh_state ssh_state(const struct ssh *s)
{
	return s->state;
}

const char *ssh_reason(const struct ssh *s)
{
	return s->reason;
}

int ssh_run(struct ssh *s, const struct machine_command *c, pid_t *ret, struct err *e)
{
	auto_ssh_words struct ssh_words words = {0};
	auto_buf struct buf command = BUF_INIT(COMMAND_MAX);
	struct child child;
	int rc;

	if (s->state != SSH_CONNECTED)
		return err_set(e, ERR_TRANSIENT, ENOTCONN, "ssh to '%s': not connected", s->host);
	rc = ssh_remote_command(&command, c->shell);
	if (rc < 0)
		return rc == -EFBIG ? err_set(e, ERR_BUG, EFBIG, "a command is too long for ssh")
				    : err_oom(e);
	rc = ssh_run_words(s->socket, command.data, &words, e);
	if (rc == 0)
		rc = child_spawn((const char *const *)words.word, s->env,
			&(struct child_files){.in = c->in, .out = c->out, .err = c->err}, &child,
			e);
	if (rc == 0)
		*ret = child.pid;
	return rc;
}

void ssh_close(struct ssh *s)
{
	if (s->master.pid == 0)
		s->state = SSH_CLOSED;
	else
		child_stop(&s->master);
}

void ssh_free(struct ssh *s)
{
	struct err ignored = ERR_INIT;

	if (!s)
		return;
	child_kill(&s->master);
	if (*s->folder)
		(void)!fs_remove_tree(AT_FDCWD, s->folder, &ignored);
	auto_close_fn(&s->printed_fd);
	buf_free(&s->printed);
	ssh_words_free(&s->words);
	free(s->env);
	free(s->host);
	free(s);
}
