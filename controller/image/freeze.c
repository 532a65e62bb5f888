/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/freeze.h"

#include "common/cancel.h"
#include "common/clock.h"
#include "common/num.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

/* What is needed to thaw has run before, so that nothing is looked for on a disk that is frozen. */
static const char script[] =
	"set -u\n"
	"timeout 1 cat </dev/null\n"
	"sync\n"
	"fsfreeze --freeze / 2>/dev/null || :\n"
	"echo still\n"
	"timeout " TEXT(FREEZE_TIME) " cat >/dev/null\n"
				     "fsfreeze --unfreeze / 2>/dev/null || :\n";

#define STEP_MS     100
#define ANSWER_TIME (30 * NSEC_PER_SEC)

static int wait_for_answer(int fd, struct err *e)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t deadline = clock_deadline(ANSWER_TIME);
	char text[16] = "";
	size_t len = 0;

	while (len + 1 < sizeof(text) && !memchr(text, '\n', len)) {
		uint64_t left = clock_left(deadline);
		ssize_t n = 0;

		if (cancel_requested())
			return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
		/* Only what is there is read, or a signal would have us wait forever. */
		if (left > 0 && poll(&p, 1, STEP_MS) <= 0)
			continue;
		if (left > 0)
			n = read(fd, text + len, sizeof(text) - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(e, ERR_TRANSIENT, EIO,
				"the machine did not say that its disk holds still");
		len += (size_t)n;
	}
	if (strcmp(text, "still\n") != 0)
		return err_set(e, ERR_TRANSIENT, EPROTO,
			"the machine says something else than that its disk holds still");
	return 0;
}

int freeze_begin(struct machine *m, struct freeze *ret, struct err *e)
{
	int in[2], out[2] = {-1, -1}, rc;
	struct machine_command c = {.shell = script, .err = -1};

	*ret = (struct freeze)FREEZE_INIT;
	if (pipe2(in, O_CLOEXEC) < 0)
		return err_errno(e, "pipe");
	ret->in = in[1];
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in[0]);
		return err_errno(e, "pipe");
	}
	c.in = in[0];
	c.out = out[1];
	rc = machine_run(m, &c, &ret->pid, e);
	close(in[0]);
	close(out[1]);
	if (rc == 0)
		rc = wait_for_answer(out[0], e);
	close(out[0]);
	/* What does not answer is not waited for. */
	if (rc < 0 && ret->pid > 0)
		kill(-ret->pid, SIGKILL);
	return rc;
}

void freeze_end(struct freeze *f)
{
	if (f->in >= 0)
		close(f->in);
	f->in = -1;
	if (f->pid > 0) {
		while (waitpid(f->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	f->pid = 0;
}
