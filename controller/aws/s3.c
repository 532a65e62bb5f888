/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/s3.h"

#include "common/fs.h"
#include "common/num.h"
#include "controller/aws/uri.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define KEY_MAX 1024
#define RANGE   (8 * MIB)

/* libcurl takes "." and ".." out of a path before it goes. */
static bool is_key(const char *key)
{
	size_t all = strlen(key);

	if (all == 0 || all > KEY_MAX)
		return false;
	for (;;) {
		size_t len = strcspn(key, "/");

		if (len == 0 || (len == 1 && key[0] == '.') ||
			(len == 2 && strncmp(key, "..", 2) == 0))
			return false;
		if (!key[len])
			return true;
		key += len + 1;
	}
}

static bool is_bucket(const char *bucket)
{
	size_t len = strlen(bucket);

	return len >= 3 && len <= 63 && bucket[0] != '.' && bucket[0] != '-' &&
	       strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}

int s3_path(const struct s3_name *name, char ret[static S3_PATH_MAX], struct err *e)
{
	auto_buf struct buf path = BUF_INIT(S3_PATH_MAX - 1);
	int rc;

	if (!is_bucket(name->bucket) || !is_key(name->key))
		return err_set(e, ERR_USAGE, EINVAL, "'s3://%.63s/%.200s' is no name of an object",
			name->bucket, name->key);
	rc = buf_addf(&path, "/%s/", name->bucket);
	if (rc == 0)
		rc = uri_encode(&path, name->key, strlen(name->key), "/");
	if (rc < 0)
		return err_oom(e);
	memcpy(ret, path.data, path.len + 1);
	return 0;
}

static int failed(const struct s3_name *name, struct err *e)
{
	return err_ctx(e, "s3://%s/%.200s", name->bucket, name->key);
}

static struct call start(
	const char *action, const char *method, const char *path, const struct s3_name *name)
{
	return (struct call){.service = ENDPOINT_S3,
		.action = action,
		.method = method,
		.path = path,
		.deadline = name->deadline};
}

int s3_head(
	struct call_client *client, const struct s3_name *name, struct s3_info *ret, struct err *e)
{
	auto_http_response struct http_response r = {0};
	char path[S3_PATH_MAX] = "";
	struct fault fault;
	struct call c = start("HeadObject", "HEAD", path, name);
	int rc = s3_path(name, path, e);

	if (rc < 0)
		return rc;
	c.wanted[0] = "Content-Length";
	c.wanted[1] = "ETag";
	rc = call(client, &c, &r, &fault, e);
	/* There is no body to say so. */
	if (rc < 0 && r.status == 404)
		return err_set(e, ERR_REMOTE, ENOENT, "s3://%s/%.200s: there is no such object",
			name->bucket, name->key);
	if (rc < 0)
		return failed(name, e);
	*ret = (struct s3_info){0};
	snprintf(ret->etag, sizeof(ret->etag), "%.*s", S3_ETAG_MAX - 1, r.header[1]);
	if (num_u64(r.header[0], 0, INT64_MAX, &ret->size, e) < 0 || !*ret->etag)
		return call_bad_answer(&c, e, "no length or ETag");
	return 0;
}

/* Bytes from to from + RANGE - 1 of the version with that ETag. */
static int get_range(struct call_client *client, const struct s3_name *name,
	const struct s3_info *info, uint64_t from, struct http_response *ret, struct err *e)
{
	uint64_t end = info->size - from > RANGE ? from + RANGE : info->size;
	char path[S3_PATH_MAX], range[64];
	struct fault fault;
	struct call c = start("GetObject", "GET", path, name);
	int rc = s3_path(name, path, e);

	if (rc < 0)
		return rc;
	snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, from, end - 1);
	c.header[0] = (struct call_header){"If-Match", info->etag};
	c.header[1] = (struct call_header){"Range", range};
	rc = call(client, &c, ret, &fault, e);
	if (rc < 0)
		return failed(name, e);
	return ret->body.len == end - from ? 0 : call_bad_answer(&c, e, "another length");
}

static int take_into_buf(void *ctx, const struct buf *body, struct err *e)
{
	int rc = buf_add(ctx, body->data, body->len);

	if (rc == -EFBIG)
		return err_set(e, ERR_DATA, EFBIG, "the object is too long");
	return rc < 0 ? err_oom(e) : 0;
}

static int take_into_fd(void *ctx, const struct buf *body, struct err *e)
{
	int rc = fs_write_all(*(const int *)ctx, body->data, body->len);

	return rc < 0 ? err_set(e, ERR_SYSTEM, -rc, "the object cannot be written: %s",
				strerror(-rc))
		      : 0;
}

static int get_all(struct call_client *client, const struct s3_name *name,
	int (*take)(void *ctx, const struct buf *body, struct err *e), void *ctx, struct err *e)
{
	struct s3_info info;
	int rc = s3_head(client, name, &info, e);

	for (uint64_t at = 0; rc == 0 && at < info.size;) {
		auto_http_response struct http_response r = {0};

		rc = get_range(client, name, &info, at, &r, e);
		if (rc == 0)
			rc = take(ctx, &r.body, e);
		at += r.body.len;
	}
	return rc;
}

int s3_get(struct call_client *client, const struct s3_name *name, struct buf *ret, struct err *e)
{
	return get_all(client, name, take_into_buf, ret, e);
}

int s3_fetch(struct call_client *client, const struct s3_name *name, int fd, struct err *e)
{
	return get_all(client, name, take_into_fd, &fd, e);
}

int s3_put(struct call_client *client, const struct s3_name *name, const struct s3_body *body,
	struct err *e)
{
	auto_http_response struct http_response r = {0};
	char path[S3_PATH_MAX] = "";
	struct fault fault;
	struct call c = start("PutObject", "PUT", path, name);
	int rc = s3_path(name, path, e);

	if (rc < 0)
		return rc;
	c.type = body->type;
	c.body = body->data;
	c.body_len = body->len;
	c.changes = true;
	rc = call(client, &c, &r, &fault, e);
	return rc < 0 ? failed(name, e) : 0;
}

int s3_delete(struct call_client *client, const struct s3_name *name, struct err *e)
{
	auto_http_response struct http_response r = {0};
	char path[S3_PATH_MAX] = "";
	struct fault fault;
	struct call c = start("DeleteObject", "DELETE", path, name);
	int rc = s3_path(name, path, e);

	if (rc < 0)
		return rc;
	c.changes = true;
	rc = call(client, &c, &r, &fault, e);
	return rc < 0 ? failed(name, e) : 0;
}
