/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drive MACHINE…: does with machines what the lines of standard input say, and prints how that
 * went, for tests/machines/run. A machine is "local", "local,no-network" or "ssh,KEY=VALUE,…".
 *
 *   use N            the next lines are for the N-th machine, from 0
 *   start            "ready ARCH", or "error KIND MESSAGE"
 *   run COMMAND      "exit N"
 *   pipe IN OUT COMMAND   the same, its standard streams being files of those names
 *   begin COMMAND    "pid N": without waiting
 *   wait             "exit N" of what was begun
 *   kill             the same; it is killed before
 *   lost             "lost NOTICE" when the machine is
 *   stop             "gone"
 *   hold             "holding", until it is killed
 */
#include "common/clock.h"
#include "common/num.h"
#include "controller/child.h"
#include "controller/machine/machine_local.h"
#include "controller/machine/machine_ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define MACHINES 4
#define PATIENCE (60 * NSEC_PER_SEC)
#define STEP     (2 * NSEC_PER_MSEC)

struct driven {
	struct machine *m;
	struct ssh_options ssh;
	struct ssh_hop jump;
	char *texts[2];
	pid_t begun;
};

static void fail(const struct err *e)
{
	printf("error %d %s\n", err_exit_code(e), e->msg);
}

static void set_hop(struct driven *d, struct ssh_hop *h, const char *address, struct err *e)
{
	const struct ssh_hop was = *h;
	char **text = h == &d->jump ? &d->texts[1] : &d->texts[0];

	if (ssh_hop_parse(address, h, text, e) < 0)
		fail(e);
	h->identity = was.identity;
	h->known_hosts = was.known_hosts;
	h->alias = was.alias;
	h->config = was.config;
}

static void set_option(struct driven *d, const char *key, char *value, struct err *e)
{
	struct ssh_hop *h = &d->ssh.to;

	if (strncmp(key, "jump.", 5) == 0) {
		h = &d->jump;
		d->ssh.jump = h;
		key += 5;
	}
	if (strcmp(key, "address") == 0)
		set_hop(d, h, value, e);
	else if (strcmp(key, "identity") == 0)
		h->identity = value;
	else if (strcmp(key, "known_hosts") == 0)
		h->known_hosts = value;
	else if (strcmp(key, "alias") == 0)
		h->alias = value;
	else if (strcmp(key, "config") == 0)
		h->config = value;
	else if (strcmp(key, "patience") == 0 && num_duration(value, &d->ssh.patience, e) < 0)
		fail(e);
	else if (strcmp(key, "boots") == 0)
		d->ssh.boots = true;
}

static int make(struct driven *d, char *spec, struct err *e)
{
	char *rest = spec, *word = strsep(&rest, ",");
	const bool remote = strcmp(word, "ssh") == 0;
	struct machine_local_options local = {.name = "worker"};

	d->ssh.timeout = 5 * NSEC_PER_SEC;
	d->ssh.patience = 20 * NSEC_PER_SEC;
	while ((word = strsep(&rest, ","))) {
		char *value = strchr(word, '=');

		if (strcmp(word, "no-network") == 0)
			local.no_network = true;
		if (value)
			*value++ = '\0';
		if (remote)
			set_option(d, word, value, e);
	}
	if (!remote)
		return machine_local_new(&local, &d->m, e);
	return machine_ssh_new(&(struct machine_ssh_options){.name = "worker",
				       .place = d->ssh.to.host ? d->ssh.to.host : "",
				       .ssh = &d->ssh},
		&d->m, e);
}

/* Until it is in that state; false: it went wrong, which is said. */
static bool reach(struct machine *m, enum machine_state state)
{
	const uint64_t deadline = clock_deadline(PATIENCE);
	struct err e = ERR_INIT;

	for (;;) {
		if (machine_poll(m, &e) < 0) {
			fail(&e);
			return false;
		}
		if (m->state == state)
			return true;
		if (clock_left(deadline) == 0) {
			printf("timeout in state %d\n", (int)m->state);
			return false;
		}
		clock_sleep(STEP, deadline);
	}
}

