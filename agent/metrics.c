/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/metrics.h"

#include "agent/publish.h"
#include "common/fs.h"

#define METRICS_MAX (16 * KIB)

struct gauge {
	const char *name, *help;
	size_t offset;
};

static const struct gauge gauges[] = {
	{"queued", "Jobs that wait.", offsetof(struct metrics, queued)},
	{"running", "Jobs that run.", offsetof(struct metrics, running)},
	{"cpus", "CPUs for jobs.", offsetof(struct metrics, cpus)},
	{"cpus_used", "CPUs that jobs have.", offsetof(struct metrics, cpus_used)},
	{"memory_bytes", "Memory for jobs.", offsetof(struct metrics, mem)},
	{"memory_used_bytes", "Memory that jobs have been given.",
		offsetof(struct metrics, mem_used)},
};

static int add_gauge(struct buf *out, const char *name, const char *help, uint64_t n)
{
	return buf_addf(out,
		"# HELP shared_prep_jobs_%s %s\n# TYPE shared_prep_jobs_%s gauge\n"
		"shared_prep_jobs_%s %llu\n",
		name, help, name, name, (unsigned long long)n);
}

int metrics_text(const struct metrics *m, struct buf *out, struct err *e)
{
	int rc = buf_adds(out, "# HELP shared_prep_jobs_ended_total Jobs that have ended.\n"
			       "# TYPE shared_prep_jobs_ended_total counter\n");

	for (unsigned i = 0; rc == 0 && i < ARRAY_LEN(m->ended); i++)
		rc = buf_addf(out, "shared_prep_jobs_ended_total{state=\"%s\"} %llu\n",
			job_state_name((enum job_state)i), (unsigned long long)m->ended[i]);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(gauges); i++) {
		uint64_t n;

		memcpy(&n, (const char *)m + gauges[i].offset, sizeof(n));
		rc = add_gauge(out, gauges[i].name, gauges[i].help, n);
	}
	if (rc == 0)
		rc = add_gauge(out, "held", "Whether no job is started.", m->held);
	return rc < 0 ? err_oom(e) : 0;
}

int metrics_write(int rootfd, const struct metrics *m, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(METRICS_MAX);
	int rc = metrics_text(m, &text, e);

	if (rc == 0)
		rc = fs_mkdir_p(rootfd, PUBLISH_RUN, 0755, e);
	return rc < 0 ? rc : fs_write_changed(rootfd, METRICS_FILE, 0644, &text, e);
}
