/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine answers that is to hold still, and what is done meanwhile. */
#include "common/cancel.h"
#include "controller/child.h"
#include "controller/image/freeze.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

/* Says this, and then waits for the end of its input. */
struct fake {
	struct machine m;
	const char *says;
	int signal; /* for who asked; 0: none */
};

static int run(struct machine *m, const struct machine_command *c, pid_t *ret, struct err *e)
{
	const struct fake *f = (const struct fake *)m;
	int rc = child_fork(&(struct child_files){.in = c->in, .out = c->out, .err = -1}, ret, e);
	char byte;

	if (rc < 0 || *ret > 0)
		return rc;
	if (write(STDOUT_FILENO, f->says, strlen(f->says)) < 0)
		_exit(1);
	if (f->signal) {
		kill(getppid(), f->signal);
		/* Deaf: the end of its input is nothing to it. */
		alarm(60);
		for (;;)
			pause();
	}
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	_exit(0);
}

static const struct machine_ops ops = {.run = run};

static int freeze(const char *says, int signal, struct err *e)
{
	struct fake fake = {
		.m = {.ops = &ops, .state = MACHINE_READY}, .says = says, .signal = signal};
	struct freeze f;
	int rc = freeze_begin(&fake.m, &f, e);

	freeze_end(&f);
	return rc;
}

static void test_answers(void **state)
{
	static const struct {
		const char *says;
		int rc;
	} rows[] = {
		{"still\n", 0},
		{"Welcome to Linux\nstill\n", -EPROTO},
		{"still\nstill\n", -EPROTO},
		{"\n", -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(freeze(rows[i].says, 0, &e), rows[i].rc);
	}
}

/* Last: there is no way back. */
static void test_interrupted(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	cancel_setup();
	alarm(20);
	assert_int_equal(freeze("", SIGTERM, &e), -ECANCELED);
	alarm(0);
	assert_int_equal(e.kind, ERR_TRANSIENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_interrupted),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