static void start(struct machine *m)
{
	struct err e = ERR_INIT;

	if (machine_start(m, &e) < 0)
		fail(&e);
	else if (reach(m, MACHINE_READY))
		printf("ready %s\n", m->arch);
}

/* 0: it was not, which is said. */
static pid_t begin(struct driven *d, const struct machine_command *c)
{
	struct err e = ERR_INIT;
	pid_t pid = 0;

	if (machine_run(d->m, c, &pid, &e) < 0)
		fail(&e);
	return pid;
}

static void wait_end(pid_t pid)
{
	uint64_t deadline = clock_deadline(PATIENCE);
	int status = 0;

	while (pid && waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_left(deadline) == 0) {
			printf("timeout\n");
			kill(-pid, SIGKILL);
			deadline = CLOCK_FOREVER;
		}
		clock_sleep(STEP, deadline);
	}
	if (pid)
		printf("exit %d\n", child_code(status));
}

static pid_t begin_shell(struct driven *d, const char *shell)
{
	return begin(d, &(struct machine_command){.shell = shell, .in = -1, .out = 1, .err = 2});
}

static void run_with_files(struct driven *d, char *line)
{
	const char *in = strsep(&line, " "), *out = strsep(&line, " ");
	auto_close int from = open(in, O_RDONLY | O_CLOEXEC);
	auto_close int to = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	wait_end(begin(
		d, &(struct machine_command){.shell = line, .in = from, .out = to, .err = 2}));
}

static void end_begun(struct driven *d, bool killed)
{
	if (d->begun && killed)
		kill(d->begun, SIGKILL);
	wait_end(d->begun);
	d->begun = 0;
}

static void obey(struct driven *d, const char *verb, char *rest)
{
	struct err e = ERR_INIT;

	if (strcmp(verb, "start") == 0) {
		start(d->m);
	} else if (strcmp(verb, "run") == 0) {
		wait_end(begin_shell(d, rest));
	} else if (strcmp(verb, "pipe") == 0) {
		run_with_files(d, rest);
	} else if (strcmp(verb, "begin") == 0) {
		d->begun = begin_shell(d, rest);
		printf("pid %d\n", (int)d->begun);
	} else if (strcmp(verb, "kill") == 0) {
		end_begun(d, true);
	} else if (strcmp(verb, "wait") == 0) {
		end_begun(d, false);
	} else if (strcmp(verb, "lost") == 0) {
		if (reach(d->m, MACHINE_LOST))
			printf("lost %s\n", d->m->notice);
	} else if (strcmp(verb, "stop") == 0) {
		if (machine_stop(d->m, &e) < 0)
			fail(&e);
		else if (reach(d->m, MACHINE_GONE))
			printf("gone\n");
	} else if (strcmp(verb, "hold") == 0) {
		printf("holding\n");
		fflush(stdout);
		pause();
	} else {
		printf("no such verb '%s'\n", verb);
	}
}

int main(int argc, char **argv)
{
	struct driven driven[MACHINES] = {0}, *d = driven;
	auto_free char *line = NULL;
	size_t cap = 0;

	signal(SIGPIPE, SIG_IGN);
	for (int i = 1; i < argc && i <= MACHINES; i++) {
		struct err e = ERR_INIT;

		if (make(&driven[i - 1], argv[i], &e) < 0) {
			fail(&e);
			return 1;
		}
	}
	while (getline(&line, &cap, stdin) > 0) {
		char *rest = line, *verb;

		line[strcspn(line, "\n")] = '\0';
		verb = strsep(&rest, " ");
		if (strcmp(verb, "use") == 0)
			d = &driven[rest[0] - '0'];
		else
			obey(d, verb, rest);
		fflush(stdout);
	}
	for (size_t i = 0; i < MACHINES; i++) {
		machine_free(driven[i].m);
		free(driven[i].texts[0]);
		free(driven[i].texts[1]);
	}
	return 0;
}
