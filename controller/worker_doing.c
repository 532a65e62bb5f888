/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/step.h"
#include "controller/worker.h"

const char *worker_doing(const struct worker *w)
{
	static const char *const name[] = {
		[WORKER_STARTING] = "starting",
		[WORKER_IDLE] = "idle",
		[WORKER_KEPT] = "kept",
		[WORKER_STUCK] = "lost",
		[WORKER_STOPPING] = "stopping",
		[WORKER_LEAVING] = "leaving",
		[WORKER_GONE] = "gone",
	};

	return w->state == WORKER_BUSY ? steps[w->step].name : name[w->state];
}
