/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cancel.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

/* Threads read it: lock-free, so a signal handler may set it. */
static atomic_bool requested;
_Static_assert(ATOMIC_BOOL_LOCK_FREE == 2, "a signal handler sets it");

static void on_signal(int number)
{
	(void)number;
	requested = true;
}

void cancel_setup(void)
{
	static const int number[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	for (size_t i = 0; i < sizeof(number) / sizeof(number[0]); i++)
		sigaction(number[i], &action, NULL);
}

bool cancel_requested(void)
{
	return requested;
}
