/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/priority.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the four above */
#include <cmocka.h>

static void test_names(void **state)
{
	struct err e = ERR_INIT;
	enum io_class io = IO_CLASS_NONE;

	(void)state;
	assert_int_equal(priority_io_class("idle", &io, &e), 0);
	assert_int_equal(io, IO_CLASS_IDLE);
	assert_int_equal(priority_io_class("Idle", &io, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "'Idle'"));
}

/* In a child: a process cannot take its own priority back. */
static void test_set(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct err e = ERR_INIT;
		const int before = getpriority(PRIO_PROCESS, 0);
		int rc = priority_set(&(struct priority){.nice = 3, .io = IO_CLASS_IDLE}, &e);
		long io = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);

		_exit(rc != 0                                                             ? 1
			: getpriority(PRIO_PROCESS, 0) != (before < 16 ? before + 3 : 19) ? 2
			: IOPRIO_PRIO_CLASS(io) != IOPRIO_CLASS_IDLE                      ? 3
											  : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_set),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
