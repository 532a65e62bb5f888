/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/build/step.h"
#include "controller/build/worker.h"

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
