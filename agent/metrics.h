/* SPDX-License-Identifier: Apache-2.0 */
/* What the watcher counts, as a text file for node_exporter's textfile collector (Prometheus text
 * format 0.0.4): /run/shared-prep/jobs.prom. */
#ifndef AGENT_METRICS_H
#define AGENT_METRICS_H

#include "agent/result.h"

#define METRICS_FILE "/run/shared-prep/jobs.prom"

struct metrics {
	uint64_t ended[JOB_CANCELLED + 1]; /* by state, since the watcher began */
	uint64_t queued;                   /* at least: those it has read */
	uint64_t running;
	uint64_t cpus, cpus_used;
	uint64_t mem, mem_used; /* bytes */
	bool held;              /* no job is started */
};

must_check int metrics_text(const struct metrics *m, struct buf *out, struct err *e);

must_check int metrics_write(int rootfd, const struct metrics *m, struct err *e);

#endif
