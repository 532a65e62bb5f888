/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/keeper.h"

#include "common/auto.h"
#include "common/clock.h"
#include "controller/machine/userdata.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* read -t is bash's; every image that cloud-init sets up has it. A line: live on. No line for some
 * seconds: look for a notice. The end of the input: nobody is there any more. */
#define SCRIPT                                                                                     \
	"exec bash -c '\n"                                                                         \
	"at=http://169.254.169.254/latest\n"                                                       \
	"while :; do\n"                                                                            \
	"	read -r -t 5 line\n"                                                                     \
	"	case $? in\n"                                                                            \
	"	0) " USERDATA_REARM " ;;\n"                                                        \
	"	1) exit ;;\n"                                                                            \
	"	esac\n"                                                                                  \
	"	token=$(curl -s -f -m 2 -X PUT -H \"X-aws-ec2-metadata-token-ttl-seconds: 60\" "         \
	"$at/api/token) || continue\n"                                                             \
	"	curl -s -f -m 2 -H \"X-aws-ec2-metadata-token: $token\" "                                \
	"$at/meta-data/spot/instance-action && echo\n"                                             \
	"done'\n"

int keeper_start(struct keeper *k, uint64_t lifetime,
	int (*run)(void *ctx, const struct machine_command *c, pid_t *ret, struct err *e),
	void *ctx, struct err *e)
{
	int in[2], out[2], rc;

	if (pipe2(in, O_CLOEXEC) < 0)
		return err_errno(e, "a pipe");
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in[0]);
		close(in[1]);
		return err_errno(e, "a pipe");
	}
	rc = run(ctx,
		&(struct machine_command){.shell = SCRIPT, .in = in[0], .out = out[1], .err = -1},
		&k->pid, e);
	close(in[0]);
	close(out[1]);
	k->feed = in[1];
	k->tell = out[0];
	(void)!fcntl(k->feed, F_SETFL, O_NONBLOCK);
	(void)!fcntl(k->tell, F_SETFL, O_NONBLOCK);
	k->fed = clock_now();
	k->interval = lifetime / 4;
	return rc;
}

int keeper_poll(struct keeper *k, char *notice, size_t size)
{
	ssize_t n;

	if (k->pid <= 0)
		return 0;
	if (waitpid(k->pid, NULL, WNOHANG) == k->pid) {
		k->pid = 0;
		return -ECHILD;
	}
	/* That it does not listen any more is for the connection to tell. */
	if (clock_now() - k->fed >= k->interval && write(k->feed, "\n", 1) == 1)
		k->fed = clock_now();
	n = read(k->tell, notice, size - 1);
	if (n <= 0)
		return 0;
	notice[n] = '\0';
	notice[strcspn(notice, "\n")] = '\0';
	for (char *p = notice; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	}
	return 1;
}

void keeper_stop(struct keeper *k)
{
	if (k->pid > 0) {
		kill(-k->pid, SIGKILL);
		while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	auto_close_fn(&k->feed);
	auto_close_fn(&k->tell);
	*k = (struct keeper)KEEPER_INIT;
}
