/* SPDX-License-Identifier: Apache-2.0 */
/* The test of an image as people see it: for `say` of struct image_test and of what passes it on.
 */
#ifndef CONTROLLER_IMAGE_SHOW_H
#define CONTROLLER_IMAGE_SHOW_H

#include "controller/image/image_test.h"
#include "controller/show.h"

struct image_show {
	struct show *show;
	const struct image_check *check; /* that runs; NULL: none, it starts */
};

/* ctx: a struct image_show. */
void image_show_say(void *ctx, const char *name, const struct image_result *r);

#endif
