/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/build/build_sources.h"

#include "common/cancel.h"
#include "common/fs.h"
#include "controller/project/source.h"

#include <fcntl.h>
#include <stdlib.h>

static int begin(struct build_sources *s, const struct project *p, struct err *e)
{
	*s = (struct build_sources){.project = p, .fd = malloc(p->n_apps * sizeof(*s->fd))};
	if (!s->fd)
		return err_oom(e);
	for (size_t i = 0; i < p->n_apps; i++)
		s->fd[i] = -1;
	return 0;
}

int build_sources_pack(struct build_sources *ret, const struct project *p, const struct matrix *m,
	const char *tmpdir, struct err *e)
{
	int rc = begin(ret, p, e);

	for (size_t i = 0; i < m->n && rc == 0 && !cancel_requested(); i++) {
		const struct build *b = &m->build[i];
		int *fd = &ret->fd[b->app - p->app];

		if (b->state == BUILD_WAITING && *fd < 0)
			rc = source_pack(b->app->source, p->dist, tmpdir, fd, e);
	}
	return rc;
}

void build_sources_close(struct build_sources *s)
{
	for (size_t i = 0; s->fd && i < s->project->n_apps; i++)
		auto_close_fn(&s->fd[i]);
	free(s->fd);
	s->fd = NULL;
}

int build_sources_open(
	const struct build_sources *s, const struct project_app *app, int *ret_fd, struct err *e)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fd[app - s->project->app]);
	return fs_open(AT_FDCWD, path, O_RDONLY, 0, ret_fd, e);
}
