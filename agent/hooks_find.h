/* SPDX-License-Identifier: Apache-2.0 */
/* Which programs hooks.h runs. */
#ifndef AGENT_HOOKS_FIND_H
#define AGENT_HOOKS_FIND_H

#include "agent/hooks.h"

#include <stddef.h>

struct hooks_file {
	char name[NAME_MAX + 1];
	char *path;    /* malloc'd: as this process opens it, whatever the root is */
	char why[128]; /* why it may not run; "": it may */
};

struct hooks_list {
	struct hooks_file file[HOOKS_MAX];
	size_t len;
};

/* only: the one of this name; NULL: all. */
must_check int hooks_find(int rootfd, const char *only, struct hooks_list *ret, struct err *e);
void hooks_list_free(struct hooks_list *l);

#endif
