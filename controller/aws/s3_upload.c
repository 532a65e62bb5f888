/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/s3_upload.h"

#include "common/clock.h"
#include "common/num.h"
#include "controller/aws/uri.h"
#include "controller/aws/xml.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define OBJECT_MAX (48 * TIB)
#define ID_MAX     1024
#define ABORT      (30 * NSEC_PER_SEC)
#define BODY_MAX   (4 * MIB)

uint64_t s3_part_size(uint64_t size)
{
	uint64_t least = size / S3_PARTS_MAX + 1;

	if (size > OBJECT_MAX)
		return 0;
	return least <= S3_PART ? S3_PART : (least + MIB - 1) / MIB * MIB;
}

/* One upload on its way. */
struct upload {
	struct call_client *client;
	const struct s3_name *name;
	int fd;
	uint64_t size, part;
	char *data; /* of one part */
	char path[S3_PATH_MAX];
	char id[3 * ID_MAX]; /* as it stands in a query */
	struct buf etags;    /* the parts of the body that completes it */
};

static void upload_free(struct upload *u)
{
	free(u->data);
	buf_free(&u->etags);
}

static struct call start(const struct upload *u, const char *action, const char *method)
{
	return (struct call){.service = ENDPOINT_S3,
		.action = action,
		.method = method,
		.path = u->path,
		.changes = true,
		.deadline = u->name->deadline};
}

