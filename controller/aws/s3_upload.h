/* SPDX-License-Identifier: Apache-2.0 */
/* A file into an object of S3, in parts where it is large. What fails is aborted: parts that are
 * left behind cost money. */
#ifndef CONTROLLER_AWS_S3_UPLOAD_H
#define CONTROLLER_AWS_S3_UPLOAD_H

#include "controller/aws/s3.h"

#define S3_PART      (8ULL * 1024 * 1024) /* bytes, at least, and up to which a file goes as one */
#define S3_PARTS_MAX 10000

/* The size of each part but the last; 0: no object is so large. Pure. */
uint64_t s3_part_size(uint64_t size);

/* All of a regular file, whose offset is not used. Kind data: it has changed meanwhile. */
must_check int s3_upload(struct call_client *client, const struct s3_name *name, int fd,
	const char *type, struct err *e);

#endif
