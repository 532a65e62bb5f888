/* SPDX-License-Identifier: Apache-2.0 */
/* What workers are sent of the apps of a run: each app's source, packed once, in a file without a
 * name. */
#ifndef CONTROLLER_BUILD_SOURCES_H
#define CONTROLLER_BUILD_SOURCES_H

#include "controller/project/matrix.h"

struct build_sources {
	const struct project *project;
	int *fd; /* for each app; -1: it is not needed */
};

/* Of the apps that have builds which wait, in a folder for temporary files; before there is a
 * worker, which would wait for it, and cost. Where the user asked to end, some may be missing: the
 * fleet ends that as any other. The project outlives *ret; the caller calls build_sources_close()
 * in every case. */
must_check int build_sources_pack(struct build_sources *ret, const struct project *p,
	const struct matrix *m, const char *tmpdir, struct err *e);
void build_sources_close(struct build_sources *s);

/* A descriptor of the caller's own, with an offset of its own. */
must_check int build_sources_open(
	const struct build_sources *s, const struct project_app *app, int *ret_fd, struct err *e);

#endif
