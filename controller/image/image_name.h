/* SPDX-License-Identifier: Apache-2.0 */
/* How images of a project are called: NAME-DATE, where they are for two architectures
 * NAME-ARCH-DATE; -2, -3, … behind it where there is one of that day. Pure. */
#ifndef CONTROLLER_IMAGE_NAME_H
#define CONTROLLER_IMAGE_NAME_H

#include "common/err.h"

#include <stddef.h>
#include <stdint.h>

#define IMAGE_NAME 129 /* Amazon EC2 API, CreateImage */

/* Without a number. arch: or NULL; when: seconds of the epoch. */
void image_name_stem(const char *name, const char *arch, int64_t when, char ret[static IMAGE_NAME]);

/* The first of a stem that is free among those that are taken. */
must_check int image_name_choose(const char *stem, const char *const *taken, size_t n,
	char ret[static IMAGE_NAME], struct err *e);

/* Length of the name of the image that a file of DIST/images is of: of one whose name begins with
 * stem, or where that is NULL of one that has a report, which the file is. 0: of none. A NAME may
 * have dots. */
size_t image_name_of_file(const char *file, const char *stem);

/* NAME of a file that is called NAME-20261126.img, NAME-2026-11-26-2.qcow2 or the like: its length.
 */
size_t image_name_undated(const char *file);

#endif
