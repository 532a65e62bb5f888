/* SPDX-License-Identifier: Apache-2.0 */
/* What a build leaves: DIST/FLAGSET/APP_KEY.tar.zst, and APP_KEY.log beside it. */
#ifndef CONTROLLER_ARTIFACT_H
#define CONTROLLER_ARTIFACT_H

#include "controller/project/matrix.h"

#include <limits.h>

#define ARTIFACT_NAME (MATRIX_KEY + 96)

/* "FLAGSET/APP_KEY.tar.zst": what it is in DIST. */
const char *artifact_name(
	const struct build *b, const char *suffix, char out[static ARTIFACT_NAME]);

/* The path for people and reports; suffix is ".tar.zst" or ".log". */
const char *artifact_path(
	const char *dist, const struct build *b, const char *suffix, char out[static PATH_MAX]);

/* A new log; the one of an earlier run is gone. */
must_check int artifact_log(const char *dist, const struct build *b, int *ret_fd, struct err *e);

/* A file for the archive that is not under its name yet, and the end of that: checked against
 * b->digest (kind data: it differs), its size in b->bytes, on the disk, under its name. */
must_check int artifact_begin(const char *dist, const struct build *b, int *ret_fd, struct err *e);
must_check int artifact_keep(const char *dist, struct build *b, int fd, struct err *e);

/* It will not come to its end. */
void artifact_drop(const char *dist, const struct build *b);

/* It is there and has that digest; its size in b->bytes. */
bool artifact_is_there(const char *dist, struct build *b);

/* The last line of a log, from an offset on, that says something; printable, cut; "" where there is
 * none. */
void artifact_last_line(int log, off_t from, char *out, size_t size);

#endif
