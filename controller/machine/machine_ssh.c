/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/machine_ssh.h"

#include "common/clock.h"
#include "common/num.h"
#include "controller/child.h"
#include "controller/machine/ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PROBE_MAX  4096
#define PROBE_TIME (60 * NSEC_PER_SEC)

struct remote {
	struct machine m;
	const struct ssh_options *options;
	struct ssh *ssh;
	/* The first command: what kind of machine it is, and that we may be its root. */
	struct child probe;
	int printed_fd;
	struct buf printed;
	uint64_t deadline;
};

static struct remote *remote_of(struct machine *m)
{
	return (struct remote *)m;
}

static int start(struct machine *m, struct err *e)
{
	struct remote *r = remote_of(m);
	int rc = ssh_open(r->options, &r->ssh, e);

	r->options = NULL;
	if (rc < 0)
		return err_ctx(e, "%s", m->name);
	m->state = MACHINE_STARTING;
	m->started = clock_now();
	return 0;
}

static int begin_probe(struct remote *r, struct err *e)
{
	auto_close int out = -1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, "cannot make a pipe");
	r->printed_fd = ends[0];
	out = ends[1];
	if (fcntl(r->printed_fd, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(e, "cannot use a pipe");
	r->deadline = clock_deadline(PROBE_TIME);
	return ssh_run(r->ssh,
		&(struct machine_command){.shell = "uname -m", .in = -1, .out = out, .err = out},
		&r->probe.pid, e);
}

static int read_probe(struct remote *r)
{
	char chunk[512];
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = read(r->printed_fd, chunk, sizeof(chunk))) > 0)
		rc = buf_add(&r->printed, chunk, (size_t)n);
	return rc;
}

static int judge_probe(struct remote *r, struct err *e)
{
	char *text = r->printed.data;
	const int code = child_code(r->probe.status);
	size_t len = text ? strcspn(text, "\n") : 0;

	if (code == 0 && len > 0 && len < sizeof(r->m.arch) && text[len + 1] == '\0') {
		snprintf(r->m.arch, sizeof(r->m.arch), "%.*s", (int)len, text);
		r->m.state = MACHINE_READY;
		return 0;
	}
	for (char *c = text; c && *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
	}
	if (code == MACHINE_BROKEN)
		return err_set(e, ERR_TRANSIENT, ENOTCONN, "%s: the first command was lost: %s",
			r->m.place, buf_str(&r->printed));
	if (code != 0)
		return err_set(e, ERR_REMOTE, EPERM,
			"%s: no command can be run as root: %s: log in as root, or let the user "
			"use sudo without a password",
			r->m.place, buf_str(&r->printed));
	return err_set(e, ERR_DATA, EPROTO,
		"%s: `uname -m` prints '%.100s': a start-up file of the login shell may print",
		r->m.place, buf_str(&r->printed));
}

static int poll_probe(struct remote *r, struct err *e)
{
	const bool ended = child_ended(&r->probe);

	if (read_probe(r) < 0)
		return err_set(e, ERR_DATA, EFBIG, "%s: `uname -m` prints too much", r->m.place);
	if (ended)
		return judge_probe(r, e);
	if (clock_left(r->deadline) == 0)
		return err_set(
			e, ERR_TRANSIENT, ETIMEDOUT, "%s: `uname -m` does not end", r->m.place);
	return 0;
}

static int poll_starting(struct remote *r, struct err *e)
{
	if (ssh_state(r->ssh) == SSH_CONNECTING)
		return 0;
	if (ssh_state(r->ssh) == SSH_LOST)
		return err_set(e, ERR_TRANSIENT, ENOTCONN, "%s", ssh_reason(r->ssh));
	return r->probe.pid ? poll_probe(r, e) : begin_probe(r, e);
}

static int poll_remote(struct machine *m, struct err *e)
{
	struct remote *r = remote_of(m);
	int rc = r->ssh ? ssh_poll(r->ssh, e) : 0;

	if (rc == 0 && m->state == MACHINE_STARTING)
		rc = poll_starting(r, e);
	if (rc < 0)
		return err_ctx(e, "%s", m->name);
	if (m->state == MACHINE_READY && ssh_state(r->ssh) == SSH_LOST) {
		m->state = MACHINE_LOST;
		snprintf(m->notice, sizeof(m->notice), "%.127s", ssh_reason(r->ssh));
	}
	if (m->state == MACHINE_STOPPING && (!r->ssh || ssh_state(r->ssh) == SSH_CLOSED))
		m->state = MACHINE_GONE;
	return 0;
}

static int run(struct machine *m, const struct machine_command *c, pid_t *ret, struct err *e)
{
	if (m->state != MACHINE_READY)
		return err_set(e, ERR_TRANSIENT, ENOTCONN, "%s is not there", m->name);
	return ssh_run(remote_of(m)->ssh, c, ret, e);
}

static int stop(struct machine *m, struct err *e)
{
	struct remote *r = remote_of(m);

	(void)e;
	if (m->state == MACHINE_GONE)
		return 0;
	if (r->ssh)
		ssh_close(r->ssh);
	m->state = MACHINE_STOPPING;
	return 0;
}

static void free_remote(struct machine *m)
{
	struct remote *r = remote_of(m);

	child_kill(&r->probe);
	ssh_free(r->ssh);
	auto_close_fn(&r->printed_fd);
	buf_free(&r->printed);
	free(r);
}

static const struct machine_ops ops = {start, poll_remote, run, stop, free_remote};

int machine_ssh_new(const struct machine_ssh_options *o, struct machine **ret, struct err *e)
{
	struct remote *r = calloc(1, sizeof(*r));

	if (!r)
		return err_oom(e);
	r->m.ops = &ops;
	r->options = o->ssh;
	r->m.stays = true;
	r->printed_fd = -1;
	r->printed.max = PROBE_MAX;
	snprintf(r->m.name, sizeof(r->m.name), "%s", o->name);
	snprintf(r->m.place, sizeof(r->m.place), "%s", o->place);
	*ret = &r->m;
	return 0;
}
