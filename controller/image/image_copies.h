/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which regions have copies of an image: it says so itself, in as many tags as that takes, for who
 * retires it. RESOURCE_COPIES is the first of them, the next has "-2" behind it. Pure.
 */
#ifndef CONTROLLER_IMAGE_COPIES_H
#define CONTROLLER_IMAGE_COPIES_H

#include "controller/aws/ec2_tag.h"

#define IMAGE_COPIES_TAGS  8
#define IMAGE_COPIES_VALUE 257 /* the value of a tag has 256 characters */
#define IMAGE_COPIES_TEXT  (IMAGE_COPIES_TAGS * IMAGE_COPIES_VALUE)

struct image_copies {
	struct {
		char key[32];
		char value[IMAGE_COPIES_VALUE]; /* regions, with blanks between */
	} tag[IMAGE_COPIES_TAGS];
	size_t n;
};

/* One more region, none of which is cut. Kind config: there are more than the tags can hold. */
must_check int image_copies_add(struct image_copies *c, const char *region, struct err *e);

/* The regions of all these tags of an image, with blanks between; "": none. */
void image_copies_read(const struct ec2_tags *tags, char ret[static IMAGE_COPIES_TEXT]);

#endif
