/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/build/build_print.h"

#include "common/num.h"
#include "controller/build/artifact.h"
#include "controller/build/report.h"
#include "controller/money.h"

#include <stdio.h>

static void print_planned(const struct project *p, const struct build *b, size_t worker)
{
	char option[TARGET_NAME + 8], path[PATH_MAX];

	target_option(&b->target, option);
	printf("worker %zu\t%s\t%s%s%s\n", worker, artifact_path(p->dist, b, ".tar.zst", path),
		option, *option && *b->flags->cflags ? " " : "", b->flags->cflags);
}

int build_print_planned(const struct project *p, const struct matrix *m, bool json, struct err *e)
{
	auto_json json_t *planned = NULL;
	int rc = json ? report_planned(m, &planned, e) : 0;

	if (rc < 0)
		return rc;
	if (json)
		return json_print(planned, stdout, e);
	for (size_t i = 0; i < m->n_crews; i++) {
		for (size_t k = 0; k < m->crew[i].n; k++)
			print_planned(p, m->crew[i].build[k], i + 1);
	}
	return 0;
}

/* What was not begun has left no log. */
static void print_build(const struct project *p, const struct build *b)
{
	char path[PATH_MAX], size[NUM_TEXT];

	switch (b->state) {
	case BUILD_DONE:
		printf("%s\t%s\t%.12s\n", artifact_path(p->dist, b, ".tar.zst", path),
			num_size_text(b->bytes, size), b->digest);
		break;
	case BUILD_FAILED:
		printf("%s\tfailed\t%s\n", artifact_path(p->dist, b, ".log", path), b->why);
		break;
	case BUILD_WAITING:
	case BUILD_RUNNING:
		printf("%s\tnot built\n", artifact_path(p->dist, b, ".tar.zst", path));
		break;
	}
}

void build_print_done(const struct project *p, const struct matrix *m, uint64_t cost)
{
	char money[MONEY_TEXT];

	for (size_t i = 0; i < m->n; i++)
		print_build(p, &m->build[i]);
	if (cost)
		printf("cost\t%s\n", money_text(cost, money));
}
