/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/machine/machine_wait.h"

#include "common/cancel.h"
#include "common/clock.h"
#include "common/num.h"

#include <errno.h>

#define PATIENCE  (15 * 60 * NSEC_PER_SEC)
#define STOP_TIME (5 * 60 * NSEC_PER_SEC)
#define TICK      (100 * NSEC_PER_MSEC)

int machine_wait_ready(struct machine *m, struct show *s, struct err *e)
{
	uint64_t deadline = clock_deadline(PATIENCE);
	int rc = machine_start(m, e);

	while (rc == 0 && m->state != MACHINE_READY) {
		if (cancel_requested())
			return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
		if (clock_left(deadline) == 0)
			return err_set(e, ERR_TRANSIENT, ETIMEDOUT,
				"%s: not ready after 15 minutes", m->place);
		if (m->state == MACHINE_LOST || m->state == MACHINE_GONE)
			return err_set(
				e, ERR_TRANSIENT, EIO, "%s: it ended while it started", m->place);
		show_draw(s, 0, 0);
		clock_sleep(TICK, deadline);
		rc = machine_poll(m, e);
	}
	return rc;
}

int machine_wait_gone(struct machine *m, struct err *e)
{
	uint64_t deadline = clock_deadline(STOP_TIME);
	int rc = machine_stop(m, e);

	while (rc == 0 && m->state != MACHINE_GONE) {
		if (clock_left(deadline) == 0)
			return err_set(e, ERR_TRANSIENT, ETIMEDOUT,
				"%s: it did not end in 5 minutes", m->place);
		clock_sleep(TICK, deadline);
		rc = machine_poll(m, e);
	}
	return rc;
}
