/* SPDX-License-Identifier: Apache-2.0 */
/* The folder that archives go to, [project] dist=. */
#ifndef CONTROLLER_DIST_H
#define CONTROLLER_DIST_H

#include "common/json.h"

#include <limits.h>

/* Makes it, and holds it for this controller alone until *ret_fd is closed: two would write to the
 * same files. Kind transient, -EBUSY: another one works there. */
must_check int dist_enter(const char *dist, int *ret_fd, struct err *e);

/* DIST/images: images, and what is told of them. */
must_check int dist_images(const char *dist, char ret[static PATH_MAX], struct err *e);
/* Makes it, too. */
must_check int dist_images_make(const char *dist, char ret[static PATH_MAX], struct err *e);

/* DIST/build.json: what the last run has made. */
must_check int dist_report(const char *dist, const json_t *report, struct err *e);

#endif
