/* SPDX-License-Identifier: Apache-2.0 */
/* Undoes prepare: the mount with all it holds, the seal, the published files and the ECS block. */
#ifndef AGENT_RELEASE_H
#define AGENT_RELEASE_H

#include "common/err.h"

#include <stdbool.h>

/* A mount in use is -EBUSY and nothing is changed, unless lazy: then it goes when its last user
 * does. */
must_check int release_run(const char *root, bool lazy, struct err *e);

#endif