static int read_part(const struct upload *u, uint64_t at, size_t *ret_len, struct err *e)
{
	size_t want = u->size - at < u->part ? (size_t)(u->size - at) : (size_t)u->part;
	size_t have = 0;

	while (have < want) {
		ssize_t n = pread(u->fd, u->data + have, want - have, (off_t)(at + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "the file cannot be read");
		if (n == 0)
			return err_set(e, ERR_DATA, ESTALE, "the file has become shorter");
		have += (size_t)n;
	}
	*ret_len = want;
	return 0;
}

static int take_id(
	struct upload *u, const struct call *c, const struct http_response *r, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(sizeof(u->id) - 1);
	auto_xml struct _xmlDoc *doc = NULL;
	const char *id;
	int rc = xml_parse(buf_str(&r->body), r->body.len, "the answer of s3", &doc, e);

	if (rc < 0)
		return rc;
	id = xml_text(xml_root(doc), "UploadId");
	if (!id || !*id || uri_encode(&text, id, strlen(id), "") < 0)
		return call_bad_answer(c, e, "no UploadId");
	memcpy(u->id, text.data, text.len + 1);
	return 0;
}

static int create(struct upload *u, const char *type, struct err *e)
{
	auto_http_response struct http_response r = {0};
	struct call c = start(u, "CreateMultipartUpload", "POST");
	struct fault fault;
	int rc;

	c.query = "uploads=";
	c.type = type;
	rc = call(u->client, &c, &r, &fault, e);
	return rc == 0 ? take_id(u, &c, &r, e) : rc;
}

static int send_part(struct upload *u, unsigned number, uint64_t at, struct err *e)
{
	auto_http_response struct http_response r = {0};
	struct call c = start(u, "UploadPart", "PUT");
	char query[64 + sizeof(u->id)];
	struct fault fault;
	int rc = read_part(u, at, &c.body_len, e);

	if (rc < 0)
		return rc;
	snprintf(query, sizeof(query), "partNumber=%u&uploadId=%s", number, u->id);
	c.query = query;
	c.body = u->data;
	c.wanted[0] = "ETag";
	rc = call(u->client, &c, &r, &fault, e);
	if (rc < 0)
		return rc;
	/* It goes into XML. */
	if (!*r.header[0] || strpbrk(r.header[0], "<>&"))
		return call_bad_answer(&c, e, "no ETag");
	rc = buf_addf(&u->etags, "<Part><ETag>%s</ETag><PartNumber>%u</PartNumber></Part>",
		r.header[0], number);
	return rc < 0 ? err_oom(e) : 0;
}

/* An error may come with status 200, as the service has begun to answer before it knew. */
static int complete(struct upload *u, struct err *e)
{
	auto_http_response struct http_response r = {0};
	auto_buf struct buf body = BUF_INIT(BODY_MAX);
	auto_xml struct _xmlDoc *doc = NULL;
	struct call c = start(u, "CompleteMultipartUpload", "POST");
	char query[64 + sizeof(u->id)];
	struct fault fault;
	int rc = buf_addf(
		&body, "<CompleteMultipartUpload>%s</CompleteMultipartUpload>", buf_str(&u->etags));

	if (rc < 0)
		return err_oom(e);
	snprintf(query, sizeof(query), "uploadId=%s", u->id);
	c.query = query;
	c.type = "application/xml";
	c.body = body.data;
	c.body_len = body.len;
	rc = call(u->client, &c, &r, &fault, e);
	if (rc == 0)
		rc = xml_parse(buf_str(&r.body), r.body.len, "the answer of s3", &doc, e);
	if (rc < 0 || strcmp(xml_name(xml_root(doc)), "Error") != 0)
		return rc;
	fault_read(500, "", buf_str(&r.body), r.body.len, &fault);
	return err_set(
		e, fault.kind, EREMOTEIO, "s3 %s: %s: %s", c.action, fault.code, fault.message);
}

/* Whatever time is left: the parts would stay. */
static void give_up(struct upload *u, struct err *e)
{
	auto_http_response struct http_response r = {0};
	struct call c = start(u, "AbortMultipartUpload", "DELETE");
	char query[64 + sizeof(u->id)];
	struct err other = ERR_INIT;
	struct fault fault;

	snprintf(query, sizeof(query), "uploadId=%s", u->id);
	c.query = query;
	c.deadline = clock_deadline(ABORT);
	if (call(u->client, &c, &r, &fault, &other) < 0)
		(void)err_ctx(e, "parts are left behind (%.100s)", other.msg);
}

static int send_parts(struct upload *u, const char *type, struct err *e)
{
	int rc = create(u, type, e);
	unsigned number = 1;

	if (rc < 0)
		return rc;
	for (uint64_t at = 0; rc == 0 && at < u->size; at += u->part)
		rc = send_part(u, number++, at, e);
	if (rc == 0)
		rc = complete(u, e);
	if (rc < 0)
		give_up(u, e);
	return rc;
}

static int send_whole(struct upload *u, const char *type, struct err *e)
{
	struct s3_body body = {.data = u->data, .type = type};
	int rc = read_part(u, 0, &body.len, e);

	return rc == 0 ? s3_put(u->client, u->name, &body, e) : rc;
}

int s3_upload(struct call_client *client, const struct s3_name *name, int fd, const char *type,
	struct err *e)
{
	__attribute__((cleanup(upload_free))) struct upload u = {
		.client = client, .name = name, .fd = fd, .etags = BUF_INIT(BODY_MAX)};
	struct stat st;
	int rc = s3_path(name, u.path, e);

	if (rc < 0)
		return rc;
	if (fstat(fd, &st) < 0)
		return err_errno(e, "the file cannot be read");
	u.size = (uint64_t)st.st_size;
	u.part = s3_part_size(u.size);
	if (!S_ISREG(st.st_mode) || u.part == 0)
		return err_set(e, ERR_USAGE, EINVAL,
			"s3://%s/%.200s: what is no file, or too large, cannot be sent",
			name->bucket, name->key);
	u.data = malloc(u.size < u.part ? u.size + 1 : u.part);
	if (!u.data)
		return err_oom(e);
	rc = u.size <= u.part ? send_whole(&u, type, e) : send_parts(&u, type, e);
	return rc < 0 ? err_ctx(e, "s3://%s/%.200s", name->bucket, name->key) : 0;
}
