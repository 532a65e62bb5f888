/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of S3, addressed by path (https://s3.REGION.amazonaws.com/BUCKET/KEY), so that any name
 * of a bucket works with TLS. What is sent is signed with its SHA-256. Amazon S3 API Reference.
 */
#ifndef CONTROLLER_AWS_S3_H
#define CONTROLLER_AWS_S3_H

#include "controller/aws/call.h"

#define S3_ETAG_MAX 128
#define S3_PATH_MAX (3 * 1024 + 128)

struct s3_name {
	const char *bucket; /* in the client's region */
	const char *key;    /* "a/b c.tar.zst"; no part of it empty, "." or ".." */
	uint64_t deadline;
};

struct s3_info {
	uint64_t size;
	char etag[S3_ETAG_MAX]; /* with its quotes */
};

/* Kind remote, -ENOENT: there is none, or one may not know. */
must_check int s3_head(
	struct call_client *client, const struct s3_name *name, struct s3_info *ret, struct err *e);

/* The whole object, which must fit: -EFBIG, kind data. Adds to ret. */
must_check int s3_get(
	struct call_client *client, const struct s3_name *name, struct buf *ret, struct err *e);

/* The whole object into a descriptor, from its offset on, by ranges of one and the same version.
 */
must_check int s3_fetch(
	struct call_client *client, const struct s3_name *name, int fd, struct err *e);

struct s3_body {
	const void *data;
	size_t len;
	const char *type; /* Content-Type; NULL: none */
};

must_check int s3_put(struct call_client *client, const struct s3_name *name,
	const struct s3_body *body, struct err *e);

/* That it is gone already is success. */
must_check int s3_delete(struct call_client *client, const struct s3_name *name, struct err *e);

/* "/BUCKET/KEY", encoded. Kind usage: no such names. */
must_check int s3_path(const struct s3_name *name, char ret[static S3_PATH_MAX], struct err *e);

#endif
